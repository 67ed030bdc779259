"""The recorder: a line for each call that IAM was asked about, with who made it, what it took and how it ended."""

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from haulier.local.recording import Recorder, leading_keys, role_of
from tests.iam.policy import Request
from tests.iam.record import Call, read

KEYS = {"ASIA1": "arn:aws:sts::000000000000:assumed-role/haulier-test-role/session", "test": "arn:aws:iam::0:root"}
Right = tuple[str, str, dict[str, Any]]


def resolve(key: str) -> Any:
    return SimpleNamespace(principal_arn=KEYS[key]) if key in KEYS else SimpleNamespace(code="Unknown")


def record(tmp_path: Path, *requests: tuple[str, list[Right], int, bytes, list[tuple[bytes, bytes]]]) -> list[Call]:
    """Sends the requests through a recorder at once: key, rights that IAM is asked for, status, body, headers."""
    lines: list[str] = []
    recorder = Recorder(lines.append)
    asked: list[tuple[str, str]] = []

    def enforce(_key: str, action: str, _service: str, _region: str, resource_arn: str = "*", **_: Any) -> str:
        asked.append((action, resource_arn))
        return "verdict"

    heard = recorder.listening(enforce, resolve)

    async def emulator(scope: dict[str, Any], _receive: Any, send: Any) -> None:
        key, rights, status, body = scope["told"]
        for action, resource, context in rights:
            assert heard(key, action, "s3", "r", resource_arn=resource, service_context=context) == "verdict"
            await asyncio.sleep(0)
        await send({"type": "http.response.start", "status": status})
        await send({"type": "http.response.body", "body": body})

    front = recorder.around(emulator)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def all_of_them() -> None:
        scopes = [{"type": "http", "headers": headers, "told": told} for *told, headers in requests]
        await asyncio.gather(*(front(scope, None, send) for scope in scopes))

    asyncio.run(all_of_them())
    assert len(sent) == 2 * len(requests)
    assert len(asked) == sum(len(request[1]) for request in requests)
    (tmp_path / "record.jsonl").write_text("".join(lines))
    return list(read(tmp_path / "record.jsonl"))


def test_a_call_is_written_with_its_role_and_rights(tmp_path: Path) -> None:
    rights: list[Right] = [("s3:PutObject", "arn:a", {"s3:prefix": "p", "aws:TagKeys": [], "dynamodb:Select": "x"})]
    headers = [(b"X-Amz-Expected-Bucket-Owner", b"1"), (b"x-amz-source-expected-bucket-owner", b"2")]
    (call,) = record(tmp_path, ("ASIA1", rights, 200, b"ok", headers))
    assert call == Call(
        role="haulier-test-role",
        rights=(Request("s3:PutObject", "arn:a", {"s3:prefix": "p"}),),
        status=200,
        error=None,
        owner=("1", "2"),
    )


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        ({"Key": {"job_id": {"S": "a"}, "sk": {"S": "job"}}}, [["a"]]),
        ({"Item": {"job_id": {"S": "a"}}}, [["a"]]),
        ({"RequestItems": {"t": {"Keys": [{"job_id": {"S": "b"}}, {"job_id": {"S": "a"}}]}}}, [["a", "b"]]),
        (
            {"TransactItems": [{"Put": {"Item": {"job_id": {"S": "a"}}}}, {"Update": {"Key": {"job_id": {"S": "b"}}}}]},
            [["a"], ["b"]],
        ),
        ({"KeyConditionExpression": "job_id = :j"}, [[]]),
    ],
)
def test_the_keys_of_a_request_to_the_table_are_told(body: dict[str, Any], keys: list[list[str]]) -> None:
    assert [leading_keys(json.dumps(body).encode(), number) for number in range(len(keys))] == keys


def test_calls_that_are_under_way_together_keep_their_rights_apart(tmp_path: Path) -> None:
    one: list[Right] = [("a:One", "x", {}), ("a:Two", "y", {}), ("a:Three", "z", {})]
    two: list[Right] = [("b:One", "x", {}), ("b:Two", "y", {})]
    calls = record(tmp_path, ("ASIA1", one, 200, b"", []), ("test", two, 200, b"", []))
    assert {call.role: [right.action for right in call.rights] for call in calls} == {
        "haulier-test-role": ["a:One", "a:Two", "a:Three"],
        None: ["b:One", "b:Two"],
    }


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (403, b'{"__type": "AccessDeniedException", "message": "no"}', "AccessDeniedException"),
        (
            400,
            b'{"__type":"com.amazonaws.dynamodb#ConditionalCheckFailed"}',
            "ConditionalCheckFailed",
        ),
        (403, b"<Error><Code>AccessDenied</Code></Error>", "AccessDenied"),
        (404, b"", "404"),
        (200, b"<Code>data</Code>", None),
    ],
)
def test_an_error_is_written_with_its_code(tmp_path: Path, status: int, body: bytes, error: str | None) -> None:
    (call,) = record(tmp_path, ("ASIA1", [("a:One", "x", {})], status, body, []))
    assert call.error == error
    assert call.refused == (error in ("AccessDenied", "AccessDeniedException"))


def test_what_iam_was_not_asked_about_is_no_call(tmp_path: Path) -> None:
    assert record(tmp_path, ("ASIA1", [], 200, b"", [])) == []


def test_a_line_that_is_being_written_is_left_out(tmp_path: Path) -> None:
    record(tmp_path, ("ASIA1", [("a:One", "x", {})], 200, b"", []))
    file = tmp_path / "record.jsonl"
    with file.open("a") as more:
        more.write('{"at": 1')
    assert len(list(read(file))) == 1


@pytest.mark.parametrize(
    ("arn", "role"),
    [
        ("arn:aws:sts::000000000000:assumed-role/name/session", "name"),
        ("arn:aws:iam::000000000000:root", None),
        ("arn:aws:iam::000000000000:user/u", None),
        ("", None),
    ],
)
def test_roles(arn: str, role: str | None) -> None:
    assert role_of(arn) == role

"""Requests nobody sends by accident: what callers choose names nothing of ours, and no body makes the function fail."""

import base64
import json
from typing import Any

import pytest

from dispatcher.aws import BadRequest
from haulier.contracts.api import MAX_BODY_BYTES, MAX_KEYS, MAX_PROBLEMS
from haulier.contracts.limits import MAX_LISTED_BYTES
from haulier.jobs.idempotency import caller_of, cause_of
from tests.unit.dispatcher.asking import ROLE, Answer, an_api, ask, request
from tests.unit.dispatcher.builders import INPUT
from tests.unit.dispatcher.cloud import Cloud

KEY = "incoming/a.csv"


@pytest.fixture
def cloud() -> Cloud:
    cloud = Cloud()
    cloud.put(INPUT, KEY, b"a,b\n1,2\n")
    return cloud


def send(cloud: Cloud, event: dict[str, Any]) -> Answer:
    answer = an_api(cloud).handle(event)
    return Answer(answer["statusCode"], json.loads(answer["body"]), answer["headers"])


def batch(cloud: Cloud, *, request_id: str, gateway_id: str) -> str:
    event = request("submitJob", body={"prefix": "incoming/"}, request_id=request_id)
    event["requestContext"]["extendedRequestId"] = gateway_id
    return str(send(cloud, event).body["job_id"])


def test_a_batch_without_a_key_is_named_by_what_its_caller_cannot_choose(cloud: Cloud) -> None:
    chosen = [batch(cloud, request_id="the same", gateway_id=own) for own in ("g1", "g2")]
    keyed = ask(an_api(cloud), "submitJob", body={"prefix": "incoming/"}, key="k1").body["job_id"]
    guessed = cause_of(caller_of(ROLE), "k1").removeprefix("api:")

    assert len({*chosen, keyed, *(batch(cloud, request_id=guessed, gateway_id=own) for own in ("g3", guessed))}) == 5


def test_an_answer_and_the_log_share_the_caller_s_own_request_id(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    event = request("submitJob", body={}, request_id="chosen")
    event["requestContext"]["extendedRequestId"] = "not chosen"

    answer = send(cloud, event)

    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (answer.error["request_id"], line["request_id"], line["gateway_id"]) == ("chosen", "chosen", "not chosen")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"key": "../a"}, "key"),
        ({"key": KEY, "version_id": "none"}, "version_id"),
        ({"keys_object": "/.."}, "keys_object"),
    ],
)
@pytest.mark.parametrize("key", [None, "k1"])
def test_what_s3_cannot_take_is_the_caller_s_mistake_and_leaves_nothing(
    cloud: Cloud, body: dict[str, Any], field: str, key: str | None
) -> None:
    cloud.broken["head_object"] = BadRequest("S3 does not take this key or version")

    answer = ask(an_api(cloud), "submitJob", body=body, key=key)

    assert (answer.status, list(answer.problems), cloud.items) == (400, [field], {})


def test_two_keys_of_one_request_are_refused(cloud: Cloud) -> None:
    event = request("submitJob", body={"key": KEY}, key="k1")

    answer = send(cloud, event | {"multiValueHeaders": {"Idempotency-Key": ["k1", "k2"]}})

    assert (answer.status, answer.problems, cloud.items) == (400, {"Idempotency-Key": "give it once"}, {})


@pytest.mark.parametrize("key", ["k1\n", "\x7f", "k1\r\nk2"])
def test_a_line_s_end_is_no_part_of_a_key(cloud: Cloud, key: str) -> None:
    assert ask(an_api(cloud), "submitJob", body={"key": KEY}, key=key).status == 400


def test_a_line_s_end_is_no_part_of_an_id(cloud: Cloud) -> None:
    answer = ask(an_api(cloud), "getJob", job_id="j" + "a" * 26 + "\n")

    assert (answer.status, cloud.calls) == (400, [])


@pytest.mark.parametrize(
    "event",
    [
        {"body": "ü", "isBase64Encoded": True},
        {"body": "e30", "isBase64Encoded": True},
        {"body": base64.b64encode(b'{"key": "\xff"}').decode(), "isBase64Encoded": True},
        {"body": '{"key": "\ud800"}'},
        {"body": '{"key": "\\ud800"}'},
        {"body": '{"key": "' + KEY + '"}{}'},
        {"body": "[" * 10_000},
        {"body": '{"key": NaN}'},
        {"body": json.dumps({"key": KEY, "keys": None})},
        {"body": json.dumps({"key": KEY, "dataset": None})},
    ],
    ids=lambda event: event["body"][:20],
)
def test_a_body_that_is_no_request_is_refused_whatever_its_content_type_let_through(
    cloud: Cloud, event: dict[str, Any]
) -> None:
    answer = send(cloud, request("submitJob") | event)

    assert (answer.status, answer.error["code"], cloud.items) == (400, "invalid_request", {})


def test_a_body_that_is_too_large_is_not_read(cloud: Cloud) -> None:
    answer = ask(an_api(cloud), "submitJob", body={"key": KEY} | {"x": "x" * MAX_BODY_BYTES})

    assert (answer.status, answer.error["code"]) == (413, "too_large")


def test_the_longest_list_fits_however_it_is_written(cloud: Cloud) -> None:
    length = MAX_LISTED_BYTES // MAX_KEYS - 4
    keys = [f"{at:04d}{'ü' * ((length - 4) // 6)}" for at in range(MAX_KEYS)]

    for body in (json.dumps({"keys": keys}, indent=8), json.dumps({"keys": keys}, ensure_ascii=False)):
        assert ask(an_api(cloud), "submitJob", body=body).status == 202


def test_an_answer_does_not_grow_with_what_is_wrong(cloud: Cloud) -> None:
    many = ask(an_api(cloud), "submitJob", body={f"x{at}": 1 for at in range(40_000)})
    long = ask(an_api(cloud), "submitJob", body={"key": KEY, "x" * 500_000: 1})
    query = ask(an_api(cloud), "listJobs", query={"x" * 10_000: "1"})

    for answer in (many, long, query):
        assert answer.status == 400
        assert len(answer.error["problems"]) <= MAX_PROBLEMS
        assert len(json.dumps(answer.body)) < 5000

import io
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dispatcher.aws import Aws, PreconditionFailed
from haulier.jobs.calls import Call, ConditionFailed, NotFound, TransactionFailed


class Client:
    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    def __getattr__(self, operation: str) -> Any:
        return self._answer

    def _answer(self, **params: Any) -> Any:
        self.asked.append(params)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def an_aws(client: Client, owner: str = "", monkeypatch: Any = None) -> Aws:
    aws = Aws(owner)
    aws._clients |= dict.fromkeys(("s3", "dynamodb", "stepfunctions"), client)
    return aws


def refused(code: str, **more: Any) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "m"}, **more}, "Operation")


def cancelled(*codes: str) -> ClientError:
    return refused("TransactionCanceledException", CancellationReasons=[{"Code": code} for code in codes])


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (refused("ConditionalCheckFailedException", Item={"a": {"S": "b"}}), ConditionFailed),
        (cancelled("None", "ConditionalCheckFailed"), TransactionFailed),
        (refused("404"), NotFound),
        (refused("NoSuchKey"), NotFound),
        (refused("412"), PreconditionFailed),
        (refused("PreconditionFailed"), PreconditionFailed),
        (refused("ThrottlingException"), ClientError),
        (refused("AccessDenied"), ClientError),
    ],
)
def test_an_error_becomes_a_refusal_when_it_is_part_of_the_protocol(error: ClientError, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        an_aws(Client(error)).perform(Call("s3", "head_object", {"Bucket": "b"}))


@pytest.mark.parametrize("owner", ["", "123456789012"])
def test_the_owner_is_named_when_one_is_set(owner: str) -> None:
    client = Client({}, {})
    aws = an_aws(client, owner)

    aws.perform(Call("s3", "head_object", {"Bucket": "b"}))
    aws.perform(Call("dynamodb", "get_item", {"TableName": "t"}))

    named = {"ExpectedBucketOwner": owner} if owner else {}
    assert client.asked == [{"Bucket": "b"} | named, {"TableName": "t"}]


@pytest.mark.parametrize(("asked", "read"), [({}, b"0123456789"), ({"Range": "bytes=0-3"}, b"0123")])
def test_a_body_is_read_no_further_than_asked_when_an_object_is_got(asked: dict[str, str], read: bytes) -> None:
    body = io.BytesIO(b"0123456789")

    answer = an_aws(Client({"Body": body})).perform(Call("s3", "get_object", {"Bucket": "b", **asked}))

    assert answer["Body"] == read
    assert body.closed


def test_a_write_is_made_again_when_it_met_another_transaction(monkeypatch: Any) -> None:
    waits: list[float] = []
    monkeypatch.setattr("dispatcher.aws.time.sleep", waits.append)
    client = Client(cancelled("None", "TransactionConflict"), refused("TransactionConflictException"), {"ok": 1})

    assert an_aws(client).perform(Call("dynamodb", "transact_write_items")) == {"ok": 1}
    assert len(waits) == 2


def test_the_conflict_is_an_accident_when_it_does_not_end(monkeypatch: Any) -> None:
    monkeypatch.setattr("dispatcher.aws.time.sleep", lambda _: None)
    client = Client(*[cancelled("TransactionConflict")] * 5)

    with pytest.raises(ClientError):
        an_aws(client).perform(Call("dynamodb", "transact_write_items"))
    assert client.answers == []


def test_the_condition_decides_when_a_conflict_stands_beside_it() -> None:
    client = Client(cancelled("ConditionalCheckFailed", "TransactionConflict"))

    with pytest.raises(TransactionFailed):
        an_aws(client).perform(Call("dynamodb", "transact_write_items"))

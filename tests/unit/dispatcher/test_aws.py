import io
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError, ReadTimeoutError

from dispatcher.aws import Aws, BadRequest, may_pass
from haulier.jobs.calls import Call, ConditionFailed, NotFound, PreconditionFailed, TransactionFailed


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
        (refused("400"), BadRequest),
        (refused("ExpiredToken"), ClientError),
        (refused("ThrottlingException"), ClientError),
        (refused("AccessDenied"), ClientError),
    ],
)
def test_an_error_becomes_a_refusal_when_it_is_part_of_the_protocol(error: ClientError, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        an_aws(Client(error)).perform(Call("s3", "head_object", {"Bucket": "b"}))


def _status(code: str, status: int) -> ClientError:
    return refused(code, ResponseMetadata={"HTTPStatusCode": status})


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (_status("503", 503), True),
        (_status("InternalError", 500), True),
        (_status("ProvisionedThroughputExceededException", 400), True),
        (cancelled("None", "ThrottlingError"), True),
        (cancelled("TransactionConflict"), True),
        (EndpointConnectionError(endpoint_url="https://s3"), True),
        (ReadTimeoutError(endpoint_url="https://s3"), True),
        (TransactionFailed(["ConditionalCheckFailed"]), True),
        (_status("AccessDenied", 403), False),
        (cancelled("ValidationError"), False),
        (ParamValidationError(report="r"), False),
        (BadRequest("no key"), False),
        (KeyError("x"), False),
    ],
)
def test_an_error_of_the_moment_is_told_from_one_that_stays(error: Exception, passes: bool) -> None:
    assert may_pass(error) is passes


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


def test_who_is_waited_for_asks_again_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")

    waits = [aws._client("s3").meta.config.read_timeout for aws in (Aws(), Aws("", 5))]

    assert waits == [30, 5]

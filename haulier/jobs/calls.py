"""A call to AWS as a value, the answers a procedure must be able to understand, and how a procedure is driven."""

from collections.abc import Awaitable, Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

Service = Literal["dynamodb", "s3", "sqs", "stepfunctions"]
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Call:
    """One request, in the words of botocore's clients.

    Attributes:
        service: the client's name.
        operation: the client's method, `update_item` for instance.
        params: its keyword arguments. A `get_object` is answered with `Body` read whole, as bytes: procedures only
            read small objects of our own.
    """

    service: Service
    operation: str
    params: Mapping[str, Any] = field(default_factory=dict)


class Refused(Exception):
    """An answer that is part of the protocol, not an accident. Thrown into the procedure that made the call."""


class ConditionFailed(Refused):
    """The item is not what the write names. `item` is what it is, where the write asked for it."""

    def __init__(self, item: Mapping[str, Any] | None = None) -> None:
        super().__init__("the item is not what the conditional write names")
        self.item = item


class TransactionFailed(Refused):
    """A transaction was cancelled; `reasons` holds a code (or `None`) for each of its writes, in their order."""

    def __init__(self, reasons: list[str | None]) -> None:
        super().__init__(f"transaction cancelled: {reasons}")
        self.reasons = reasons


class AlreadyExists(Refused):
    """What was to be started has been started before (Step Functions: ExecutionAlreadyExists)."""


class NotFound(Refused):
    """The object, execution or queue is not there."""


class PreconditionFailed(Refused):
    """The object is not the one that was asked for (`If-Match`)."""


Steps = Generator[Call, Any, R]

_CODES: dict[str, type[Refused]] = {
    "ExecutionAlreadyExists": AlreadyExists,
    "ExecutionDoesNotExist": NotFound,
    "NoSuchKey": NotFound,
    "NoSuchVersion": NotFound,
    "NoSuchUpload": NotFound,
    "404": NotFound,
    # A version that is a delete marker.
    "405": NotFound,
    "MethodNotAllowed": NotFound,
}


def refusal(response: Mapping[str, Any]) -> Refused | None:
    """Turns the `response` of a botocore ClientError into the answer it stands for; None if it is an accident.

    A transaction that lost against another one (`TransactionConflict`) is an accident: the caller's retry repairs it.
    """
    code = str(response.get("Error", {}).get("Code", ""))
    if code == "ConditionalCheckFailedException":
        return ConditionFailed(response.get("Item"))
    if code == "TransactionCanceledException":
        reasons = [_reason(reason) for reason in response.get("CancellationReasons", [])]
        return TransactionFailed(reasons) if "ConditionalCheckFailed" in reasons else None
    found = _CODES.get(code)
    return found(response.get("Error", {}).get("Message", code)) if found else None


def _reason(reason: Mapping[str, Any]) -> str | None:
    code = reason.get("Code")
    return None if code in (None, "None") else str(code)


def drive(steps: Steps[R], perform: Callable[[Call], Any]) -> R:
    """Runs a procedure to its end.

    Args:
        steps: the procedure.
        perform: makes one call and returns its answer; raises a `Refused` for an answer that is part of the protocol.

    Raises:
        whatever `perform` raises that is not a `Refused`, and what the procedure raises itself.
    """
    try:
        call = next(steps)
        while True:
            try:
                answer = perform(call)
            except Refused as refused:
                call = steps.throw(refused)
            else:
                call = steps.send(answer)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]  # a generator's return value is typed on the generator only
    finally:
        steps.close()


async def drive_async(steps: Steps[R], perform: Callable[[Call], Awaitable[Any]]) -> R:
    """`drive` for a `perform` that is awaited."""
    try:
        call = next(steps)
        while True:
            try:
                answer = await perform(call)
            except Refused as refused:
                call = steps.throw(refused)
            else:
                call = steps.send(answer)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]  # a generator's return value is typed on the generator only
    finally:
        steps.close()

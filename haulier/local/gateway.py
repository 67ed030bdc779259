"""The emulator's process: `python -m haulier.local.gateway`. The emulator behind a front that counts loopback as TLS.

Buckets, queues and topics refuse requests that came without TLS, and the emulator enforces that. On loopback nobody
listens in, so requests are marked the way a proxy marks what it received over TLS: the shipped policies stay as they
are, and nothing pays for encryption between two processes of one machine.
"""

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from haulier.local.recording import RECORD_CALLS, Recorder

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

RECEIVED_OVER_TLS = (b"x-forwarded-proto", b"https")
BATCHES = ("sqs:SendMessageBatch", "sqs:DeleteMessageBatch", "sqs:ChangeMessageVisibilityBatch")
"""Actions that only the emulator knows: on AWS the right to the single call is the right to its batch (Service
Authorization Reference, Amazon SQS)."""


def behind_tls(inner: Application) -> Application:
    """The ASGI application `inner`, told of every HTTP request that it came over TLS."""

    async def front(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            scope = scope | {"headers": [*scope["headers"], RECEIVED_OVER_TLS]}
        await inner(scope, receive, send)

    return front


def as_on_aws(extract: Callable[..., str | None]) -> Callable[..., str | None]:
    """The emulator's `extract`, which finds the action that a request needs the right to, without BATCHES."""

    def action(*request: Any) -> str | None:
        found = extract(*request)
        return found.removesuffix("Batch") if found in BATCHES else found

    return action


def tokens_of_machines(
    extract: Callable[..., str], machines: Callable[[], Iterable[Mapping[str, Any]]]
) -> Callable[..., str]:
    """The emulator's `extract`, which finds the resource that a request needs a right on, with that of task tokens.

    On AWS the right to answer a token is on the state machine it is of (see `infra.statements.answer_tokens`); the
    emulator asks for it on `*`, which only a policy for everything gives.

    Args:
        extract: of `ministack.core.iam_actions`.
        machines: the state machines there are. A token does not say which one it is of: where several wait for tokens,
            the emulator's way stays.
    """

    def resource(service: str, method: str, path: str, headers: Mapping[str, str], *rest: Any) -> str:
        if service == "states" and ".SendTask" in headers.get("x-amz-target", ""):
            waiting = [one["stateMachineArn"] for one in machines() if ".waitForTaskToken" in one["definition"]]
            if len(waiting) == 1:
                return str(waiting[0])
        return extract(service, method, path, headers, *rest)

    return resource


def machines_of_account() -> list[Mapping[str, Any]]:
    """The emulator's state machines in the account that the present request is of."""
    coordinator: Any = import_module("ministack.services.stepfunctions")
    found: list[Mapping[str, Any]] = coordinator._state_machines.values()  # noqa: SLF001 - it tells nobody otherwise
    return found


if __name__ == "__main__":
    emulator: Any = import_module("ministack.app")
    actions: Any = import_module("ministack.core.iam_actions")
    actions.extract_iam_action = as_on_aws(actions.extract_iam_action)
    actions.extract_resource_arn = tokens_of_machines(actions.extract_resource_arn, machines_of_account)
    emulator.app = behind_tls(emulator.app)
    # Taken out of the environment: functions inherit it.
    if record := os.environ.pop(RECORD_CALLS, ""):
        evaluator: Any = import_module("ministack.core.iam_evaluator")
        lines = Path(record).open("a", buffering=1)  # noqa: SIM115 - as long as the process lives
        recorder = Recorder(lines.write)
        evaluator.enforce = recorder.listening(evaluator.enforce, evaluator.resolve_credential)
        emulator.app = recorder.around(emulator.app)
    emulator.main()

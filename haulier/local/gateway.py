"""The emulator's process: `python -m haulier.local.gateway`. The emulator behind a front that counts loopback as TLS.

Buckets, queues and topics refuse requests that came without TLS, and the emulator enforces that. On loopback nobody
listens in, so requests are marked the way a proxy marks what it received over TLS: the shipped policies stay as they
are, and nothing pays for encryption between two processes of one machine.
"""

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any

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


if __name__ == "__main__":
    emulator: Any = import_module("ministack.app")
    actions: Any = import_module("ministack.core.iam_actions")
    actions.extract_iam_action = as_on_aws(actions.extract_iam_action)
    emulator.app = behind_tls(emulator.app)
    emulator.main()

"""A record of every call the emulator gets: who made it, and which rights it took. For tests; off unless asked for.

RECORD_CALLS names a file; a line is appended for every call, as JSON:

    at        seconds since the epoch
    role      name of the role whose credentials signed the call; null for the account's owner and for nobody
    rights    what was asked of IAM, in order: {"action", "resource", "context"}; a transaction, a copy or a batch asks
              for several rights, and what is asked last is what was refused, if anything was
    status    of the answer
    error     the answer's error code; null if it has none
    owner     the account that the bucket was expected to belong to, and the copy's source; null where none was named

Written here and not by a proxy before the workers, since functions speak to the emulator itself. What the emulator's
services do among themselves (Step Functions to a queue, for instance) is no call and not in the record.
"""

import contextvars
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

Message = dict[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]

RECORD_CALLS = "HAULIER_RECORD_CALLS"
PARTITION_KEY = "job_id"
OWNER_HEADERS = (b"x-amz-expected-bucket-owner", b"x-amz-source-expected-bucket-owner")
_UNINTERESTING_KEYS = ("dynamodb:", "aws:")
_ERROR = re.compile(rb'"__type"\s*:\s*"(?:[^"#]*#)?([^"]+)"|<Code>([^<]+)</Code>')
_ASSUMED = re.compile(r"^arn:[^:]+:sts::\d+:assumed-role/([^/]+)/")


@dataclass
class _Request:
    """What is known of a request while it is answered: its body so far, who sent it, the rights it took."""

    keeps_body: bool
    body: bytes = b""
    caller: str = ""
    rights: list[Message] = field(default_factory=list)


class Recorder:
    """Sees every call twice: as HTTP (`around`), and as the rights that IAM is asked for (`listening`).

    Args:
        write: takes a line.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write_line = write
        self._request: contextvars.ContextVar[_Request | None] = contextvars.ContextVar("request", default=None)

    def around(self, inner: Application) -> Application:
        """The ASGI application `inner`, with a line for each of its answers that IAM was asked about."""

        async def recorded(scope: Message, receive: Any, send: Any) -> None:
            if scope["type"] != "http":
                await inner(scope, receive, send)
                return
            headers = {name.lower(): value for name, value in scope["headers"]}
            request = _Request(keeps_body=headers.get(b"x-amz-target", b"").startswith(b"DynamoDB_"))
            self._request.set(request)
            answer = _Answer()

            async def read() -> Message:
                message: Message = await receive()
                if request.keeps_body:
                    request.body += message.get("body", b"")
                return message

            async def watched(message: Message) -> None:
                answer.see(message)
                await send(message)

            try:
                await inner(scope, read, watched)
            finally:
                if request.rights:
                    self._write(headers, request, answer)

        return recorded

    def listening(self, enforce: Callable[..., Any], resolve: Callable[[str], Any]) -> Callable[..., Any]:
        """The emulator's `enforce`, which decides whether a key may do something.

        Args:
            enforce: of `ministack.core.iam_evaluator`.
            resolve: key id → who has it, with a `principal_arn`; or an error without one.
        """

        def heard(
            access_key_id: str, iam_action: str, service: str, region: str, resource_arn: str = "*", **more: Any
        ) -> Any:
            request = self._request.get()
            if request is not None:
                request.caller = request.caller or getattr(resolve(access_key_id), "principal_arn", "")
                context = more.get("service_context") or {}
                told = {key: value for key, value in context.items() if not key.startswith(_UNINTERESTING_KEYS)}
                if request.keeps_body and (keys := leading_keys(request.body, len(request.rights))):
                    told["dynamodb:LeadingKeys"] = keys
                right = {"action": iam_action, "resource": resource_arn}
                request.rights.append(right | ({"context": told} if told else {}))
            return enforce(access_key_id, iam_action, service, region, resource_arn=resource_arn, **more)

        return heard

    def _write(self, headers: dict[bytes, bytes], request: _Request, answer: "_Answer") -> None:
        line = {
            "at": round(time.time(), 3),
            "role": role_of(request.caller),
            "rights": request.rights,
            "status": answer.status,
            "error": answer.error(),
            "owner": [headers[name].decode() if name in headers else None for name in OWNER_HEADERS],
        }
        self._write_line(json.dumps(line, default=str) + "\n")


class _Answer:
    """What is kept of an answer: its status, and the beginning of an error's text."""

    def __init__(self) -> None:
        self.status = 0
        self._text = b""

    def see(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif self.status >= 400 and len(self._text) < 4096:
            self._text += message.get("body", b"")

    def error(self) -> str | None:
        """The error's code; the status where there is none, as for HEAD; None if nothing went wrong."""
        if self.status < 400:
            return None
        found = _ERROR.search(self._text)
        return (found[1] or found[2]).decode() if found else str(self.status)


def leading_keys(body: bytes, number: int) -> list[str]:
    """The partition keys a request to DynamoDB names, which the emulator (ministack 1.5.33) tells no policy.

    Args:
        body: of the request.
        number: which of its rights is asked about; a transaction takes one for each of its items.

    Returns:
        None of them for a query, whose key stands in an expression.
    """
    request = json.loads(body)
    if "TransactItems" in request:
        (request,) = request["TransactItems"][number].values()
    found = [request.get("Key") or request.get("Item") or {}]
    found += [key for table in request.get("RequestItems", {}).values() for key in table.get("Keys", [])]
    return sorted({key[PARTITION_KEY]["S"] for key in found if PARTITION_KEY in key})


def role_of(principal_arn: str) -> str | None:
    """The role's name in the ARN of one that took it; None for anybody else."""
    found = _ASSUMED.match(principal_arn)
    return found[1] if found else None

"""Turns errors into one line, a hint and an exit code. A traceback is shown only with HAULIER_DEBUG=1."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import typer
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
)
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from haulier.cli.exits import ExitCode
from haulier.client import errors as client
from haulier.client.connection import is_loopback
from haulier.contracts.errors import ContractError, InvalidDataset

DEBUG_VARIABLE = "HAULIER_DEBUG"

_OF_CLIENT: dict[type[client.HaulierError], ExitCode] = {
    client.BadAddress: ExitCode.USAGE,
    client.NotConfigured: ExitCode.USAGE,
    client.NotFound: ExitCode.NOT_FOUND,
    client.Ambiguous: ExitCode.NOT_FOUND,
    client.Refused: ExitCode.NOT_ALLOWED,
    client.TimedOut: ExitCode.TIMEOUT,
    client.Damaged: ExitCode.DAMAGED,
}
_FORBIDDEN = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403", "AuthorizationError"}
_EXPIRED = {"ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException"}
_NO_STACK = {
    "ResourceNotFoundException": "the job table",
    "NoSuchBucket": "the bucket",
    "AWS.SimpleQueueService.NonExistentQueue": "the queue",
    "QueueDoesNotExist": "the queue",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What a person is told of an error."""

    code: ExitCode
    message: str
    hint: str = ""


def describe(error: BaseException) -> Told:
    """What to tell of an error. The package `haulier.local` is not imported: its errors carry a `hint`."""
    match error:
        case client.HaulierError():
            return Told(_OF_CLIENT.get(type(error), ExitCode.UNEXPECTED), str(error), error.hint)
        case InvalidDataset():
            lines = "".join(f"\n  {problem}" for problem in error.problems)
            return Told(ExitCode.BAD_DATASET, f"dataset {error.name} cannot be used:{lines}")
        case ContractError():
            return Told(ExitCode.UNEXPECTED, str(error))
        case ClientError() | BotoCoreError():
            return _of_aws(error)
        case KeyboardInterrupt():
            return Told(ExitCode.INTERRUPTED, "stopped; jobs go on", "`haulier jobs` shows them")
        case OSError() if not isinstance(error, ConnectionError):
            return Told(ExitCode.UNEXPECTED, str(error))
        case _ if hasattr(error, "hint") and type(error).__module__.startswith("haulier.local"):
            return Told(ExitCode.STACK, str(error), str(error.hint))
        case _:
            text = " ".join(str(error).split()) or "no reason given"
            return Told(ExitCode.UNEXPECTED, f"{type(error).__name__}: {text}", f"{DEBUG_VARIABLE}=1 shows where")


def _of_aws(error: ClientError | BotoCoreError) -> Told:
    match error:
        case ClientError():
            return _answered(error)
        case NoCredentialsError() | PartialCredentialsError() | ProfileNotFound():
            return Told(ExitCode.USAGE, str(error), "log in, or set AWS_PROFILE or AWS_ACCESS_KEY_ID")
        case EndpointConnectionError() if is_loopback(error.kwargs.get("endpoint_url")):
            return Told(ExitCode.STACK, str(error), "is the stack up (`haulier up`), is AWS_ENDPOINT_URL right?")
        case EndpointConnectionError():
            return Told(ExitCode.STACK, str(error), "are network and region right, and AWS_ENDPOINT_URL, if it is set?")
        case _:
            return Told(ExitCode.UNEXPECTED, str(error))


def _answered(error: ClientError) -> Told:
    told = error.response.get("Error", {})
    code, message = str(told.get("Code", "")), str(told.get("Message", error))
    if code in _FORBIDDEN:
        return Told(ExitCode.NOT_ALLOWED, f"AWS refused {error.operation_name}: {message}", "use other credentials")
    if code in _EXPIRED:
        return Told(ExitCode.NOT_ALLOWED, f"AWS does not know these credentials: {message}", "log in again")
    if code in _NO_STACK:
        hint = "is this the right --env, account and region?"
        if is_loopback(os.environ.get("AWS_ENDPOINT_URL")):
            hint += " `haulier up` starts an embedded stack"
        return Told(ExitCode.STACK, f"{_NO_STACK[code]} is not there ({error.operation_name}): {message}", hint)
    return Told(ExitCode.UNEXPECTED, f"AWS: {error.operation_name}: {code}: {message}")


class GuardedGroup(TyperGroup):
    """The outermost group: whatever a command raises is told, not shown."""

    def make_context(self, *args: Any, **more: Any) -> Any:
        return guarded(lambda: super(GuardedGroup, self).make_context(*args, **more))

    def invoke(self, ctx: Any) -> Any:
        return guarded(lambda: super(GuardedGroup, self).invoke(ctx))


def guarded(work: Callable[[], Any]) -> Any:
    """Does the work; an error that is not typer's own way to end becomes a line on stderr, a hint and an exit code."""
    try:
        return work()
    except (KeyboardInterrupt, Exception) as error:
        told = _of_usage(error)
        if told is None:
            # typer's own exit, abort and help are typer's to tell.
            if type(error).__module__.startswith("typer") or os.environ.get(DEBUG_VARIABLE) == "1":
                raise
            told = describe(error)
        console = Console(stderr=True, soft_wrap=True)
        console.print(Text.assemble(("error: ", "bold red"), told.message))
        if told.hint:
            console.print(Text.assemble(("hint:  ", "bold"), told.hint))
        raise typer.Exit(told.code) from None


def _of_usage(error: BaseException) -> Told | None:
    """What is told of a wrong command line; None if it is something else, or a group that shows its help."""
    # By name: typer keeps the parent of its errors of usage in a private module.
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if "UsageError" not in kinds or "NoArgsIsHelpError" in kinds:
        return None
    wrong: Any = error
    command = wrong.ctx.command_path if wrong.ctx else "haulier"
    return Told(
        ExitCode.USAGE,
        " ".join(wrong.format_message().removeprefix("Invalid value: ").split()),
        f"`{command} --help` shows what it takes",
    )

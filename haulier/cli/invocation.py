"""What every command starts from: the global options, and the stack they lead to."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import typer

from haulier.cli.output import Output
from haulier.client.connection import Connection, reach
from haulier.client.errors import NotConfigured
from haulier.contracts.environment import ENVIRONMENT

if TYPE_CHECKING:
    from haulier.local import StackInfo


@dataclass(frozen=True)
class Globals:
    """Options before the command."""

    environment: str | None = None
    as_json: bool = False


class Invocation:
    """One use of the command line."""

    def __init__(self, chosen: Globals, *, as_json: bool = False) -> None:
        self.environment = chosen.environment
        self.output = Output(as_json=chosen.as_json or as_json)

    @classmethod
    def of(cls, context: typer.Context, *, as_json: bool = False) -> Self:
        chosen = context.obj
        return cls(chosen if isinstance(chosen, Globals) else Globals(), as_json=as_json)

    @cached_property
    def embedded(self) -> "StackInfo | None":
        """The embedded stack, if it is up and is the one that is meant."""
        running = running_stack(self.output.tell)
        if running is None or self.environment not in (None, running.environment):
            return None
        return running

    @cached_property
    def connection(self) -> Connection:
        """The stack: the one --env names, else the embedded one if it is up, else HAULIER_ENVIRONMENT's.

        Raises:
            NotConfigured: none of the three is there.
        """
        if self.embedded is not None:
            running = self.embedded
            return reach(running.environment, account=running.account, environ=running.client_environment())
        try:
            return reach(self.environment)
        except NotConfigured as error:
            if self.environment is not None:
                raise
            raise NotConfigured(
                f"no stack to work with: the embedded one is not up, and {error}",
                f"`haulier up` starts an embedded stack; for a deployed one give --env NAME or set {ENVIRONMENT}",
            ) from None


def running_stack(log: Callable[[str], None]) -> "StackInfo | None":
    """The embedded stack if it is up; None, too, where Haulier was installed without its repository."""
    try:
        from haulier.local import info  # noqa: PLC0415 - its import is not needed for a deployed stack
        from haulier.local.errors import NoRepository  # noqa: PLC0415 - as above
    except ImportError:
        return None  # It needs a POSIX system.
    try:
        return info(log)
    except NoRepository:
        return None

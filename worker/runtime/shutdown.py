"""The stop request: SIGTERM and SIGINT, or a side duty that died. A second signal skips the wait.

asyncio's own handlers run between two callbacks of the loop, never inside one, so setting an event is all they need to
do. Handlers that were there before are put back on leaving.
"""

import asyncio
import signal
from enum import IntEnum
from types import FrameType, TracebackType
from typing import Any, Self

from worker.log import get_logger

_log = get_logger()
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class ExitCode(IntEnum):
    """How the worker ended."""

    STOPPED = 0
    """Asked to stop; everything in hand was finished or given back."""
    BAD_SETTINGS = 2
    DUTY_DIED = 3
    """The keeper died; everything in hand was given back as far as possible."""
    NEWER_MESSAGES = 4
    """A newer release writes messages this one cannot read."""
    LEFT_BEHIND = 5
    """Something was still in hand when the time was up; its lease and visibility run out by themselves."""


class StopRequest:
    """Set once, read by everybody. `hurry` is set by a second signal."""

    def __init__(self) -> None:
        self.requested = asyncio.Event()
        self.hurry = asyncio.Event()
        self.code = ExitCode.STOPPED
        self._before: dict[signal.Signals, Any] = {}

    def ask(self, code: ExitCode, reason: str) -> None:
        """Asks the worker to stop; the first request names the exit code."""
        if self.requested.is_set():
            return
        self.code = code
        self.requested.set()
        if code is ExitCode.DUTY_DIED:
            # Nobody renews leases any more, so nothing may be finished under them.
            self.hurry.set()
        _log.info("stop.requested", reason=reason)

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            self._before[number] = signal.getsignal(number)
            loop.add_signal_handler(number, self._caught, number)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop = asyncio.get_running_loop()
        for number, before in self._before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, before)

    def _caught(self, number: signal.Signals, _: FrameType | None = None) -> None:
        if self.requested.is_set():
            self.hurry.set()
            _log.warning("stop.forced", reason=number.name)
        self.ask(ExitCode.STOPPED, number.name)

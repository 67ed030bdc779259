"""How far an attempt has come, and whether it still moves. Written by the work, read by the keeper's thread.

A stage counts as active only while it waits for its own thing: bytes from the source, a block being parsed, a part
being stored. Waiting for the next stage to take what is ready is not activity, so back-pressure is never a stall.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from types import MappingProxyType

from haulier.jobs import lease


class Step(StrEnum):
    """What an attempt may be waiting for."""

    FETCH = "fetch"
    PROCESS = "process"
    UPLOAD = "upload"
    COPY = "copy"
    COMPLETE = "complete"


STALL_SECONDS = MappingProxyType(
    {Step.FETCH: 60.0, Step.PROCESS: 120.0, Step.UPLOAD: 120.0, Step.COPY: 600.0, Step.COMPLETE: 600.0}
)
"""Longest time without progress. COPY and COMPLETE are waits on the server: a range of up to 5 GiB is copied, and
CompleteMultipartUpload may take minutes (S3 API reference); so may the last steps of a job with many chunks."""


class Activity:
    """One thing that is being waited for."""

    def __init__(self, step: Step, monotonic: Callable[[], float]) -> None:
        self.step = step
        self._monotonic = monotonic
        self.last_moved = monotonic()

    def moved(self) -> None:
        """Something came of it: the stall clock starts anew."""
        self.last_moved = self._monotonic()


class Progress:
    """An attempt's counters and what it waits for."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._active: set[Activity] = set()
        self.bytes = 0
        self.read = 0
        self.rejected = 0

    def add(self, *, input_bytes: int, read: int, rejected: int) -> None:
        self.bytes += input_bytes
        self.read += read
        self.rejected += rejected

    @property
    def counted(self) -> lease.Progress:
        return lease.Progress(bytes=self.bytes, read=self.read, rejected=self.rejected)

    @contextmanager
    def doing(self, step: Step) -> Iterator[Activity]:
        """Marks a stage as active; usable from any thread."""
        activity = Activity(step, self._monotonic)
        with self._lock:
            self._active.add(activity)
        try:
            yield activity
        finally:
            with self._lock:
                self._active.discard(activity)

    def stalled(self) -> Step | None:
        """A stage that has been active without progress for longer than its limit, if there is one."""
        now = self._monotonic()
        with self._lock:
            for activity in self._active:
                if now - activity.last_moved > STALL_SECONDS[activity.step]:
                    return activity.step
        return None

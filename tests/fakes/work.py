"""Work that waits to be told how to end: for tests of what happens around it."""

import asyncio
from collections.abc import Callable

from haulier.contracts.report import ChunkReport
from haulier.jobs.claim import Claimed
from worker.progress import Progress

EMPTY = ChunkReport(first=0, next=0, read=0, written=0, rejected=0, filtered=0, input_bytes=0)


class GatedWork:
    """A `ports.Work`. `started` is set when it begins; it ends when `open` is set, or with `error`.

    Attributes:
        cancelled: how often it was cancelled.
        attempts: ids it was called with.
    """

    def __init__(self, error: Exception | None = None, *, is_open: bool = False) -> None:
        self.started = asyncio.Event()
        self.open = asyncio.Event()
        if is_open:
            self.open.set()
        self.error = error
        self.cancelled = 0
        self.attempts: list[str] = []
        self.progress: Progress | None = None

    async def __call__(
        self, claimed: Claimed, *, attempt: str, progress: Progress, holds: Callable[[], bool]
    ) -> ChunkReport:
        self.attempts.append(attempt)
        self.progress = progress
        self.started.set()
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        size = claimed.run.pin.source.size
        return EMPTY.model_copy(update={"next": size, "input_bytes": size})

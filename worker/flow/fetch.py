"""Ranged GETs in a window, given on in order, each resumed at the byte where its stream broke.

One S3 connection gives 60 to 90 MB/s, so several parts are read at once; loopback needs no window but is not hurt by
it. Pieces are handed on as they arrive and never joined here (measured: joining is a third of the cost).

A version is named only while the server answers ranges that name one: some ignore the range then and send the whole
object (ministack 1.5.33). Where that is seen, the version is left out from then on, and `If-Match` with the pinned ETag
alone guards against a change: there an object that was overwritten fails its job instead of being read by its version.
"""

import asyncio
import random
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import suppress
from dataclasses import dataclass, field

from haulier.contracts.limits import DEFAULT_PART_BYTES, MIB
from haulier.contracts.source import Source
from haulier.jobs.backoff import backoff
from worker.clock import Clock
from worker.errors import BrokenStream, RangesIgnored, Transient
from worker.flow.budget import Budget
from worker.flow.ranges import answers
from worker.ports import ReadObject, Reply
from worker.progress import Activity, Progress, Step

WINDOW = 3
PIECE_BYTES = 1 * MIB
RESUMES = 6
"""Breaks in a row, without a byte between them, until the attempt fails."""


@dataclass(slots=True)
class _Part:
    """A range on its way. `pieces` ends with None; an error is raised by `task`."""

    start: int
    end: int
    spare: int
    pieces: asyncio.Queue[bytes | None] = field(default_factory=asyncio.Queue)
    task: asyncio.Task[None] | None = None


class Fetcher:
    """Reads sources. Shared by all chunks of the process; holds no state but what it learnt about the server."""

    def __init__(
        self,
        objects: ReadObject,
        clock: Clock,
        budget: Budget,
        *,
        part_bytes: int = DEFAULT_PART_BYTES,
        window: int = WINDOW,
    ) -> None:
        self._objects = objects
        self._clock = clock
        self._budget = budget
        self._part_bytes = part_bytes
        self._window = window
        self._name_versions = True

    async def stream(self, source: Source, start: int, end: int, progress: Progress) -> AsyncGenerator[bytes, None]:
        """The bytes `[start, end)` of the object in pieces of at most 1 MiB, in order. Close it when done early.

        Raises:
            SourceGone, SourceChanged, SourceForbidden, RangesIgnored: for good.
            Transient: the stream broke more often than it may, or the service did.
        """
        window: deque[_Part] = deque()
        position = start
        try:
            while window or position < end:
                while position < end and len(window) < self._window:
                    stop = min(position + self._part_bytes, end)
                    spare = stop - position if window else 0
                    if not self._budget.try_take(spare):
                        break
                    part = _Part(position, stop, spare)
                    part.task = asyncio.create_task(self._fill(source, part, progress))
                    window.append(part)
                    position = stop
                while (piece := await window[0].pieces.get()) is not None:
                    yield piece
                await self._close(window.popleft(), abandon=False)
        finally:
            for part in window:
                await self._close(part, abandon=True)

    async def _close(self, part: _Part, *, abandon: bool) -> None:
        """Ends a part: waits for its task, with its error unless it is abandoned, and gives its bytes back."""
        self._budget.give_back(part.spare)
        if part.task is None:
            return
        if abandon:
            part.task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await part.task
        else:
            await part.task

    async def _fill(self, source: Source, part: _Part, progress: Progress) -> None:
        position, breaks = part.start, 0
        try:
            with progress.doing(Step.FETCH) as activity:
                while position < part.end:
                    before = position
                    try:
                        async for piece in self._once(source, position, part.end, activity):
                            position += len(piece)
                            part.pieces.put_nowait(piece)
                    except Transient:
                        breaks = breaks + 1 if position == before else 1
                        if breaks > RESUMES:
                            raise
                        await self._clock.sleep(backoff(breaks, random.random(), base_seconds=0.2, ceiling_seconds=5))
        finally:
            part.pieces.put_nowait(None)

    async def _once(self, source: Source, start: int, end: int, activity: Activity) -> AsyncGenerator[bytes, None]:
        """One GET, read to the end of its range or to where it breaks."""
        reply = await self._ask(source, start, end)
        left = end - start
        try:
            while left:
                piece = await reply.body.read(min(PIECE_BYTES, left))
                if not piece:
                    raise BrokenStream(f"{source.uri}: the body ended {left} bytes before byte {end}")
                left -= len(piece)
                activity.moved()
                yield piece
        finally:
            reply.body.close()

    async def _ask(self, source: Source, start: int, end: int) -> Reply:
        by_version = self._name_versions and source.version_id is not None
        reply = await self._checked(source, start, end, by_version=by_version)
        if reply is None and by_version:
            self._name_versions = False
            reply = await self._checked(source, start, end, by_version=False)
        if reply is None:
            raise RangesIgnored(
                f"{source.uri}: the storage did not answer bytes {start} to {end} but something else; it must support "
                "ranged reads (HTTP 206 with Content-Range)"
            )
        return reply

    async def _checked(self, source: Source, start: int, end: int, *, by_version: bool) -> Reply | None:
        reply = await self._objects.get(source, start, end, by_version=by_version)
        try:
            fits = answers(reply, source, start, end)
        except BaseException:
            reply.body.close()
            raise
        if not fits:
            reply.body.close()
            return None
        return reply

"""One object of unknown length: a single PUT if it is small, else a multipart upload whose parts grow.

Crash-only: nothing is completed on an exception path. An upload that a crash leaves open lies under a name no manifest
lists; the seal and the janitor abort it (`haulier.jobs.sweep`).
"""

import asyncio
from collections import deque
from contextlib import suppress

from haulier.contracts.limits import DEFAULT_PART_BYTES, MAX_PART_BYTES, MAX_PARTS
from haulier.contracts.report import OutputObject
from worker.checksum import as_header, crc32, joined
from worker.errors import OutputTooLarge
from worker.flow.budget import Budget
from worker.ports import Part, StoreParts, Target
from worker.progress import Progress, Step

PARTS_A_SIZE = 2500
"""8, 16, 32 and 64 MiB for so many parts each: an object of at most 293 GiB, then the output rolls over."""
PARTS_IN_FLIGHT = 3
_SPARE_PARTS = 10
"""Left for what is still in hand when an output is found to be full."""


def part_bytes(number: int) -> int:
    """Size of the n-th part, from 1. Every part but an object's last has at least S3's 5 MiB."""
    return min(DEFAULT_PART_BYTES << ((number - 1) // PARTS_A_SIZE), MAX_PART_BYTES)


class Upload:
    """Writes one object. Used by one coroutine at a time.

    Attributes:
        size: bytes taken so far.
    """

    def __init__(
        self, store: StoreParts, target: Target, progress: Progress, budget: Budget, *, max_parts: int = MAX_PARTS
    ) -> None:
        self._store = store
        self._target = target
        self._progress = progress
        self._budget = budget
        self._max_parts = max_parts
        self._buffer: deque[bytes | memoryview] = deque()
        self._buffered = 0
        self._upload: str | None = None
        self._number = 0
        self._crc = 0
        self._flying: deque[tuple[asyncio.Task[Part], int]] = deque()
        self._parts: list[Part] = []
        self._stored = False
        self.size = 0

    @property
    def full(self) -> bool:
        """Whether the output should go on in the next object."""
        return self._number >= self._max_parts - _SPARE_PARTS

    async def write(self, data: bytes) -> None:
        """Takes bytes; waits while as many parts are in flight as may be."""
        self._buffer.append(data)
        self._buffered += len(data)
        self.size += len(data)
        while self._buffered >= part_bytes(self._number + 1):
            await self._send(self._cut(part_bytes(self._number + 1)))

    async def finish(self, records: int) -> OutputObject:
        """Makes the object of what was written; `records` is how many it holds."""
        rest = self._cut(self._buffered)
        if self._upload is None:
            self._crc = crc32(rest)
            self._stored = True
            with self._progress.doing(Step.UPLOAD):
                stored = await self._store.put(self._target, rest, as_header(self._crc))
        else:
            if rest:
                await self._send(rest)
            while self._flying:
                await self._land()
            self._stored = True
            with self._progress.doing(Step.COMPLETE):
                stored = await self._store.complete(self._target.key, self._upload, self._parts, as_header(self._crc))
            self._upload = None
        return OutputObject(
            key=self._target.key, bytes=self.size, records=records, etag=stored.etag, crc64nvme=stored.crc64nvme
        )

    async def close(self) -> None:
        """Stops parts in flight and gives their bytes back; leaves what is stored where it is. May be called twice."""
        while self._flying:
            task, spare = self._flying.popleft()
            self._budget.give_back(spare)
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task

    async def discard(self) -> None:
        """Deletes whatever there is of the object: the attempt will not commit it."""
        await self.close()
        if self._upload is not None:
            await self._store.abort(self._target.key, self._upload)
        if self._stored:
            # A PUT or a completion whose answer was lost may have happened.
            await self._store.delete(self._target.key)

    def _cut(self, count: int) -> bytes:
        """Takes the first `count` bytes out of the buffer; each byte is copied once, whatever is left is not."""
        taken: list[bytes | memoryview] = []
        missing = count
        while missing:
            piece = self._buffer.popleft()
            if len(piece) > missing:
                view = memoryview(piece)
                self._buffer.appendleft(view[missing:])
                piece = view[:missing]
            taken.append(piece)
            missing -= len(piece)
        self._buffered -= count
        return taken[0] if len(taken) == 1 and isinstance(taken[0], bytes) else b"".join(taken)

    async def _send(self, data: bytes) -> None:
        if self._number >= self._max_parts:
            raise OutputTooLarge(
                f"{self._target.key} would need more than {self._max_parts} parts; make the dataset's chunks smaller"
            )
        if self._upload is None:
            with self._progress.doing(Step.UPLOAD):
                self._upload = await self._store.create(self._target)
        spare = len(data) if self._flying else 0
        while self._flying and (len(self._flying) >= PARTS_IN_FLIGHT or not self._budget.try_take(spare)):
            await self._land()
            spare = len(data) if self._flying else 0
        self._number += 1
        crc = crc32(data)
        self._crc = joined(self._crc, crc, len(data))
        task = asyncio.create_task(self._put(self._upload, self._number, data, crc))
        self._flying.append((task, spare))

    async def _put(self, upload: str, number: int, data: bytes, crc: int) -> Part:
        with self._progress.doing(Step.UPLOAD):
            return await self._store.put_part(self._target.key, upload, number, data, as_header(crc))

    async def _land(self) -> None:
        task, spare = self._flying[0]
        try:
            self._parts.append(await task)
        finally:
            self._flying.popleft()
            self._budget.give_back(spare)

"""All stages of one chunk: fetch → decompress → cut → process (two at once, in order) → encode → upload.

Each stage is bounded: a window of parts, at most BLOCKS_AHEAD blocks between cutter and encoder, a few parts in
flight; so memory does not depend on the object's size. Blocks are processed side by side and written in the order of
their offsets, so a redo gives the same bytes.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, suppress
from dataclasses import dataclass

from haulier.contracts.limits import KIB
from haulier.contracts.source import Source
from worker.flow.budget import Budget
from worker.flow.fetch import Fetcher
from worker.flow.front import Front
from worker.flow.outputs import Outputs
from worker.flow.threads import Threads
from worker.progress import Progress, Step
from worker.records.block import Block, Processed, Tally

BLOCKS_AHEAD = 3
BATCH_BYTES = 1024 * KIB
FIRST_STEP_BYTES = 256 * KIB
"""How far beyond a chunk's end is read at first to finish its last record; doubles each time."""
_LARGEST_STEP_BYTES = 8192 * KIB


@dataclass(frozen=True, slots=True)
class Span:
    """What is read of an object: from `start` to `end`, and on in small steps until the cutter has its last record."""

    source: Source
    start: int
    end: int


async def read_span(fetcher: Fetcher, span: Span, front: Front, progress: Progress) -> AsyncGenerator[bytes, None]:
    """The span's bytes, and those behind it for as long as the cutter needs more.

    An empty piece says: feed what you have now, since what is read next depends on it.
    """
    start, end, step = span.start, span.end, FIRST_STEP_BYTES
    while start < span.source.size and not front.done:
        end = min(max(end, start), span.source.size)
        if end > start:
            async with aclosing(fetcher.stream(span.source, start, end, progress)) as pieces:
                async for piece in pieces:
                    yield piece
            yield b""
        start, end = end, end + step
        step = min(step * 2, _LARGEST_STEP_BYTES)


@dataclass(frozen=True, slots=True)
class _Ahead:
    """A block on its way through the threads."""

    size: int
    spare: int
    done: asyncio.Task[Processed]


class Pump:
    """Runs one chunk's bytes through all stages."""

    def __init__(
        self,
        *,
        front: Front,
        process: Callable[[Block], Processed],
        outputs: Outputs,
        threads: Threads,
        progress: Progress,
        budget: Budget,
    ) -> None:
        self._front = front
        self._process = process
        self._outputs = outputs
        self._threads = threads
        self._progress = progress
        self._budget = budget
        self._ahead: deque[_Ahead] = deque()
        self._tally = Tally()
        self._bytes = 0

    async def run(self, pieces: AsyncIterator[bytes]) -> tuple[Tally, int]:
        """Pumps until the cutter has all it wants, or the pieces end, which is the object's end then.

        Args:
            pieces: the source's bytes, from where the cutter wants them; an empty one flushes.

        Returns:
            the chunk's counts, and how many bytes its blocks had.
        """
        batch: list[bytes] = []
        size = 0
        try:
            async for piece in pieces:
                batch.append(piece)
                size += len(piece)
                if size >= BATCH_BYTES or not piece:
                    await self._feed(batch, size)
                    batch, size = [], 0
                    if self._front.done:
                        break
            await self._feed(batch, size)
            if not self._front.done:
                await self._take(await self._threads.run(BATCH_BYTES, self._front.finish))
            while self._ahead:
                await self._write_next()
        finally:
            await self._drop()
        return self._tally, self._bytes

    async def _feed(self, pieces: list[bytes], size: int) -> None:
        """Cuts some pieces; a hop to a thread for a MiB at a time, since one for each piece would cost more."""
        steps = self._front.feed(pieces)
        while (blocks := await self._threads.run(size, _next, steps)) is not None:
            await self._take(blocks)

    async def _take(self, blocks: list[Block]) -> None:
        """Hands blocks to the threads; writes what is done first when as many are ahead as may be."""
        for block in blocks:
            size = len(block.data)
            spare = size if self._ahead else 0
            while self._ahead and (len(self._ahead) >= BLOCKS_AHEAD or not self._budget.try_take(spare)):
                await self._write_next()
                spare = size if self._ahead else 0
            done = asyncio.create_task(self._threads.parse_block(size, self._parse, block))
            self._ahead.append(_Ahead(size, spare, done))

    def _parse(self, block: Block) -> Processed:
        with self._progress.doing(Step.PROCESS):
            return self._process(block)

    async def _write_next(self) -> None:
        ahead = self._ahead[0]
        processed = await ahead.done
        self._ahead.popleft()
        self._budget.give_back(ahead.spare)
        await self._outputs.write(processed, ahead.size)
        tally = processed.tally
        self._tally += tally
        self._bytes += ahead.size
        self._progress.add(input_bytes=ahead.size, read=tally.read, rejected=tally.rejected)

    async def _drop(self) -> None:
        """Leaves no block behind in the threads; the outputs are closed by whoever opened them."""
        while self._ahead:
            ahead = self._ahead.popleft()
            self._budget.give_back(ahead.spare)
            ahead.done.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await ahead.done


def _next(steps: Iterator[list[Block]]) -> list[Block] | None:
    return next(steps, None)

"""How a chunk's bytes are read: as the plan says, or, where there is none, as the object's own first bytes say."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from haulier.contracts.limits import PEEK_BYTES
from haulier.contracts.run import Plan, Reading
from haulier.jobs.claim import Claimed
from haulier.jobs.peek import PeekError, compression_of, peek
from haulier.jobs.planning import chunk_range, known_start, plan_chunks
from worker.errors import Unsupported
from worker.flow.fetch import Fetcher
from worker.flow.front import SLICE_BYTES
from worker.progress import Progress
from worker.records.decompress import Decompressor


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a chunk is of its object.

    Attributes:
        reading: how the bytes are read.
        start: where the chunk starts.
        end: where it ends; its last record may reach beyond.
        given: where its first record is known to start.
    """

    reading: Reading
    start: int
    end: int
    given: int | None


def planned(claimed: Claimed) -> Bounds | None:
    """The bounds by the run's plan; None if the worker must look at the object itself (no plan, or compressed)."""
    plan = claimed.run.plan
    if plan is None or plan.reading is None:
        return None
    return _bounds(plan, plan.reading, claimed)


def found(reading: Reading, claimed: Claimed) -> Bounds:
    """The bounds of a chunk that is all of its object."""
    size = claimed.run.pin.source.size
    return _bounds(plan_chunks(reading=reading, size=size, chunk_bytes=max(size, 1)), reading, claimed)


def _bounds(plan: Plan, reading: Reading, claimed: Claimed) -> Bounds:
    chunk = claimed.chunk
    start, end = chunk_range(plan, chunk.chunk)
    return Bounds(reading, start, max(end, chunk.end or 0), known_start(plan, chunk.chunk, chunk.given))


class Head:
    """An object's stream with its beginning looked at: nothing is read twice.

    Attributes:
        pieces: the whole stream, what was looked at included.
    """

    def __init__(self, fetcher: Fetcher, claimed: Claimed, progress: Progress) -> None:
        self._claimed = claimed
        source = claimed.run.pin.source
        self._stream = fetcher.stream(source, 0, source.size, progress)
        self._seen: list[bytes] = []
        self._ended = False

    async def look(self) -> Reading:
        """Finds how the object is read.

        Raises:
            Unsupported: it is nothing we can read, or not what its dataset says.
        """
        seen = 0
        while seen < PEEK_BYTES and not self._ended:
            piece = await anext(self._stream, None)
            if piece is None:
                self._ended = True
            else:
                self._seen.append(piece)
                seen += len(piece)
        key, dataset = self._claimed.run.pin.source.key, self._claimed.run.pin.dataset
        raw = b"".join(self._seen)
        try:
            compression = compression_of(raw[:PEEK_BYTES], key=key, dataset=dataset)
            head, complete = raw, self._ended
            if compression != "none":
                head, complete = _first_out(Decompressor(compression), raw, ended=self._ended)
            return peek(
                head[:PEEK_BYTES],
                key=key,
                complete=complete and len(head) <= PEEK_BYTES,
                compression=compression,
                dataset=dataset,
            )
        except PeekError as error:
            raise Unsupported(str(error), code=error.code) from error

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        async with aclosing(self._stream):
            for piece in self._seen:
                yield piece
            self._seen = []
            async for piece in self._stream:
                yield piece

    async def close(self) -> None:
        await self._stream.aclose()


def _first_out(decompressor: Decompressor, raw: bytes, *, ended: bool) -> tuple[bytes, bool]:
    """The first bytes that come out, and whether they are all; a stream that breaks later is the pump's business."""
    out = bytearray()
    for at in range(0, len(raw), SLICE_BYTES):
        out += decompressor.feed(raw[at : at + SLICE_BYTES])
        if len(out) > PEEK_BYTES:
            return bytes(out), False
    return bytes(out), ended

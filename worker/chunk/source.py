"""How a chunk's bytes are read: as the plan says, or, where there is none, as the object's own first bytes say."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from haulier.contracts.dataset import ColumnType, Dataset, InputCompression
from haulier.contracts.limits import MIB, PEEK_BYTES
from haulier.contracts.run import Plan, Reading
from haulier.jobs.claim import Claimed
from haulier.jobs.infer import NOTHING
from haulier.jobs.peek import peek
from haulier.jobs.planning import chunk_range, known_start, plan_chunks
from haulier.jobs.refused import PeekError
from worker.errors import Unsupported
from worker.flow.front import Expander

_LOOK_BYTES = 1 * MIB
"""As stored: a block of bzip2 has up to 900,000 bytes and gives nothing before it is whole."""


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
    """A stream with its beginning looked at: nothing is read twice.

    Args:
        stream: an object's bytes, or those of one member of a zip.
        size: how many there are.

    Attributes:
        complete: whether `look` saw them all.
        pieces: the whole stream, what was looked at included.
    """

    def __init__(self, stream: AsyncGenerator[bytes, None], size: int) -> None:
        self._stream = stream
        self._seen: list[bytes] = []
        self.complete = size <= _LOOK_BYTES

    async def look(self) -> bytes:
        """The first _LOOK_BYTES bytes. No more than these, however many the network brought: another attempt must find
        the same.
        """
        seen = 0
        while seen < _LOOK_BYTES:
            piece = await anext(self._stream, None)
            if piece is None:
                break
            self._seen.append(piece)
            seen += len(piece)
        return b"".join(self._seen)[:_LOOK_BYTES]

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        async with aclosing(self._stream):
            for piece in self._seen:
                yield piece
            self._seen = []
            async for piece in self._stream:
                yield piece

    async def close(self) -> None:
        await self._stream.aclose()


def reading_of(
    raw: bytes,
    *,
    complete: bool,
    key: str,
    compression: InputCompression,
    dataset: Dataset,
    expander: Expander | None,
    earlier: Mapping[str, ColumnType] = NOTHING,
) -> Reading:
    """How a stream is read, by its beginning.

    Args:
        raw: what `Head.look` saw.
        complete: whether it is all.
        key: the object's, or the member's, for its extension and for messages.
        compression: of the object.
        dataset: whose configuration decides first.
        expander: decompresses, and is not used again; None for what is as it is.
        earlier: types that the streams before it were found to have.

    Raises:
        Unsupported: it is nothing we can read, or not what its dataset says.
        InputBroken: what is there cannot be decompressed.
    """
    head = raw
    if expander is not None:
        head, complete = _first_out(expander, raw, ended=complete)
    try:
        return peek(
            head[:PEEK_BYTES],
            key=key,
            complete=complete and len(head) <= PEEK_BYTES,
            compression=compression,
            dataset=dataset,
            earlier=earlier,
        )
    except PeekError as error:
        raise Unsupported(str(error), code=error.code) from error


def _first_out(expander: Expander, raw: bytes, *, ended: bool) -> tuple[bytes, bool]:
    """The first bytes that come out, and whether they are all. What breaks within them is told before they are looked
    at; what breaks later is the pump's business.
    """
    out = bytearray()
    for piece in expander.feed(raw):
        out += piece
        if len(out) > PEEK_BYTES:
            return bytes(out), False
    if ended:
        expander.finish()
    return bytes(out), ended

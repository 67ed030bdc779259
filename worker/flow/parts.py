"""Which parts a multipart upload joins pieces of, so that S3 copies what it can copy. Pure arithmetic.

S3's rules (User Guide, "Multipart upload limits"; API reference, UploadPartCopy): a part but the last has at least
5 MiB, a part at most 5 GiB, an upload at most 10,000 parts; one part is copied from one object. So a piece of 5 MiB or
more is copied, in ranges if it is large; smaller ones are fetched and merged with their neighbours until they fill a
part, the last of them with the first bytes of the piece that follows.

A small piece begins at most one part and a large one needs at most as many copies as its size: never more parts than
pieces (and one for a lead), where no piece is larger than a range.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from haulier.contracts.limits import GIB, MAX_PARTS, MIB, MIN_PART_BYTES

RANGE_BYTES = 512 * MIB
"""What is copied at once: seconds of S3's time, so that many go on side by side and none is long unanswered."""
MAX_RANGE_BYTES = 5 * GIB


@dataclass(frozen=True, slots=True)
class Slice:
    """Bytes `[start, end)` of the piece at `piece`."""

    piece: int
    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Copied:
    """A part S3 copies by itself."""

    of: Slice


@dataclass(frozen=True, slots=True)
class Merged:
    """A part made of fetched bytes: the lead first, if `led`. Less than twice a least part, and never more than that
    and a lead.
    """

    of: tuple[Slice, ...]
    led: bool = False


JoinPart = Copied | Merged


class TooManyParts(ValueError):
    """The pieces cannot be joined into one object, however large the ranges."""


def plan_parts(
    sizes: Sequence[int],
    *,
    lead: int = 0,
    least: int = MIN_PART_BYTES,
    ranges: tuple[int, int] = (RANGE_BYTES, MAX_RANGE_BYTES),
    most: int = MAX_PARTS,
) -> list[JoinPart]:
    """The parts, in order; together they are the lead and every byte of every piece, once.

    Args:
        sizes: bytes of each piece.
        lead: bytes that come before the first piece.
        least: of every part but the last.
        ranges: the size of a copied range that is tried first, and the largest one; it grows while there are too many.
        most: how many parts there may be.

    Raises:
        TooManyParts: there are too many even so.
    """
    largest, limit = ranges
    while True:
        parts = list(_parts(sizes, lead, least, largest))
        if len(parts) <= most:
            return parts
        if largest >= limit:
            raise TooManyParts(
                f"{len(sizes)} pieces of {sum(sizes)} bytes in all would need {len(parts)} parts; S3 allows {most}"
            )
        largest = min(largest * 2, limit)


def _parts(sizes: Sequence[int], lead: int, least: int, largest: int) -> Iterator[JoinPart]:
    waiting: list[Slice] = []
    led, held = lead > 0, lead
    for piece, size in enumerate(sizes):
        start = 0
        if held and size:
            # All of a piece whose rest would be too small to be copied.
            start = size if held + size < 2 * least else max(least - held, 0)
            if start:
                waiting.append(Slice(piece, 0, start))
            held += start
            if held >= least:
                yield Merged(tuple(waiting), led)
                waiting, led, held = [], False, 0
        left = size - start
        if left >= least:
            yield from _ranges(piece, start, size, largest)
        elif left:
            waiting.append(Slice(piece, start, size))
            held += left
    if held:
        yield Merged(tuple(waiting), led)


def _ranges(piece: int, start: int, end: int, largest: int) -> Iterator[Copied]:
    """A piece's bytes in as few ranges as may be, all of about one size, so that no rest is smaller than a part."""
    count = -(-(end - start) // largest)
    edges = [start + (end - start) * at // count for at in range(count + 1)]
    for low, high in pairwise(edges):
        yield Copied(Slice(piece, low, high))

"""UTF-16 becomes UTF-8 before it is cut; offsets stay those of the UTF-16 object."""

import codecs
from typing import Protocol

from worker.records.block import Block, Cutter

_CONTINUATION = bytes(range(0x80, 0xC0))
_BELOW_FOUR = bytes(range(0xF0))


class Holding(Cutter, Protocol):
    """A cutter that says how far back its blocks may reach.

    Attributes:
        held_from: no block to come starts before this offset.
    """

    @property
    def held_from(self) -> int: ...


class Utf16Cutter:
    """Feeds another cutter with UTF-8 and puts its blocks' offsets back.

    A lone surrogate passes through as bytes that are no UTF-8, and so does half a character at the object's end: both
    become rejects of the records they stand in.
    """

    def __init__(self, inner: Holding, *, encoding: str, base: int) -> None:
        self._inner, self._base = inner, base
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
        self._fed = base
        self._pieces: list[bytes] = []
        """What the inner cutter was fed, from where its next block may start."""
        self._utf8, self._raw = base, base
        """Where the first piece starts, in the UTF-8 and in the object."""

    @property
    def first(self) -> int | None:
        return self._base if self._inner.first is not None else None

    @property
    def next(self) -> int | None:
        return self._fed if self._inner.done else None

    @property
    def done(self) -> bool:
        return self._inner.done

    def feed(self, data: bytes) -> list[Block]:
        self._fed += len(data)
        text = self._decoder.decode(data).encode("utf-8", "surrogatepass")
        self._pieces.append(text)
        return self._placed(self._inner.feed(text))

    def finish(self) -> list[Block]:
        try:
            rest = self._decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            rest = b"\xff"
        self._pieces.append(rest)
        return self._placed(self._inner.feed(rest) + self._inner.finish())

    def _placed(self, blocks: list[Block]) -> list[Block]:
        placed = []
        for block in blocks:
            self._forget(block.offset)
            start = block.offset - self._utf8
            offset = self._raw + (raw_length(self._pieces[0][:start]) if start else 0)
            data = block.data if block.fault is None else whole_characters(block.data)
            placed.append(Block(data, min(offset, self._fed), block.fault))
        self._forget(self._inner.held_from)
        return placed

    def _forget(self, offset: int) -> None:
        """Drops the pieces that end at `offset` (of the UTF-8) or before."""
        gone = 0
        for piece in self._pieces:
            if self._utf8 + len(piece) > offset:
                break
            self._utf8 += len(piece)
            self._raw += raw_length(piece)
            gone += 1
        del self._pieces[:gone]


def raw_length(utf8: bytes) -> int:
    """How many bytes the text took in UTF-16: two a character, four where UTF-8 takes four."""
    return 2 * len(utf8.translate(None, _CONTINUATION)) + 2 * len(utf8.translate(None, _BELOW_FOUR))


def whole_characters(utf8: bytes) -> bytes:
    """The beginning of a text, cut anywhere, without the part of a character it may end in."""
    for back in range(1, min(4, len(utf8)) + 1):
        lead = utf8[-back]
        if lead not in _CONTINUATION:
            size = 1 if lead < 0xC0 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4
            return utf8 if lead == 0xFF or size <= back else utf8[:-back]
    return utf8

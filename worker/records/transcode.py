"""UTF-16 becomes UTF-8 before it is cut; offsets stay those of the UTF-16 object."""

import codecs

from worker.records.block import Block, Cutter


class Utf16Cutter:
    """Feeds another cutter with UTF-8 and puts its blocks' offsets back.

    A lone surrogate passes through as bytes that are no UTF-8, and so does half a character at the object's end: both
    become rejects of the records they stand in.
    """

    def __init__(self, inner: Cutter, *, encoding: str, base: int) -> None:
        self._inner, self._encoding, self._base = inner, encoding, base
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
        self._fed = base
        self._utf8, self._raw = base, base

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
        return self._placed(self._inner.feed(self._utf8_of(data)))

    def finish(self) -> list[Block]:
        try:
            rest = self._decoder.decode(b"", final=True).encode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            rest = b"\xff"
        return self._placed(self._inner.feed(rest) + self._inner.finish())

    def _utf8_of(self, data: bytes) -> bytes:
        return self._decoder.decode(data).encode("utf-8", "surrogatepass")

    def _placed(self, blocks: list[Block]) -> list[Block]:
        placed = []
        for block in blocks:
            # Blocks leave gaps only for what was skipped of a record too long; there the offset is a lower bound.
            self._raw += max(block.offset - self._utf8, 0)
            placed.append(Block(block.data, self._raw, block.fault))
            self._raw += raw_length(block.data, self._encoding)
            self._utf8 = block.offset + len(block.data)
        return placed


def raw_length(utf8: bytes, encoding: str) -> int:
    """How many bytes `utf8` took in the object."""
    return len(
        utf8.decode("utf-8", "surrogatepass" if b"\xff" not in utf8 else "replace").encode(encoding, "surrogatepass")
    )

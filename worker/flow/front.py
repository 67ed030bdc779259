"""From the bytes as stored to blocks of whole records: decompression, then the cutter. Pure; driven by the pump.

What decompression gives, piece by piece, is handed on after a few MiB, so that an object that expands a thousandfold
never lies in memory.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from haulier.contracts.limits import MIB
from worker.records.block import Block, Cutter

ENOUGH_BYTES = 4 * MIB


class Expander(Protocol):
    """Undoes compression: `records.decompress.Decompressor`, `records.zip_member.MemberStage`."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What these bytes expand to, in pieces of bounded size."""
        ...

    def finish(self) -> None:
        """Says that the stream ends here. Raises `records.errors.InputBroken` if it may not."""
        ...


class Front:
    """One chunk's way from stored bytes to blocks.

    Attributes:
        done: the cutter needs no more.
    """

    def __init__(self, cutter: Cutter, expander: Expander | None, *, skip: int) -> None:
        """Reads nothing yet.

        Args:
            cutter: of the chunk.
            expander: None for bytes that are as they are.
            skip: how many (decompressed) bytes to leave out first: header and BOM.
        """
        self._cutter = cutter
        self._expander = expander
        self._skip = skip

    @property
    def done(self) -> bool:
        return self._cutter.done

    def feed(self, pieces: Sequence[bytes]) -> Iterator[list[Block]]:
        """The blocks that some pieces complete, a few at a time; take one after another, in order."""
        if self._expander is None:
            for piece in pieces:
                if blocks := self._cut(piece):
                    yield blocks
            return
        gathered: list[bytes] = []
        size = 0
        for piece in pieces:
            if self._cutter.done:
                return
            for out in self._expander.feed(piece):
                gathered.append(out)
                size += len(out)
                if size >= ENOUGH_BYTES:
                    yield self._cut(b"".join(gathered))
                    gathered, size = [], 0
        if size:
            yield self._cut(b"".join(gathered))

    def finish(self) -> list[Block]:
        """The object ends here."""
        if self._expander is not None:
            self._expander.finish()
        return self._cutter.finish()

    def _cut(self, data: bytes) -> list[Block]:
        if self._skip:
            left_out = min(self._skip, len(data))
            self._skip -= left_out
            data = data[left_out:]
        return self._cutter.feed(data) if data and not self._cutter.done else []

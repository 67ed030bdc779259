"""From the bytes as stored to blocks of whole records: decompression, then the cutter. Pure; driven by the pump.

Compressed bytes are fed in small slices and what comes out is handed on after a few MiB, so that an object that
decompresses a thousandfold never lies in memory.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol

from haulier.contracts.limits import KIB, MIB
from worker.records.block import Block, Cutter

SLICE_BYTES = 16 * KIB
"""At gzip's best ratio (1,032 : 1, zlib's technical notes) a slice gives 16.5 MiB."""
ENOUGH_BYTES = 4 * MIB


class Decompressor(Protocol):
    def feed(self, data: bytes) -> bytes: ...

    def finish(self) -> bytes:
        """What is left. Raises ValueError if the stream is cut off."""
        ...


class Front:
    """One chunk's way from stored bytes to blocks.

    Attributes:
        done: the cutter needs no more.
    """

    def __init__(self, cutter: Cutter, decompressor: Decompressor | None, *, skip: int) -> None:
        """Reads nothing yet.

        Args:
            cutter: of the chunk.
            decompressor: None for bytes that are as they are.
            skip: how many (decompressed) bytes to leave out first: header and BOM.
        """
        self._cutter = cutter
        self._decompressor = decompressor
        self._skip = skip

    @property
    def done(self) -> bool:
        return self._cutter.done

    def feed(self, pieces: Sequence[bytes]) -> Iterator[list[Block]]:
        """The blocks that some pieces complete, a few at a time; take one after another, in order."""
        if self._decompressor is None:
            for piece in pieces:
                if blocks := self._cut(piece):
                    yield blocks
            return
        gathered: list[bytes] = []
        size = 0
        for piece in pieces:
            for at in range(0, len(piece), SLICE_BYTES):
                if self._cutter.done:
                    return
                out = self._decompressor.feed(piece[at : at + SLICE_BYTES])
                gathered.append(out)
                size += len(out)
                if size >= ENOUGH_BYTES:
                    yield self._cut(b"".join(gathered))
                    gathered, size = [], 0
        if size:
            yield self._cut(b"".join(gathered))

    def finish(self) -> list[Block]:
        """The object ends here."""
        blocks: list[Block] = []
        if self._decompressor is not None:
            blocks += self._cut(self._decompressor.finish())
        return blocks + self._cutter.finish()

    def _cut(self, data: bytes) -> list[Block]:
        if self._skip:
            left_out = min(self._skip, len(data))
            self._skip -= left_out
            data = data[left_out:]
        return self._cutter.feed(data) if data and not self._cutter.done else []

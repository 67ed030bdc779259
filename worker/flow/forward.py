"""A stream read onwards, by offsets: exactly so many bytes, the pieces up to a place, on to a place."""

from collections.abc import AsyncGenerator

from worker.errors import BrokenStream


class Forward:
    """Takes a stream apart in order; close the stream when done.

    Attributes:
        at: how many of its bytes are behind.
    """

    def __init__(self, pieces: AsyncGenerator[bytes, None]) -> None:
        self.at = 0
        self._pieces = pieces
        self._piece = b""
        self._used = 0
        """Bytes of the piece that are behind; it is not cut anew for each of many small members."""

    async def exactly(self, size: int) -> bytes:
        """The next `size` bytes; few, since they are held."""
        parts = [piece async for piece in self.upto(self.at + size)]
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def skip_to(self, offset: int) -> None:
        """Reads on to `offset` and drops what lies before."""
        async for _ in self.upto(offset):
            pass

    async def upto(self, offset: int) -> AsyncGenerator[bytes, None]:
        """The bytes before `offset` in pieces, as they come.

        Raises:
            BrokenStream: it ends before, which a stream of known length does not.
        """
        while self.at < offset:
            if self._used == len(self._piece):
                piece = await anext(self._pieces, None)
                if piece is None:
                    raise BrokenStream(f"the stream ended at byte {self.at}, before byte {offset}")
                self._piece, self._used = piece, 0
            # What is given out counts as behind at once: whoever stops in between goes on after it.
            piece = self._piece[self._used : self._used + offset - self.at]
            self._used += len(piece)
            self.at += len(piece)
            yield piece

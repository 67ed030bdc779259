"""Cuts CSV and JSON Lines: a chunk owns every record whose line starts in it.

From a line start p, a block ends at the last line start up to p + block_bytes. A line that reaches further is finished
alone, piece by piece; if it gets longer than the limit only its beginning is kept and it becomes a fault. The record
across the chunk's end joins the last block unless it is longer than a block. A line's length includes its line end.
"""

from enum import Enum, auto

from worker.records.block import RAW_BYTES, Block, too_long
from worker.records.guess import Guess
from worker.records.scan import Scan


class _Phase(Enum):
    GUESS = auto()
    BLOCKS = auto()
    CROSSING = auto()
    SKIP = auto()
    DONE = auto()


class LineCutter:
    """See `block.Cutter`.

    Args:
        scan: finds line starts.
        guess: finds the chunk's first line start where it is not given.
        base: offset of the first byte that will be fed.
        end: the chunk's end; None for the object's.
        given: offset of the first record, where it is known; equal to `base`.
        limit: bytes of the longest record that is held.
        block_bytes: bytes of a block.
    """

    def __init__(
        self, *, scan: Scan, guess: Guess, base: int, end: int | None, given: int | None, limit: int, block_bytes: int
    ) -> None:
        self._scan, self._guess = scan, guess
        self._end, self._limit, self._block_bytes = end, limit, block_bytes
        self._held, self._base = b"", base
        self._pieces: list[bytes] = []
        self._fed = base
        self._ended = False
        self._record = base
        """Start of the line that is being finished; every line from the block's start up to it is held."""
        self._scanned = base
        self._phase = _Phase.GUESS if given is None else _Phase.BLOCKS
        self.first: int | None = given
        self.next: int | None = None
        if given is not None and end is not None and given >= end:
            self._done(given)

    @property
    def done(self) -> bool:
        return self._phase is _Phase.DONE

    @property
    def held_from(self) -> int:
        """No block to come starts before this offset."""
        return self._base

    def feed(self, data: bytes) -> list[Block]:
        if self.done or not data:
            return []
        self._pieces.append(data)
        self._fed += len(data)
        return self._cut()

    def finish(self) -> list[Block]:
        self._ended = True
        return self._cut()

    def _cut(self) -> list[Block]:
        blocks: list[Block] = []
        moves = {
            _Phase.GUESS: self._find_first,
            _Phase.BLOCKS: self._cut_block,
            _Phase.CROSSING: self._finish_line,
            _Phase.SKIP: self._skip_line,
        }
        while not self.done and moves[self._phase](blocks):
            pass
        if self.done:
            self._held, self._pieces = b"", []
        return blocks

    # Each move returns whether another may follow at once; False waits for more bytes.

    def _find_first(self, _: list[Block]) -> bool:
        wanted = self._guess.wanted
        if self._fed - self._base < wanted and not self._ended:
            return False
        self._join()
        found = self._guess.first(self._held[:wanted], complete=self._fed - self._base <= wanted and self._ended)
        if found is None:
            return True
        if found < 0 or (self._end is not None and self._base + found >= self._end):
            # No line starts in the chunk; where the next one does is for the chunk that owns it to say.
            self.first = self._end if self._end is not None else self._fed
            self._done(self.first)
            return False
        self.first = self._base + found
        self._drop_before(self.first)
        self._phase = _Phase.BLOCKS
        return True

    def _cut_block(self, blocks: list[Block]) -> bool:
        start = self._base
        stop = start + self._block_bytes if self._end is None else min(start + self._block_bytes, self._end)
        if self._fed <= stop:
            if not self._ended:
                return False
            self._emit(blocks, self._fed)
            self._done(self._fed)
            return False
        self._join()
        last = self._scan.last_start(self._held, 0, stop - start)
        record = start if last < 0 else start + last
        if stop == self._end and record == stop:
            self._emit(blocks, stop, clean=self._scan.clean)
            self._done(stop)
            return False
        if stop != self._end and record > start:
            self._emit(blocks, record, clean=self._scan.clean)
            return True
        self._record, self._phase = record, _Phase.CROSSING
        self._scan.begin()
        found = self._scan.find(self._held, record - start)
        self._scanned = self._fed
        return self._line_ended(blocks, start + found) if found >= 0 else self._line_open(blocks)

    def _finish_line(self, blocks: list[Block]) -> bool:
        while self._scanned < self._fed:
            piece, at = self._piece_at(self._scanned)
            found = self._scan.find(piece, 0)
            if found >= 0:
                return self._line_ended(blocks, at + found)
            self._scanned = at + len(piece)
        return self._line_open(blocks)

    def _line_open(self, blocks: list[Block]) -> bool:
        if self._ended:
            return self._line_ended(blocks, self._fed)
        if self._fed - self._record <= self._limit:
            return False
        self._emit_too_long(blocks)
        self._held, self._pieces, self._base = b"", [], self._fed
        self._phase = _Phase.SKIP
        return self._give_up()

    def _line_ended(self, blocks: list[Block], following: int) -> bool:
        """The line from `_record` is over and the next one starts at `following`."""
        if following - self._record > self._limit:
            self._emit_too_long(blocks)
            self._drop_before(following)
            return self._after_too_long(following)
        if following - self._record > self._block_bytes and self._record > self._base:
            self._emit(blocks, self._record)
        self._emit(blocks, following)
        self._phase = _Phase.BLOCKS
        if (self._ended and following == self._fed) or (self._end is not None and following >= self._end):
            self._done(following)
        return not self.done

    def _skip_line(self, _: list[Block]) -> bool:
        while self._pieces:
            piece, at = self._pieces[0], self._base
            found = self._scan.find(piece, 0)
            if found >= 0:
                self._drop_before(at + found)
                return self._after_too_long(at + found)
            self._pieces.pop(0)
            self._base += len(piece)
        if self._ended:
            return self._after_too_long(self._fed)
        return self._give_up()

    def _give_up(self) -> bool:
        """The line is longer than the limit; past the chunk's end nobody looks for where it stops."""
        if self._end is not None and self._fed > self._end:
            self._done(None)
        return False

    def _after_too_long(self, following: int) -> bool:
        self._phase = _Phase.BLOCKS
        if self._end is not None and following > self._end:
            self._done(None)
        elif following == self._end or (self._ended and following == self._fed):
            self._done(following)
        return not self.done

    def _done(self, following: int | None) -> None:
        self.next = following
        self._phase = _Phase.DONE

    def _emit_too_long(self, blocks: list[Block]) -> None:
        self._emit(blocks, self._record)
        self._join()
        at = self._record - self._base
        blocks.append(Block(self._held[at : at + min(RAW_BYTES, self._limit)], self._record, too_long(self._limit)))

    def _emit(self, blocks: list[Block], upto: int, *, clean: bool = False) -> None:
        self._join()
        size = upto - self._base
        if size > 0:
            blocks.append(Block(self._held[:size], self._base, clean=clean))
            self._drop_before(upto)

    def _drop_before(self, offset: int) -> None:
        self._join()
        self._held = self._held[offset - self._base :]
        self._base = offset

    def _join(self) -> None:
        if self._pieces:
            self._held = b"".join((self._held, *self._pieces)) if self._held else b"".join(self._pieces)
            self._pieces = []

    def _piece_at(self, offset: int) -> tuple[bytes, int]:
        """The fed piece that begins at `offset`; pieces are joined only between lines, so one does."""
        at = self._base + len(self._held)
        for piece in self._pieces:
            if at == offset:
                return piece, at
            at += len(piece)
        raise AssertionError(offset)

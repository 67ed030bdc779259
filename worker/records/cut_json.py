"""Cuts a top-level JSON array into its elements, or one value after another where there is no array; never holds more
than a block, or one element up to the limit.

From p, a block ends at the last boundary (see `structure`) up to p + block_bytes; an element that reaches further makes
the window grow until it ends or is longer than the limit. What is wrong with the text around the elements (an array
that is not closed, text after it, a bracket too many) is one fault, so that a truncated upload never looks complete.
"""

from haulier.contracts.reject import RejectCode
from worker.records.block import RAW_BYTES, Block, Fault, too_long
from worker.records.json_whole import likely_boundary
from worker.records.structure import SEPARATORS, JsonState, last_boundary, structure

_WHITE = b" \t\r\n"


class JsonCutter:
    """See `block.Cutter`.

    Args:
        base: offset of the first byte that will be fed.
        limit: bytes of the longest element that is held.
        block_bytes: bytes of a block.
    """

    def __init__(self, *, base: int, limit: int, block_bytes: int) -> None:
        self._limit, self._block_bytes = limit, block_bytes
        self._held, self._base = b"", base
        self._pieces: list[bytes] = []
        self._fed = base
        self._ended = False
        self._array: bool | None = None
        self._window = block_bytes
        self._skipping: JsonState | None = None
        self._over = False
        """The value is complete or hopeless; what follows is only counted."""
        self._told = False
        self.first: int | None = base
        self.next: int | None = None
        self.done = False

    @property
    def held_from(self) -> int:
        """No block to come starts before this offset."""
        return self._base

    def feed(self, data: bytes) -> list[Block]:
        self._pieces.append(data)
        self._fed += len(data)
        return self._cut()

    def finish(self) -> list[Block]:
        self._ended = True
        blocks = self._cut()
        self.next, self.done = self._fed, True
        return blocks

    def _cut(self) -> list[Block]:
        blocks: list[Block] = []
        while self._move(blocks):
            pass
        return blocks

    def _move(self, blocks: list[Block]) -> bool:
        """One step; returns whether another may follow at once."""
        if self._array is None:
            return self._open()
        if self._over:
            return self._after(blocks)
        if self._skipping is not None:
            return self._skip(blocks)
        available = self._fed - self._base
        if available < self._window and not self._ended:
            return False
        self._join()
        window = self._held[: self._window]
        last = self._ended and len(window) == len(self._held)
        return self._cut_window(blocks, window, last=last)

    def _open(self) -> bool:
        """Looks for the bracket of an array."""
        self._join()
        text = self._held.lstrip(_WHITE)
        if not text and not self._ended:
            return False
        self._drop(len(self._held) - len(text))
        self._array = text.startswith(b"[")
        if self._array:
            self._drop(1)
        return True

    def _cut_window(self, blocks: list[Block], window: bytes, *, last: bool) -> bool:
        stripped = window.lstrip(SEPARATORS)
        if len(stripped) < len(window):
            # A window begins with a value, so that each step takes at least a byte of one.
            self._drop(len(window) - len(stripped))
            return True
        end, under = likely_boundary(window), -1
        if end < 0:
            end, under = last_boundary(window)
        if under >= 0:
            self._emit(blocks, window[:under])
            self._drop(under)
            self._close(blocks)
            return True
        if end >= 0:
            self._emit(blocks, window[:end])
            self._drop(end)
            self._window = self._block_bytes
            return not (last and end == len(window)) or self._finish_values(blocks)
        if len(window) > self._limit:
            self._drop_too_long(blocks, window)
            return True
        if last:
            return self._finish_values(blocks)
        self._window = min(self._window * 2, max(self._limit + 1, self._window + 1))
        return True

    def _finish_values(self, blocks: list[Block]) -> bool:
        """The object ends; what is held is the beginning of a value, or nothing."""
        rest = self._held.strip(SEPARATORS)
        if self._array:
            self._fault(blocks, rest, "the array is not closed: the object seems to be cut off")
        elif rest:
            self._emit(blocks, self._held)
        self._over = self._told = True
        self._drop(len(self._held))
        return False

    def _close(self, blocks: list[Block]) -> None:
        """A bracket closes what was not opened: the array's own, or one too many."""
        self._over = True
        if not self._array:
            self._fault(blocks, self._held[:1], "a bracket closes that was never opened; nothing from there on is read")
            self._told = True
        elif self._held[:1] == b"]":
            self._drop(1)
        else:
            self._fault(blocks, self._held[:1], "the array is closed by a brace; nothing from there on is read")
            self._told = True

    def _after(self, blocks: list[Block]) -> bool:
        self._join()
        text = self._held.lstrip(_WHITE)
        if text and not self._told:
            self._drop(len(self._held) - len(text))
            if len(text) < RAW_BYTES and not self._ended:
                return False
            self._fault(blocks, text, "there is text after the end of the array; it is not read")
            self._told = True
        if self._told or not text:
            self._drop(len(self._held))
        return False

    def _drop_too_long(self, blocks: list[Block], window: bytes) -> None:
        blocks.append(Block(window[: min(RAW_BYTES, self._limit)], self._base, too_long(self._limit)))
        self._skipping = structure(window).state
        self._drop(len(window))
        self._window = self._block_bytes

    def _skip(self, blocks: list[Block]) -> bool:
        """Goes on through an element that nobody holds, to its end."""
        self._join()
        if not self._held:
            if self._ended and not self._told:
                self._skipping = None
                return self._finish_values(blocks)
            return False
        found = structure(self._held, self._skipping or JsonState())
        ends = found.boundaries
        if len(ends) or found.under >= 0:
            self._drop(int(ends[0]) if len(ends) else found.under)
            self._skipping = None
        else:
            self._skipping = found.state
            self._drop(len(self._held))
        return True

    def _emit(self, blocks: list[Block], text: bytes) -> None:
        inner = text.lstrip(SEPARATORS)
        offset = self._base + len(text) - len(inner)
        inner = inner.rstrip(SEPARATORS)
        if inner:
            blocks.append(Block(inner, offset))

    def _fault(self, blocks: list[Block], text: bytes, message: str) -> None:
        at = self._base if text else self._fed
        blocks.append(Block(text[: min(RAW_BYTES, self._limit)], at, Fault(RejectCode.BAD_JSON, message)))

    def _drop(self, size: int) -> None:
        self._join()
        self._held = self._held[size:]
        self._base += size

    def _join(self) -> None:
        if self._pieces:
            self._held = b"".join((self._held, *self._pieces))
            self._pieces = []

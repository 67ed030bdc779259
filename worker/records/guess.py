"""Guesses where the first line of a chunk starts, from the bytes after the chunk's start alone.

A wrong guess costs a round, never a wrong result: the assembler proves every link. So this looks at little: it assumes
in turn each state the parse may be in at the chunk's start, reads the next records as they would be then, and takes the
assumption whose records fit the known number of columns best.
"""

from dataclasses import dataclass
from typing import Protocol

from haulier.contracts.limits import KIB, MIB
from haulier.jobs.delimited import Dialect
from worker.records.scan import DelimitedScan, Scan, State

_FIRST_WINDOW = 64 * KIB
_LOOKED_AT = 1 * MIB
_RECORDS = 64
_CONVINCING = 0.5


class Guess(Protocol):
    """Finds the first line start from a window of bytes."""

    wanted: int
    """How many bytes the window should have."""

    def first(self, window: bytes, *, complete: bool) -> int | None:
        """Index in `window` of the first line start at or after the chunk's start; -1 if there is none to be found;
        None to be asked again with `wanted` bytes, which has grown.

        Args:
            window: exactly `wanted` bytes, or fewer if the object ends there.
            complete: whether the object ends with the window.
        """
        ...


class CertainGuess:
    """No guess at all: the state at the window's start is known, or lines are ended by LF whatever surrounds it."""

    def __init__(self, scan: Scan, *, at: int, span: int, limit: int) -> None:
        self._scan, self._at = scan, at
        self._most = min(span + at, limit)
        self.wanted = min(_FIRST_WINDOW, max(self._most, 1))

    def first(self, window: bytes, *, complete: bool) -> int | None:
        position = 0
        while position < self._at:
            self._scan.begin()
            position = self._scan.find(window, position)
            if position < 0:
                break
        if position >= 0:
            return position
        if complete or self.wanted >= self._most:
            return -1
        self.wanted = min(self.wanted * 4, self._most)
        return None


@dataclass(frozen=True, slots=True)
class _Score:
    first: int
    fit: float


class QuoteGuess:
    """For delimited text: the chunk may start inside a quoted field, outside of one, or on a quote's second half."""

    def __init__(self, dialect: Dialect, *, at: int, columns: int, limit: int) -> None:
        self._dialect, self._at, self._columns = dialect, at, columns
        self._most = max(min(limit, _LOOKED_AT), _FIRST_WINDOW)
        self.wanted = _FIRST_WINDOW

    def first(self, window: bytes, *, complete: bool) -> int | None:
        at = self._at
        assumed = [(State.UNQUOTED, 0), (State.QUOTED, at)]
        if window[at - 1 : at] == self._dialect.quote:
            assumed.append((State.QUOTE_IN_QUOTED, at))
        scores = [self._score(window, state, origin, complete=complete) for state, origin in assumed]
        best = max(scores, key=lambda score: score.fit)
        if best.fit < _CONVINCING and not complete and self.wanted < self._most:
            self.wanted = min(self.wanted * 4, self._most)
            return None
        return best.first

    def _score(self, window: bytes, state: State, origin: int, *, complete: bool) -> _Score:
        scan = DelimitedScan(self._dialect, state)
        position = scan.find(window, origin)
        while 0 <= position < self._at:
            scan.begin()
            position = scan.find(window, position)
        if position < 0:
            return _Score(-1, 0.0)
        return _Score(position, self._fit(window, position, complete=complete))

    def _fit(self, window: bytes, position: int, *, complete: bool) -> float:
        """Share of the next records that have as many fields as there are columns, and quotes where they may be."""
        good = total = 0
        while position < len(window) and total < _RECORDS:
            record = self._dialect.record_at(window, position)
            position = record.next
            if position >= len(window) and not complete:
                break
            if not record.blank:
                total += 1
                good += record.clean and len(record.fields) == self._columns
        return good / total if total else 0.0

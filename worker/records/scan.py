"""Where lines start. Two ways to scan: `DelimitedScan` knows quotes, `LineScan` does not.

A scan is asked two things. `last_start`: over bytes held, from a line start, the last line start up to a position,
which is how blocks are cut. `find`: over bytes that arrive piece by piece, where the line that is open ends, with the
state kept between the pieces, which is how the record across a block's or chunk's end is finished without holding it.
"""

import re
from enum import Enum, auto
from typing import Protocol

from haulier.jobs.delimited import Dialect
from worker.records.spans import byte_series, well_placed_quotes

_TRIES = 64


class Scan(Protocol):
    """Finds line starts.

    Attributes:
        clean: the last `last_start` saw that all quotes up to its answer stand where RFC 4180 allows them.
    """

    clean: bool

    def last_start(self, data: bytes, low: int, high: int) -> int:
        """The last line start in (low, high], -1 if there is none. `low` is a line start; byte `high` is held, or the
        object ends there.
        """
        ...

    def begin(self) -> None:
        """The next `find` starts at a line start."""
        ...

    def find(self, data: bytes, at: int) -> int:
        """The first line start after `at`, -1 if the data does not say: then the next call goes on with what follows.
        The answer may be 0: a CR was the last byte before.
        """
        ...


class LineScan:
    """Lines end at LF and nowhere else: JSON Lines."""

    clean = False

    def last_start(self, data: bytes, low: int, high: int) -> int:
        return data.rfind(b"\n", low, high) + 1 or -1

    def begin(self) -> None:
        """It has no state."""

    def find(self, data: bytes, at: int) -> int:
        return data.find(b"\n", at) + 1 or -1


class State(Enum):
    """Where in a record the scan stands."""

    FIELD_START = auto()
    UNQUOTED = auto()
    QUOTED = auto()
    QUOTE_IN_QUOTED = auto()
    AFTER_CR = auto()


class DelimitedScan:
    """Lines end at LF, CRLF or a lone CR outside quoted fields: CSV and its kin."""

    def __init__(self, dialect: Dialect, state: State = State.FIELD_START) -> None:
        self.dialect = dialect
        self.state = state
        self.clean = False
        self._delimiter, self._quote = dialect.delimiter[0], dialect.quote[0]
        self._ends_field = re.compile(b"[\r\n" + re.escape(dialect.delimiter) + b"]")

    def begin(self) -> None:
        self.state = State.FIELD_START

    def find(self, data: bytes, at: int) -> int:
        size = len(data)
        while at < size:
            match self.state:
                case State.QUOTED:
                    at = data.find(self._quote, at) + 1
                    if at == 0:
                        return -1
                    self.state = State.QUOTE_IN_QUOTED
                    continue
                case State.UNQUOTED:
                    found = self._ends_field.search(data, at)
                    if found is None:
                        return -1
                    at = found.start()
                case State.AFTER_CR:
                    return at + 1 if data[at] == 10 else at
                case _:
                    pass
            ended = self._step(data[at])
            at += 1
            if ended:
                return at
        return -1

    def _step(self, byte: int) -> bool:
        """Takes one byte outside a quoted field's inside; returns whether a line starts after it."""
        if byte == 10:
            return True
        if byte == 13:
            self.state = State.AFTER_CR
        elif byte == self._delimiter:
            self.state = State.FIELD_START
        elif byte == self._quote and self.state in (State.FIELD_START, State.QUOTE_IN_QUOTED):
            self.state = State.QUOTED
        else:
            self.state = State.UNQUOTED
        return False

    def last_start(self, data: bytes, low: int, high: int) -> int:
        self.clean = True
        if data.find(self._quote, low, high) < 0:
            return _last_line_start(data, low, high)
        # The byte at `high` is looked at too: it says whether a quote just before it closes, and a CR stands alone.
        window = byte_series(memoryview(data)[low : high + 1])
        quotes = well_placed_quotes(window, delimiter=self._delimiter, quote=self._quote)
        if quotes is None:
            self.clean = False
            return self._last_start_exactly(data, low, high)
        inside = int((quotes < high - low).sum()) % 2 == 1
        at = high
        for _ in range(_TRIES):
            start = _last_line_start(data, low, at)
            if start < 0:
                return -1
            # A line end is one only outside quotes: count those between it and where the state is known. The quotes
            # before a line start and before its line end are the same, since a line end is no quote.
            if (data.count(self._quote, start, high) % 2 == 1) == inside:
                return start
            at = start - 1
        # So many line ends inside one quoted field: once through from the front beats counting again for each.
        return self._last_start_exactly(data, low, high)

    def _last_start_exactly(self, data: bytes, low: int, high: int) -> int:
        last, at = -1, low
        while True:
            at = self._next_start(data, at)
            if at < 0 or at > high:
                return last
            last = at

    def _next_start(self, data: bytes, at: int) -> int:
        self.begin()
        found = self.find(data, at)
        if found < 0 and self.state is State.AFTER_CR:
            return len(data)
        return found


def _last_line_start(data: bytes, low: int, high: int) -> int:
    """As if there were no quotes."""
    while high > low:
        feed, ret = data.rfind(b"\n", low, high), data.rfind(b"\r", low, high)
        at = max(feed, ret)
        if at < 0:
            return -1
        if data[at] == 13 and data[at + 1 : at + 2] == b"\n":
            # `high` lies between CR and LF; or this is the CR of a CRLF whose LF is at `high`.
            high = at
            continue
        return at + 1
    return -1

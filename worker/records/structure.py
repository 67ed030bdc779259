"""The structure of JSON text, found in columns: where values end, without parsing them.

Values are separated at depth 0, by commas or by nothing: `boundaries` gives the places where one may end. What stands
between two boundaries is parsed, and refused if it is no JSON, later and elsewhere.
"""

from dataclasses import dataclass

import polars as pl

from worker.records.spans import byte_series

_QUOTE, _BACKSLASH, _COMMA = 34, 92, 44
_OPEN, _CLOSE, _CASE = 0x7B, 0x7D, 0x20
"""`[` and `]` are `{` and `}` without one bit."""
SEPARATORS = b" \t\r\n,"


@dataclass(frozen=True, slots=True)
class JsonState:
    """Where in a value a scan stands.

    Attributes:
        depth: brackets open.
        inside: within a string.
        escaped: the byte before was a backslash that escapes the next one.
    """

    depth: int = 0
    inside: bool = False
    escaped: bool = False


@dataclass(frozen=True, slots=True)
class Structure:
    """What a scan found.

    Attributes:
        boundaries: indices in the data, ascending, where a value at depth 0 may end (exclusive): commas, and the
            byte after a bracket that closes; none at or after `under`.
        under: index of the first bracket that closes more than was open, -1 if there is none.
        state: after the last byte.
    """

    boundaries: pl.Series
    under: int
    state: JsonState


def structure(data: bytes, state: JsonState = JsonState()) -> Structure:
    """Finds the boundaries in `data`, beginning in `state`."""
    return _outlined(data, state, commas=True)


def last_boundary(data: bytes) -> tuple[int, int]:
    """(the last boundary in data that begins with a value, -1 if there is none; `under` as in `Structure`).

    A boundary after a bracket is preferred, even if there are commas behind it: brackets are few, and commas are looked
    at only where there are no others.
    """
    found = _outlined(data, JsonState(), commas=False)
    if not len(found.boundaries) and found.under < 0:
        found = _outlined(data, JsonState(), commas=True)
    return int(found.boundaries[-1]) if len(found.boundaries) else -1, found.under


def _outlined(data: bytes, state: JsonState, *, commas: bool) -> Structure:
    if not data:
        return Structure(pl.Series([], dtype=pl.UInt32), -1, state)
    series = byte_series(data)
    quotes = (series == _QUOTE).arg_true()
    escaped, escaped_last = pl.Series([], dtype=pl.UInt32), False
    if state.escaped or b"\\" in data:
        escaped, escaped_last = _escaped(data, series, first=state.escaped)
        within = escaped.filter(escaped < len(data))
        escaped = within.filter(series.gather(within) == _QUOTE)
    folded = series | _CASE
    brackets = (folded == _OPEN) | (folded == _CLOSE)
    marks = (brackets | (series == _COMMA) if commas else brackets).arg_true()
    before = quotes.search_sorted(marks) - escaped.search_sorted(marks)
    marks = marks.filter(before % 2 == (1 if state.inside else 0))
    kinds = folded.gather(marks)
    deltas = (kinds == _OPEN).cast(pl.Int32) - (kinds == _CLOSE).cast(pl.Int32)
    depths = deltas.cum_sum() + state.depth
    inside = ((len(quotes) - len(escaped)) % 2 == 1) != state.inside
    after = JsonState(int(depths[-1]) if len(depths) else state.depth, inside, escaped_last)
    at_zero = depths == 0
    ends = (marks + (kinds == _CLOSE).cast(marks.dtype)).filter(at_zero & (kinds != _OPEN))
    below = (depths < 0).arg_true()
    under = int(marks[below[0]]) if len(below) else -1
    if under >= 0:
        ends = ends.filter(ends <= under)
    return Structure(ends, under, after)


def _escaped(data: bytes, series: pl.Series, *, first: bool) -> tuple[pl.Series, bool]:
    """Indices of bytes that a backslash escapes, and whether the byte after the last one is."""
    slashes = (series == _BACKSLASH).arg_true()
    frame = pl.DataFrame({"at": slashes.cast(pl.Int64)}).with_columns(run=pl.col("at") - pl.int_range(pl.len()))
    within = frame.select(pl.col("at"), nth=pl.int_range(pl.len()).over("run"), run="run")
    if first and len(slashes) and slashes[0] == 0:
        # The first one is escaped itself, so in its run the others change places.
        within = within.with_columns(nth=pl.col("nth") + (pl.col("run") == within["run"][0]).cast(pl.Int64))
    escaping = within.filter(pl.col("nth") % 2 == 0)["at"] + 1
    last = len(escaping) > 0 and escaping[-1] == len(data)
    if first and not (len(slashes) and slashes[0] == 0):
        escaping = pl.concat([pl.Series([0], dtype=pl.Int64), escaping])
    return escaping.cast(pl.UInt32), last


def value_spans(data: bytes) -> list[tuple[int, int]]:
    """(start, end) of the values in a block, white space and commas between them left out."""
    ends = structure(data).boundaries.to_list()
    ends.append(len(data))
    spans = []
    at = 0
    for end in ends:
        text = data[at:end]
        stripped = text.lstrip(SEPARATORS)
        start = end - len(stripped)
        stop = start + len(stripped.rstrip(SEPARATORS))
        if stop > start:
            spans.append((start, stop))
        at = end
    return spans

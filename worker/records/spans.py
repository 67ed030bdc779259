"""Where lines and quotes are, found in columns: no loop over bytes in Python.

Positions are polars Series of UInt32, offsets into the block's data, ascending.
"""

import polars as pl
import pyarrow as pa

LF, CR = 10, 13


def byte_series(data: bytes | memoryview | pa.Buffer) -> pl.Series:
    """(len(data),) UInt8, sharing memory with `data`."""
    array = pa.Array.from_buffers(pa.uint8(), len(data), [None, pa.py_buffer(data)])
    series = pl.from_arrow(array)
    if not isinstance(series, pl.Series):
        raise TypeError(type(series))
    return series


def arrow_texts(texts: pl.Series) -> pa.LargeStringArray:
    """The texts with all their bytes in one piece."""
    array = texts.to_arrow(compat_level=pl.CompatLevel.oldest())
    if not isinstance(array, pa.LargeStringArray):
        raise TypeError(array.type)
    return array


def text_bytes(texts: pa.LargeStringArray) -> pl.Series:
    """(n,) UInt8: the bytes of all the texts, one after another, sharing their memory; with what lies under nulls."""
    _, offsets, data = texts.buffers()
    if data is None or offsets is None or not len(texts):
        return pl.Series([], dtype=pl.UInt8)
    at = memoryview(offsets).cast("q")
    first, last = at[texts.offset], at[texts.offset + len(texts)]
    return byte_series(data.slice(first, last - first))


def well_placed_quotes(series: pl.Series, *, delimiter: int, quote: int) -> pl.Series | None:
    """Positions of the quotes in bytes that start at a line start, or None if one of them stands where RFC 4180 allows
    none. If it returns positions, a byte is inside a quoted field exactly if an odd number of them precede it.
    """
    quotes = (series == quote).arg_true()
    allowed = pl.Series([delimiter, quote, LF, CR], dtype=pl.UInt8)
    openers = quotes.gather_every(2)
    if len(openers) and openers[0] == 0:
        openers = openers.slice(1)
    if not series.gather(openers - 1).is_in(allowed.implode()).all():
        return None
    closers = quotes.gather_every(2, 1)
    if len(closers) and closers[-1] == len(series) - 1:
        closers = closers.slice(0, len(closers) - 1)
    return quotes if series.gather(closers + 1).is_in(allowed.implode()).all() else None


def record_spans(data: bytes, *, quote: int) -> tuple[pl.Series, pl.Series]:
    """(starts, ends) of the records of clean data (quotes well placed and even), line ends excluded, blank lines left
    out.
    """
    series = byte_series(data)
    returns = b"\r" in data
    if not returns and bytes((quote,)) in data:
        return _spans(series, _feeds_outside(series, quote), returns=False)
    ends = (series == LF).arg_true()
    if returns:
        ends = pl.concat([ends, _lone_returns(series)]).sort()
    if bytes((quote,)) in data:
        quotes = (series == quote).arg_true()
        ends = ends.filter(quotes.search_sorted(ends) % 2 == 0)
    return _spans(series, ends, returns=returns)


def _feeds_outside(series: pl.Series, quote: int) -> pl.Series:
    """LFs outside quotes. Counting the quotes on the way costs less than a search among them for each LF."""
    places = ((series == LF) | (series == quote)).arg_true()
    quotes = series.gather(places) == quote
    outside = quotes.cast(pl.UInt32).cum_sum() & 1 == 0
    return places.filter(outside & ~quotes)


def _lone_returns(series: pl.Series) -> pl.Series:
    returns = (series == CR).arg_true()
    last = len(series) - 1
    following = returns.clip(0, last - 1) + 1 if last > 0 else returns
    lone = (series.gather(following) != LF) | (returns == last)
    return returns.filter(lone)


def _spans(series: pl.Series, ends: pl.Series, *, returns: bool) -> tuple[pl.Series, pl.Series]:
    """From positions of line ends to the spans between them that are not empty."""
    size = len(series)
    zero = pl.Series([0], dtype=ends.dtype)
    starts = pl.concat([zero, ends + 1])
    stops = pl.concat([ends, pl.Series([size], dtype=ends.dtype)])
    if returns and len(ends):
        # The CR of a CRLF belongs to the line end.
        at_feed = stops.clip(0, size - 1)
        before = (stops.cast(pl.Int64) - 1).clip(0).cast(ends.dtype)
        crlf = (series.gather(at_feed) == LF) & (stops < size) & (series.gather(before) == CR) & (stops > starts)
        stops = stops - crlf.cast(ends.dtype)
    full = stops > starts
    return starts.filter(full), stops.filter(full)

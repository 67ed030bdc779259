"""Makes a block of delimited text clean: what stands in it oddly is read exactly and written again by the rules.

Only lines with a quote are looked at one by one. A record whose quotes stand where RFC 4180 allows them is left as it
is; another one (`5" pipe`, text after a closing quote) is read as Python's csv module reads it and quoted anew. So the
vectorised parser sees the same records whatever the hand that wrote the file, and the row numbers stay.
"""

from dataclasses import dataclass, field

import polars as pl

from haulier.contracts.reject import RejectCode
from haulier.jobs.delimited import Dialect, Record
from worker.records.spans import byte_series, record_spans, well_placed_quotes

Mark = tuple[RejectCode, str]


@dataclass(slots=True)
class CleanText:
    """A block's text with every quote well placed and closed.

    Attributes:
        data: the text; the block's own bytes if they were clean.
        breaks: where, in `data`, offsets begin to differ from the block's by another amount: (position, difference).
        marks: record starts, in `data`, of placeholders for records that are rejects.
    """

    data: bytes
    breaks: list[tuple[int, int]] = field(default_factory=list)
    marks: dict[int, Mark] = field(default_factory=dict)

    def spans(self, quote: int) -> tuple[pl.Series, pl.Series]:
        return record_spans(self.data, quote=quote)

    def original(self, positions: pl.Series) -> pl.Series:
        """Positions in `data` as positions in the block."""
        wide = positions.cast(pl.Int64)
        if not self.breaks:
            return wide
        at = pl.Series([position for position, _ in self.breaks], dtype=pl.Int64)
        differences = pl.Series([0, *(difference for _, difference in self.breaks)], dtype=pl.Int64)
        return wide - differences.gather(at.search_sorted(wide, side="right"))


def clean_text(data: bytes, dialect: Dialect, *, columns: int, limit: int, clean: bool = False) -> CleanText:
    """Cleans a block.

    Args:
        data: whole records.
        dialect: how they are delimited.
        columns: how many fields a placeholder has.
        limit: a record longer than this, line end included, becomes a placeholder.
        clean: every quote is known to be well placed and closed, see `block.Block`.
    """
    delimiter, quote = dialect.delimiter[0], dialect.quote[0]
    if clean or quote not in data:
        return CleanText(data)
    placed = well_placed_quotes(byte_series(data), delimiter=delimiter, quote=quote)
    if placed is not None and len(placed) % 2 == 0:
        return CleanText(data)
    return _rewritten(data, dialect, columns=columns, limit=limit)


def _rewritten(data: bytes, dialect: Dialect, *, columns: int, limit: int) -> CleanText:
    text = CleanText(b"")
    pieces: list[bytes] = []
    at = copied = size = 0
    while (found := data.find(dialect.quote, at)) >= 0:
        start = max(data.rfind(b"\n", at, found) + 1, data.rfind(b"\r", at, found) + 1, at)
        record = dialect.record_at(data, start)
        at = record.next
        if record.clean:
            continue
        pieces.append(data[copied:start])
        size += start - copied
        mark = _mark(record, start, limit)
        if mark is not None:
            text.marks[size] = mark
        pieces.append(_quoted([b""] * columns if mark else record.fields, dialect))
        size += len(pieces[-1])
        text.breaks.append((size, size - record.next))
        copied = at
    pieces.append(data[copied:])
    text.data = b"".join(pieces)
    return text


def _mark(record: Record, start: int, limit: int) -> Mark | None:
    if record.next - start > limit:
        return RejectCode.TOO_LONG, ""
    if not record.closed:
        return RejectCode.UNTERMINATED_QUOTE, "a quote is opened in this record and never closed"
    return None


def _quoted(fields: list[bytes], dialect: Dialect) -> bytes:
    quote = dialect.quote
    return dialect.delimiter.join(quote + text.replace(quote, quote * 2) + quote for text in fields) + b"\n"

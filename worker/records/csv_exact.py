"""The plain definition of a block's records, one at a time: what `csv_block` must agree with, and its tests' measure.

Slow (some 10 MB/s) and short; no quote or byte is taken for granted.
"""

from typing import NamedTuple

from haulier.contracts.reject import RejectCode
from haulier.jobs.delimited import Dialect


class ExactRow(NamedTuple):
    """A record of a block: its place, and its texts or why it has none."""

    start: int
    raw: bytes
    texts: list[str] | None
    code: RejectCode | None


def exact_rows(data: bytes, dialect: Dialect, *, columns: int, encoding: str, limit: int) -> list[ExactRow]:
    """Reads whole records, as Python's csv module would."""
    rows = []
    at = 0
    while at < len(data):
        record = dialect.record_at(data, at)
        if not record.blank:
            texts, code = None, None
            try:
                texts = [field.decode(encoding) for field in record.fields]
            except UnicodeDecodeError:
                code = RejectCode.BAD_ENCODING
            if record.next - at > limit:
                code = RejectCode.TOO_LONG
            elif not record.closed:
                code = RejectCode.UNTERMINATED_QUOTE
            elif code is None and len(record.fields) != columns:
                few = len(record.fields) < columns
                code = RejectCode.TOO_FEW_FIELDS if few else RejectCode.TOO_MANY_FIELDS
            rows.append(ExactRow(at, data[at : record.end], None if code else texts, code))
        at = record.next
    return rows

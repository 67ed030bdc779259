"""Columns of a block as CSV or an Arrow table. Pure, a block at a time, so that it runs on any thread.

A timestamp is ISO 8601 in UTC with Z and as many digits as it has; null is an empty field in CSV.
"""

import io

import polars as pl
import pyarrow as pa

from worker.records.parsed import REST, column_of, only, visible

EXTRA = "_extra"
"""Where a table or a CSV keeps the JSON fields that no column is named for, as JSON text."""
_ISO = "%Y-%m-%dT%H:%M:%S%.fZ"


def as_text(column: pl.Series) -> pl.Series:
    """A column's values as they are written in CSV."""
    if isinstance(column.dtype, pl.Datetime):
        return column.dt.to_string(_ISO)
    return column if column.dtype == pl.String else column.cast(pl.String)


def csv_lines(frame: pl.DataFrame) -> bytes:
    """The frame's visible columns as CSV rows, ended by LF, quoted where needed; no header; null is empty."""
    text = frame.select([as_text(column_of(frame, name)).alias(name) for name in visible(frame)])
    buffer = io.BytesIO()
    shown = _with_extra(frame, text)
    # An empty field alone would be a blank line, which is no record to most who read CSV.
    null = '""' if shown.width == 1 else None
    shown.write_csv(buffer, include_header=False, quote_style="necessary", null_value=null)
    return buffer.getvalue()


def csv_header(names: list[str]) -> bytes:
    """The header of an output object."""
    buffer = io.BytesIO()
    pl.DataFrame(schema=dict.fromkeys(names, pl.String)).write_csv(buffer, quote_style="necessary")
    return buffer.getvalue()


def arrow_table(frame: pl.DataFrame) -> pa.Table:
    """The frame's visible columns as a table, whose schema depends on their types alone."""
    table: pa.Table = _with_extra(frame, only(frame, visible(frame))).to_arrow(compat_level=pl.CompatLevel.oldest())
    return table


def _with_extra(frame: pl.DataFrame, shown: pl.DataFrame) -> pl.DataFrame:
    if REST not in frame.columns:
        return shown
    rest = frame[REST]
    extra = ("{" + rest + "}").set(rest.str.len_bytes() == 0, None).alias(EXTRA)
    return shown.with_columns(extra) if shown.width else extra.to_frame()

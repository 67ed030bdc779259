"""Columns of a block as JSON Lines, CSV or an Arrow table. Pure, a block at a time, so that it runs on any thread.

JSON Lines: null is null, a timestamp is ISO 8601 in UTC with Z and as many digits as it has, a decimal is a number of
exactly its value, a field that came as JSON goes out as the JSON it came as.
"""

import io

import polars as pl
import polars.selectors as cs
import pyarrow as pa

from worker.records.parsed import RAW, REST, column_of, only, visible

EXTRA = "_extra"
"""Where a table or a CSV keeps the JSON fields that no column is named for, as JSON text."""
_MARKS = [chr(point) for point in range(0xFDD0, 0xFDF0)]
"""Characters that Unicode promises never to assign."""
_DOUBLE_DIGITS = 15
"""A decimal of so many digits comes back the same from the double nearest to it, written as short as it can be."""
_ISO = "%Y-%m-%dT%H:%M:%S%.fZ"


def as_text(column: pl.Series) -> pl.Series:
    """A column's values as they are written in CSV."""
    if isinstance(column.dtype, pl.Datetime):
        return column.dt.to_string(_ISO)
    return column if column.dtype == pl.String else column.cast(pl.String)


def json_lines(frame: pl.DataFrame) -> bytes:
    """The frame's visible columns, one JSON object a row."""
    frame = _iso(frame)
    if any(name.startswith(RAW) or name == REST for name in frame.columns):
        return _spliced(frame)
    short = _decimals(frame, most=_DOUBLE_DIGITS)
    frame = frame.with_columns([column_of(frame, name).cast(pl.Float64).alias(name) for name in short])
    decimals = _decimals(frame, most=38)
    plain = only(frame, visible(frame))
    if not decimals:
        return _ndjson(plain)
    expected = 2 * sum(frame.height - column_of(frame, name).null_count() for name in decimals)
    for mark in _MARKS:
        marked = [(mark + column_of(plain, name).cast(pl.String) + mark).alias(name) for name in decimals]
        lines = _ndjson(plain.with_columns(marked))
        code = mark.encode()
        if lines.count(code) == expected:
            return lines.replace(b'"' + code, b"").replace(code + b'"', b"")
    return _spliced(frame)


def _decimals(frame: pl.DataFrame, *, most: int) -> list[str]:
    """Names of the decimal columns of so many digits at most."""
    return [
        name
        for name, dtype in frame.schema.items()
        if isinstance(dtype, pl.Decimal) and (dtype.precision or 38) <= most
    ]


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
    return shown.with_columns(("{" + rest + "}").set(rest.str.len_bytes() == 0, None).alias(EXTRA))


def _ndjson(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_ndjson(buffer)
    return buffer.getvalue()


def _iso(frame: pl.DataFrame) -> pl.DataFrame:
    moments = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Datetime)]
    return frame.with_columns([column_of(frame, name).dt.to_string(_ISO).alias(name) for name in moments])


def _spliced(frame: pl.DataFrame) -> bytes:
    """Line by line from pieces of JSON text; slower, and free to put any text in."""
    pieces: list[pl.Expr] = []
    plain: list[str] = []

    def flush() -> None:
        if plain:
            members = pl.struct(cs.by_name(*plain)).struct.json_encode()
            pieces.append(members.str.slice(1, members.str.len_chars() - 2))
            plain.clear()

    for name in visible(frame):
        raw = RAW + name
        if raw not in frame.columns and not isinstance(frame.schema[name], pl.Decimal):
            plain.append(name)
            continue
        flush()
        text = cs.by_name(raw).as_expr() if raw in frame.columns else cs.by_name(name).cast(pl.String)
        pieces.append(pl.lit(_key(name)) + text.fill_null("null"))
    flush()
    if REST in frame.columns:
        pieces.append(pl.when(pl.col(REST).str.len_bytes() > 0).then(pl.col(REST)))
    line = "{" + pl.concat_str(pieces, separator=",", ignore_nulls=True) + "}\n"
    joined = frame.select(line.alias("line"))["line"].str.join("").item()
    return joined.encode() if isinstance(joined, str) else b""


def _key(name: str) -> str:
    return _ndjson(pl.DataFrame({name: [0]})).decode().removeprefix("{").removesuffix("0}\n")

"""Expressions in polars' SQL, held to one record at a time.

What would mix records (sums, windows, row numbers, sub-queries) or change from run to run (now, random) is refused when
the job starts, since neither a block's borders nor the clock may show in the output: only the functions listed here may
be called. None of them reads a file or the environment.
"""

import re
from collections.abc import Callable

import polars as pl

from haulier.contracts.reject import RejectCode, Stage
from worker.records.errors import DatasetUnusable
from worker.records.parsed import ROW, only, row_numbers, visible
from worker.records.rejects import Rejection

FUNCTIONS = frozenset(
    [
        "abs",
        "ceil",
        "ceiling",
        "floor",
        "round",
        "sign",
        "sqrt",
        "cbrt",
        "exp",
        "ln",
        "log",
        "log2",
        "log10",
        "log1p",
        "pow",
        "power",
        "mod",
        "div",
        "degrees",
        "radians",
        "greatest",
        "least",
        "coalesce",
        "ifnull",
        "nullif",
        "if",
        "cast",
        "try_cast",
        "upper",
        "lower",
        "initcap",
        "trim",
        "ltrim",
        "rtrim",
        "left",
        "right",
        "substr",
        "substring",
        "length",
        "char_length",
        "character_length",
        "bit_length",
        "octet_length",
        "concat",
        "concat_ws",
        "replace",
        "reverse",
        "starts_with",
        "ends_with",
        "strpos",
        "position",
        "regexp_like",
        "date",
        "date_part",
        "extract",
        "strptime",
        "timestamp",
        "datetime",
        "time",
        "strftime",
    ]
)
_WORDS = frozenset(
    [
        "in",
        "not",
        "and",
        "or",
        "between",
        "like",
        "ilike",
        "when",
        "then",
        "else",
        "case",
        "on",
        "is",
        "as",
        "decimal",
        "numeric",
        "varchar",
        "char",
    ]
)
_LITERALS = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
_CALL = re.compile(r"([A-Za-z_][A-Za-z_0-9]*)\s*\(")
_FORBIDDEN = re.compile(
    r"\b(over|select|distinct|columns|exists|current_date|current_time|current_timestamp)\b", re.IGNORECASE
)


def expression(text: str, frame: pl.DataFrame, where: str) -> pl.Expr:
    """An expression over the frame's visible columns.

    Args:
        text: polars' SQL.
        frame: empty or not; its names and types count.
        where: what it is for, for the message.

    Raises:
        DatasetUnusable: `bad_expression`, with what is wrong in words.
    """
    bare = _LITERALS.sub("''", text)
    calls = [name for name in _CALL.findall(bare) if name.lower() not in FUNCTIONS | _WORDS]
    word = _FORBIDDEN.search(bare)
    if calls or word:
        raise DatasetUnusable(
            "bad_expression",
            f"{where}: {text!r} uses {calls[0] if calls else word and word.group()}; an expression sees one record and "
            f"may call: {', '.join(sorted(FUNCTIONS))}",
        )
    columns = only(frame, visible(frame)).clear()
    try:
        made = pl.sql_expr(text)
        if made.meta.has_multiple_outputs():
            raise DatasetUnusable(
                "bad_expression",
                f"{where}: {text!r} names a column that polars reads as a pattern (`*`, `^…$`): rename it first",
            )
        columns.with_columns(made.alias(ROW))
        if where == "filter":
            columns.filter(made)
    except pl.exceptions.PolarsError as wrong:
        known = ", ".join(columns.columns)
        reason = str(wrong).partition("\n")[0]
        raise DatasetUnusable("bad_expression", f"{where}: {text!r}: {reason}; columns there are: {known}") from None
    return made


def evaluated(
    frame: pl.DataFrame, apply: Callable[[pl.DataFrame], pl.DataFrame]
) -> tuple[pl.DataFrame, list[Rejection]]:
    """Applies an expression; records on whose values it fails become rejects, found by halving."""
    try:
        return apply(frame), []
    except pl.exceptions.PolarsError as wrong:
        if frame.height <= 1:
            message = str(wrong).partition("\n")[0]
            rows = row_numbers(frame).to_list()
            failed = [Rejection(row, Stage.TRANSFORM, RejectCode.BAD_TYPE, message) for row in rows]
            return apply(frame.clear()), failed
    frame = frame.with_columns(row_numbers(frame).alias(ROW))
    half = frame.height // 2
    first, early = evaluated(frame.slice(0, half), apply)
    second, late = evaluated(frame.slice(half), apply)
    return pl.concat([first, second]), early + late

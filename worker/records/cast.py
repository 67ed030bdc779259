"""From texts to typed columns: a vectorised cast takes what is plainly right, `exact` judges the rest, value by value.

What is accepted (documented in docs/datasets.md): integer: digits with an optional sign, 64 bits. float: decimal
notation or an exponent, finite. decimal(p,s): at most s digits after the point, none lost. boolean: true/false, yes/no,
1/0, in any case. date: YYYY-MM-DD. timestamp: ISO 8601 with T or a space, Z, an offset or none (UTC), up to
microseconds; kept in UTC. `formats` replace the last two. White space is never cut: a transform can trim.
"""

from collections.abc import Callable

import polars as pl
import pyarrow as pa

from haulier.contracts.dataset import Column
from worker.records.errors import DatasetUnusable
from worker.records.exact import Judged, judge

Cast = Callable[[pl.Series], pl.Series]
"""(n,) String to (n,) typed; null where the text is null or not plainly right."""

_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")
_DAY = "(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_EARLY_DAY = "(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])"
_TIME = r"[T ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?Z?"
_TIMESTAMP = pl.Datetime("us", "UTC")


def polars_type(column: Column) -> pl.DataType:
    """How a column is held."""
    if column.type == "decimal":
        return pl.Decimal(column.precision or 38, column.scale or 0)
    simple: dict[str, pl.DataType] = {
        "string": pl.String(),
        "integer": pl.Int64(),
        "float": pl.Float64(),
        "boolean": pl.Boolean(),
        "date": pl.Date(),
        "timestamp": _TIMESTAMP,
    }
    return simple[column.type]


class Caster:
    """Casts one column's texts.

    Raises:
        DatasetUnusable: `bad_format`, one of the strptime formats cannot be understood.
    """

    def __init__(self, column: Column) -> None:
        self.column = column
        self.dtype = polars_type(column)
        self._cast: Cast = _formatted(column) if column.formats else _plain(column)
        try:
            self._cast(pl.Series(["x", "2001-02-03"], dtype=pl.String))
        except pl.exceptions.PolarsError as wrong:
            raise DatasetUnusable("bad_format", f"column {column.name}: formats {column.formats}: {wrong}") from None

    def __call__(self, texts: pl.Series) -> tuple[pl.Series, dict[int, Judged]]:
        """The typed column, and what is wrong, by row; those rows are null in it."""
        if self.column.type == "string":
            return texts, {}
        typed = self._cast(texts)
        if typed.null_count() == texts.null_count():
            return typed, {}
        wrong: dict[int, Judged] = {}
        mended: dict[int, object] = {}
        missed = (typed.is_null() & texts.is_not_null()).arg_true()
        for row, text in zip(missed.to_list(), texts.gather(missed).to_list(), strict=True):
            judged = judge(self.column, text)
            if judged.code is None:
                mended[row] = judged.value
            else:
                wrong[row] = judged
        if mended:
            typed = typed.scatter(list(mended), pl.Series(list(mended.values()), dtype=self.dtype))
        return typed, wrong


def _plain(column: Column) -> Cast:
    match column.type:
        case "integer":
            return lambda texts: texts.cast(pl.Int64, strict=False)
        case "float":
            return _floats
        case "decimal":
            return _decimals(column.precision or 38, column.scale or 0)
        case "boolean":
            return _booleans
        case "date":
            return _dates
        case "timestamp":
            return _timestamps
        case _:
            return lambda texts: texts


def _only(texts: pl.Series, pattern: str) -> pl.Series:
    """Texts that match all of the pattern, null elsewhere."""
    fits = texts.str.contains(f"^(?:{pattern})$")
    return texts if fits.all() else texts.set(~fits, None)


def _floats(texts: pl.Series) -> pl.Series:
    numbers = _only(texts, r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
    typed = numbers.cast(pl.Float64, strict=False)
    finite = typed.is_finite()
    return typed if finite.all() else typed.set(~finite, None)


def _decimals(precision: int, scale: int) -> Cast:
    digits = f"[+-]?[0-9]{{1,{max(precision - scale, 1)}}}"
    pattern = digits + (rf"(?:\.[0-9]{{1,{scale}}})?" if scale else "")

    def cast(texts: pl.Series) -> pl.Series:
        return _only(texts, pattern).cast(pl.Decimal(precision, scale), strict=False)

    return cast


def _booleans(texts: pl.Series) -> pl.Series:
    mapping = {**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}
    return texts.str.to_lowercase().replace_strict(mapping, default=None, return_dtype=pl.Boolean)


def _dates(texts: pl.Series) -> pl.Series:
    return _only(texts, f"[0-9]{{4}}-{_DAY}").str.to_date("%Y-%m-%d", strict=False)


def _timestamps(texts: pl.Series) -> pl.Series:
    # pyarrow is seven times faster and stops at the first bad value: it gets what cannot be bad, days up to the 28th.
    early = _only(texts, f"[0-9]{{4}}-{_EARLY_DAY}{_TIME}")
    typed = _by_arrow(early)
    if early.null_count() == texts.null_count():
        return typed
    late = (early.is_null() & texts.is_not_null()).arg_true()
    rest = _only(texts.gather(late), f"[0-9]{{4}}-{_DAY}{_TIME}").str.strip_suffix("Z").str.replace(" ", "T")
    parsed = rest.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", strict=False, time_unit="us").dt.replace_time_zone("UTC")
    return typed.scatter(late, parsed)


def _by_arrow(texts: pl.Series) -> pl.Series:
    naive = texts.str.strip_suffix("Z").to_arrow(compat_level=pl.CompatLevel.oldest())
    series = pl.from_arrow(naive.cast(pa.timestamp("us")))
    if not isinstance(series, pl.Series):
        raise TypeError(type(series))
    return series.dt.replace_time_zone("UTC")


def _formatted(column: Column) -> Cast:
    """Tries the formats in order; what fits none is wrong."""
    formats = column.formats or ()

    def cast(texts: pl.Series) -> pl.Series:
        typed = pl.Series(texts.name, [None], dtype=polars_type(column)).new_from_index(0, len(texts))
        for pattern in formats:
            if column.type == "date":
                parsed = texts.str.to_date(pattern, strict=False)
            else:
                parsed = texts.str.to_datetime(pattern, strict=False, time_unit="us")
                zoned = isinstance(parsed.dtype, pl.Datetime) and parsed.dtype.time_zone is not None
                parsed = parsed.dt.convert_time_zone("UTC") if zoned else parsed.dt.replace_time_zone("UTC")
            typed = typed.zip_with(typed.is_not_null(), parsed)
        return typed

    return cast

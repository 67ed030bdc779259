"""From texts to typed columns: a vectorised cast takes what is plainly right, `exact` judges the rest, value by value.

What is accepted (documented in docs/records.md): integer: digits with an optional sign, 64 bits. float: decimal
notation or an exponent, finite. decimal(p,s): at most s digits after the point, none lost. boolean: true/false, yes/no,
1/0, in any case. date: YYYY-MM-DD, years 1 to 9999. timestamp: ISO 8601 with T or a space, Z, an offset or none (UTC,
or the column's time zone), up to microseconds; kept in UTC. `formats` replace the last two. White space is never cut.
"""

from collections.abc import Callable
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from haulier.contracts.dataset import Column
from haulier.contracts.reject import RejectCode
from haulier.jobs.plain import PATTERNS, YEAR
from haulier.jobs.strptime import misread, reads_fraction, tells_offset
from worker.records.errors import DatasetUnusable
from worker.records.exact import Judged, judge
from worker.records.rejects import shown
from worker.records.spans import arrow_texts, text_bytes

Cast = Callable[[pl.Series], pl.Series]
"""(n,) String to (n,) typed; null where the text is null or not plainly right."""

_TRUE, _FALSE = ("true", "yes", "1"), ("false", "no", "0")
_DAY = "(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_SURE_DAY = (
    "(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
"""A day that every year has."""
_TIME = r"[T ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?Z?"
_ANY_FLOAT = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?"
_SAFE_FLOAT = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?"
_FLOAT_DIGITS = 15
"""A number of so many digits (IEEE 754 binary64: DBL_DIG), neither very small nor very large, comes back the same."""
_TIMESTAMP = pl.Datetime("us", "UTC")
_ARROW_TIMESTAMP = pa.timestamp("us", "UTC")
_TO_THE_SECOND = len("2026-11-21T00:00:00Z")
_YEAR_ONE = -62_135_596_800_000_000
"""0001-01-01 in microseconds since 1970 (proleptic Gregorian)."""
_FINER = r"\.[0-9]{6}[0-9]*[1-9]"
"""Digits behind the microseconds, which a timestamp cannot keep."""
_OFFSET = "[T ].*(?:Z|[+-][0-9:]+)$"


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
        DatasetUnusable: `bad_format`, one of the strptime formats, or the time zone, cannot be understood.
    """

    def __init__(self, column: Column) -> None:
        self.column = column
        self.dtype = polars_type(column)
        self._cast: Cast = _formatted(column) if column.formats else _plain(column)
        if column.exact and column.type in PATTERNS:
            self._cast = _exactly(column, self._cast)
        for pattern in column.formats or ():
            if problem := misread(pattern):
                raise DatasetUnusable("bad_format", f"column {column.name}: formats: {problem}")
        try:
            self._cast(pl.Series(["x", "2001-02-03"], dtype=pl.String))
        except pl.exceptions.PolarsError as wrong:
            raise DatasetUnusable("bad_format", f"column {column.name}: formats {column.formats}: {wrong}") from None
        if column.time_zone is not None:
            try:
                _placed(pl.Series([0]).cast(_TIMESTAMP), column.time_zone)
            except pl.exceptions.PolarsError as wrong:
                raise DatasetUnusable("bad_format", f"column {column.name}: time_zone: {wrong}") from None

    def __call__(self, texts: pl.Series) -> tuple[pl.Series, dict[int, Judged]]:
        """The typed column, and what is wrong, by row; those rows are null in it."""
        if self.column.type == "string":
            return texts, {}
        typed, wrong = self._judged(texts)
        zone = self.column.time_zone
        if zone is None or self.column.formats:
            return typed, wrong
        placed = _placed(typed, zone).zip_with(~texts.str.contains(_OFFSET).fill_null(value=False), typed)
        for row in (placed.is_null() & typed.is_not_null()).arg_true().to_list():
            why = f"is no moment, or two, in {zone}, where clocks are changed"
            message = f"{self.column.name} {why}: {shown(texts[row])}"
            wrong[row] = Judged(None, RejectCode.OUT_OF_RANGE, message)
        return placed, wrong

    def _judged(self, texts: pl.Series) -> tuple[pl.Series, dict[int, Judged]]:
        typed = self._cast(texts)
        if typed.null_count() == texts.null_count():
            return typed, {}
        wrong: dict[int, Judged] = {}
        mended: dict[int, object] = {}
        missed = (typed.is_null() & texts.is_not_null()).arg_true()
        known: dict[str, Judged] = {}
        for row, text in zip(missed.to_list(), texts.gather(missed).to_list(), strict=True):
            # What is wrong in a file is wrong in the same way often.
            judged = known[text] if text in known else known.setdefault(text, judge(self.column, text))
            if judged.code is None:
                mended[row] = judged.value
            else:
                wrong[row] = judged
        if mended:
            typed = typed.scatter(list(mended), pl.Series(list(mended.values()), dtype=self.dtype))
        return typed, wrong


def _exactly(column: Column, cast: Cast) -> Cast:
    """Only texts written as the type writes them; floats that 64 bits may not hold go to `exact`, which looks."""
    pattern = _SAFE_FLOAT if column.type == "float" else PATTERNS[column.type]

    def plain(texts: pl.Series) -> pl.Series:
        kept = _only(texts, pattern)
        if column.type == "float":
            long = kept.str.len_bytes() > _FLOAT_DIGITS
            kept = kept.set(long, None) if long.any() else kept
        return cast(kept)

    return plain


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
    typed = texts.cast(pl.Float64, strict=False)
    # Of digits, signs and points nothing is made a number that is none; `exact` looks at what was made nothing.
    if not _plain_digits(texts.set(typed.is_null(), "")):
        typed = _only(texts, _ANY_FLOAT).cast(pl.Float64, strict=False)
    finite = typed.is_finite()
    return typed if finite.all() else typed.set(~finite, None)


def _decimals(precision: int, scale: int) -> Cast:
    digits = f"[+-]?[0-9]{{1,{max(precision - scale, 1)}}}"
    pattern = digits + (rf"(?:\.[0-9]{{1,{scale}}})?" if scale else "")

    def cast(texts: pl.Series) -> pl.Series:
        return _only(texts, pattern).cast(pl.Decimal(precision, scale), strict=False)

    return cast


def _booleans(texts: pl.Series) -> pl.Series:
    true = texts == "true"
    if (true | (texts == "false")).all():
        return true
    mapping = {**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}
    return texts.str.to_lowercase().replace_strict(mapping, default=None, return_dtype=pl.Boolean)


def _dates(texts: pl.Series) -> pl.Series:
    # pyarrow is four times faster and stops at the first bad value: it gets what cannot be bad.
    sure = _only(texts, f"{YEAR}-{_SURE_DAY}")
    typed = _series(arrow_texts(sure).cast(pa.date32()))
    if sure.null_count() == texts.null_count():
        return typed
    late = (sure.is_null() & texts.is_not_null()).arg_true()
    return typed.scatter(late, _only(texts.gather(late), f"{YEAR}-{_DAY}").str.to_date("%Y-%m-%d", strict=False))


def _timestamps(texts: pl.Series) -> pl.Series:
    in_utc = _all_in_utc(texts)
    if in_utc is not None:
        return in_utc
    # pyarrow is seven times faster and stops at the first bad value: it gets what cannot be bad.
    sure = _only(texts, f"{YEAR}-{_SURE_DAY}{_TIME}")
    typed = _series(arrow_texts(sure.str.strip_suffix("Z")).cast(pa.timestamp("us"))).dt.replace_time_zone("UTC")
    if sure.null_count() == texts.null_count():
        return typed
    late = (sure.is_null() & texts.is_not_null()).arg_true()
    rest = _only(texts.gather(late), f"{YEAR}-{_DAY}{_TIME}").str.strip_suffix("Z").str.replace(" ", "T")
    parsed = rest.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", strict=False, time_unit="us").dt.replace_time_zone("UTC")
    return typed.scatter(late, parsed)


def _all_in_utc(texts: pl.Series) -> pl.Series | None:
    """The moments, if all texts are date and time to the second or finer, with Z: nobody has to look at each then."""
    arrow = arrow_texts(texts)
    shortest: int | None = pc.min(pc.binary_length(arrow)).as_py()
    if shortest is None or shortest < _TO_THE_SECOND or not pc.all(pc.ends_with(arrow, "Z")).as_py():
        return None
    try:
        moments = _series(arrow.cast(_ARROW_TIMESTAMP))
    except pa.ArrowInvalid:
        return None
    return moments if bool((moments.to_physical() >= _YEAR_ONE).all()) else None


def _plain_digits(texts: pl.Series) -> bool:
    """Whether the texts consist of digits, signs and points; bytes under nulls may answer for them."""
    codes = text_bytes(arrow_texts(texts))
    # From + to 9 lie all these, the comma and the slash.
    return bool((codes - ord("+") <= ord("9") - ord("+")).all()) and not (
        bool((codes == ord(",")).any()) or bool((codes == ord("/")).any())
    )


def _series(array: Any) -> pl.Series:
    series = pl.from_arrow(array)
    if not isinstance(series, pl.Series):
        raise TypeError(type(series))
    return series


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
                if column.time_zone is not None and not tells_offset(pattern):
                    parsed = _placed(parsed, column.time_zone)
                if reads_fraction(pattern):
                    finer = texts.str.contains(_FINER)
                    parsed = parsed.set(finer, None) if finer.any() else parsed
            typed = typed.zip_with(typed.is_not_null(), within_years(parsed))
        return typed

    return cast


def _placed(moments: pl.Series, zone: str) -> pl.Series:
    """Moments whose clock was read as UTC's, as those at which a zone's clock shows the same; null if it never does,
    or twice, or beyond the years.
    """
    local = moments.dt.replace_time_zone(None).dt.replace_time_zone(zone, ambiguous="null", non_existent="null")
    return within_years(local.dt.convert_time_zone("UTC"))


def within_years(moments: pl.Series) -> pl.Series:
    """Dates or timestamps, null where they lie outside the years 1 to 9999."""
    within = moments.dt.year().is_between(1, 9999)
    return moments if within.all() else moments.set(~within, None)

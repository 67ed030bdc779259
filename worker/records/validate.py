"""Checks columns against the schema. The first column that is wrong, in the schema's order, gives the reject."""

import functools
import math
import operator
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

import polars as pl
import pyarrow.compute as pc

from haulier.contracts.dataset import Column, Schema
from haulier.contracts.reject import RejectCode, Stage
from worker.records.cast import Caster
from worker.records.encode import as_text
from worker.records.errors import DatasetUnusable
from worker.records.parsed import ROW, TYPED, column_of, row_numbers
from worker.records.rejects import Rejection, shown
from worker.records.spans import arrow_texts, text_bytes

_INT64 = 2**63
_DIGITS = 38
"""Of a decimal."""
_FEW = 8
_TO_THE_SECOND = len("2026-11-21T00:00:00Z")
Wrong = dict[int, tuple[RejectCode, str]]
"""Row of the frame → what is wrong with it."""


class ColumnCheck:
    """One column of the schema, ready to be applied to blocks.

    Raises:
        DatasetUnusable: `bad_format`, `bad_pattern` or `bad_limit`.
    """

    def __init__(self, column: Column, nulls: tuple[str, ...]) -> None:
        self.column = column
        self._nulls = nulls
        self._caster = Caster(column)
        self._min, self._max = self._limit(column.min, "min"), self._limit(column.max, "max")
        self._pattern = f"^(?:{column.pattern})$" if column.pattern is not None else None
        if self._pattern is not None:
            try:
                # By itself first: `a)|(b` would open what closes it.
                pl.Series([""]).str.contains(column.pattern or "")
                pl.Series([""]).str.contains(self._pattern)
            except pl.exceptions.PolarsError as wrong:
                raise DatasetUnusable("bad_pattern", f"column {column.name}: pattern: {wrong}") from None

    @property
    def dtype(self) -> pl.DataType:
        return self._caster.dtype

    def __call__(self, texts: pl.Series) -> tuple[pl.Series, Wrong]:
        """The typed column and what is wrong, by row."""
        if len(self._nulls):
            null = _among(texts, self._nulls)
            texts = texts.set(null, None) if null.any() else texts
        wrong: Wrong = {}
        column = self.column
        if column.required and texts.null_count():
            for row in texts.is_null().arg_true().to_list():
                wrong[row] = (RejectCode.REQUIRED, f"{column.name} is required and holds no value")
        typed, badly = self._caster(texts)
        for row, judged in badly.items():
            wrong.setdefault(row, (judged.code or RejectCode.BAD_TYPE, judged.message))
        for failing, code, rule in self._rules(texts, typed):
            if failing.any():
                rows = failing.fill_null(value=False).arg_true()
                for row, text in zip(rows.to_list(), texts.gather(rows).to_list(), strict=True):
                    wrong.setdefault(row, (code, f"{column.name} {rule}, not {shown(text)}"))
        return typed, wrong

    def _rules(self, texts: pl.Series, typed: pl.Series) -> list[tuple[pl.Series, RejectCode, str]]:
        column = self.column
        rules: list[tuple[pl.Series, RejectCode, str]] = []
        if column.enum is not None:
            listed = ", ".join(column.enum[:10]) + (", …" if len(column.enum) > 10 else "")
            rules.append((~_among(texts, column.enum), RejectCode.NOT_IN_ENUM, f"must be one of {listed}"))
        if self._min is not None:
            rules.append((typed < self._min, RejectCode.OUT_OF_RANGE, f"must be at least {column.min}"))
        if self._max is not None:
            rules.append((typed > self._max, RejectCode.OUT_OF_RANGE, f"must be at most {column.max}"))
        if column.min_length is not None:
            short = texts.str.len_chars() < column.min_length
            rules.append((short, RejectCode.LENGTH, f"must have at least {column.min_length} characters"))
        if column.max_length is not None:
            long = texts.str.len_chars() > column.max_length
            rules.append((long, RejectCode.LENGTH, f"must have at most {column.max_length} characters"))
        if self._pattern is not None:
            unlike = ~texts.str.contains(self._pattern)
            rules.append((unlike, RejectCode.PATTERN, f"must match {column.pattern}"))
        return rules

    def _limit(self, value: float | str | None, name: str) -> float | Decimal | date | datetime | None:
        if value is None or isinstance(value, int | float):
            if value is not None and self.column.type == "decimal":
                return self._decimal(value, name)
            if value is not None and self.column.type == "integer":
                return self._whole(value, name)
            return value if value is None else self._binary(value, name)
        typed, wrong = Caster(self.column.model_copy(update={"formats": None}))(pl.Series([value]))
        if not wrong and isinstance(limit := typed[0], date):
            return limit
        raise DatasetUnusable("bad_limit", f"column {self.column.name}: {name} {value!r} is no ISO 8601 text")

    def _whole(self, value: float, name: str) -> int | None:
        """Integers are compared with integers: as floats, those beyond 2**53 would be rounded first."""
        whole = math.floor(value) if name == "max" else math.ceil(value)
        if -_INT64 <= whole < _INT64:
            return whole
        if (whole > 0) == (name == "max"):
            return None
        message = f"column {self.column.name}: {name} {value!r} is beyond 64 bits: no integer fits"
        raise DatasetUnusable("bad_limit", message)

    def _binary(self, value: float, name: str) -> float:
        try:
            return float(value)
        except OverflowError:
            message = f"column {self.column.name}: {name} has too many digits for a number of 64 bits"
            raise DatasetUnusable("bad_limit", message) from None

    def _decimal(self, value: float, name: str) -> Decimal:
        """Without an exponent: polars compares with 1E+3 as with another number, and panics at 1E-50."""
        number = Decimal(format(Decimal(str(value)), "f"))
        _, digits, exponent = number.as_tuple()
        if not isinstance(exponent, int) or len(digits) > _DIGITS or -exponent > _DIGITS:
            message = f"column {self.column.name}: {name} {value!r} has more than {_DIGITS} digits"
            raise DatasetUnusable("bad_limit", message)
        return number


def _among(texts: pl.Series, listed: Sequence[str]) -> pl.Series:
    """Which texts are listed; null for null. Comparing with each of a few costs a fourth of a look-up."""
    if 0 < len(listed) <= _FEW:
        return functools.reduce(operator.or_, (texts == text for text in listed))
    return texts.is_in(pl.Series(listed, dtype=pl.String).implode())


def in_own_words(column: pl.Series, texts: pl.Series) -> pl.Series:
    """Dates or timestamps as text: as they were written where that is ISO 8601, in UTC with Z, else anew."""
    blank = column.is_null()
    if isinstance(column.dtype, pl.Date):
        # A date is written in no other way: `cast` and `exact` take none.
        return texts.set(blank, None) if column.null_count() else texts
    if column.null_count() == texts.null_count() and _all_zulu(texts):
        return texts
    own = texts.str.contains(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9.]+Z$") & ~blank
    if own.all():
        return texts
    missing = (~own.fill_null(value=False) & ~blank).arg_true()
    texts = texts.set(blank, None)
    return texts.scatter(missing, as_text(column.gather(missing))) if len(missing) else texts


def _all_zulu(texts: pl.Series) -> bool:
    """Whether texts that are timestamps are all written with T, to the second or finer after a point, and Z."""
    arrow = arrow_texts(texts)
    shortest: int | None = pc.min(pc.binary_length(arrow)).as_py()
    if shortest is None or shortest < _TO_THE_SECOND or not pc.all(pc.ends_with(arrow, "Z")).as_py():
        return False
    codes = text_bytes(arrow)
    if bool((codes == ord(",")).any()):
        return False
    # None has two; under a null there may be bytes of no text.
    if not arrow.null_count:
        return int((codes == ord("T")).sum()) == len(texts)
    return bool(texts.str.contains("T", literal=True).all())


class Validator:
    """The whole schema.

    Args:
        schema: as configured.
        texts_stay: nothing reads the values and they are written as text: dates and timestamps that are written in
            the form the output has anyway stay the text they are, which saves writing them anew.
    """

    def __init__(self, schema: Schema, *, texts_stay: bool = False) -> None:
        self.checks = [ColumnCheck(column, schema.nulls) for column in schema.columns]
        self._texts_stay = texts_stay

    def __call__(self, frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Rejection]]:
        """The frame with typed columns, records that are wrong left out, and those as rejections by ascending row.

        Args:
            frame: listed columns are texts; one that is absent becomes a column of nulls.
        """
        if not self.checks:
            return frame, []
        typed: list[pl.Series] = []
        wrong: dict[int, Rejection] = {}
        numbers = row_numbers(frame)
        for check in self.checks:
            name = check.column.name
            present = name in frame.columns
            texts = (
                column_of(frame, name)
                if present
                else pl.Series([None], dtype=pl.String).new_from_index(0, frame.height)
            )
            column, badly = check(texts)
            if self._texts_stay and column.dtype.is_temporal() and check.column.formats is None:
                typed.append(column.alias(TYPED + name))
                column = in_own_words(column, texts)
            typed.append(column.alias(name))
            new = [row for row in badly if row not in wrong]
            if not new:
                continue
            for row, number, text in zip(new, numbers.gather(new).to_list(), texts.gather(new).to_list(), strict=True):
                code, message = badly[row]
                wrong[row] = Rejection(number, Stage.VALIDATE, code, message, name, text)
        frame = frame.with_columns(typed)
        if not wrong:
            return frame, []
        keep = pl.Series([True]).new_from_index(0, frame.height).scatter(list(wrong), False)
        kept = frame.with_columns(numbers.alias(ROW)).filter(keep)
        return kept, sorted(wrong.values())

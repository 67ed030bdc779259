"""The declared transforms, applied in the order written to columns of a block.

JSON fields that no schema lists are seen as text, and keep their JSON form in the output unless a transform changes
them.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

import polars as pl

from haulier.contracts.dataset import (
    Cast,
    Column,
    ColumnType,
    Default,
    Derive,
    Drop,
    Filter,
    Flatten,
    Rename,
    Transform,
    Trim,
)
from haulier.contracts.reject import RejectCode, Stage
from worker.records.cast import Caster, within_years
from worker.records.encode import as_text
from worker.records.errors import DatasetUnusable
from worker.records.expression import evaluated, expression
from worker.records.json_text import json_text
from worker.records.parsed import RAW, ROW, column_of, row_numbers, visible, without
from worker.records.rejects import Rejection

_CAST_PRECISION, _CAST_SCALE = 38, 9
"""`cast: decimal` says no precision; a schema column does."""


class Stepped(NamedTuple):
    """What a transform gave: the frame, the records it set aside, and how many it left out."""

    frame: pl.DataFrame
    rejects: list[Rejection]
    filtered: int = 0


class Step(Protocol):
    """One transform: frame in, frame out."""

    def __call__(self, frame: pl.DataFrame) -> Stepped: ...


def step_of(transform: Transform, frame: pl.DataFrame) -> Step:
    """Makes a transform ready, against an empty frame of the columns there are.

    Raises:
        DatasetUnusable: `column_unknown`, `column_taken`, `bad_expression`.
    """
    match transform:
        case Flatten():
            return _done_by_the_reader
        case Rename():
            return _Renaming(transform.rename, frame)
        case Drop():
            return _Dropping(_known(transform.drop, frame, "drop"))
        case Trim():
            return _Trimming(_known(transform.trim, frame, "trim"))
        case Default():
            return _Defaulting(transform.default, frame)
        case Cast():
            return _Casting(transform.cast, frame)
        case Filter():
            return _Filtering(expression(transform.filter, frame, "filter"))
        case Derive():
            made = {name: expression(text, frame, f"derive {name}") for name, text in transform.derive.items()}
            return _Deriving(made, frame)


def _done_by_the_reader(frame: pl.DataFrame) -> Stepped:
    """Flatten: it comes first, and the schema is checked after it, so records are flattened as they are parsed."""
    return Stepped(frame, [])


def _known(names: tuple[str, ...], frame: pl.DataFrame, verb: str) -> list[str]:
    there = visible(frame)
    for name in names:
        if name not in there:
            raise DatasetUnusable(
                "column_unknown", f"{verb}: there is no column {name!r}; columns there are: {', '.join(there)}"
            )
    return list(names)


def _without_raw(frame: pl.DataFrame, names: list[str]) -> pl.DataFrame:
    """Columns that were changed have no JSON form of their own any more."""
    return without(frame, [RAW + name for name in names])


def _replaced(column: pl.Series, rows: list[int], texts: list[str]) -> pl.Series:
    """The column with other texts in some rows."""
    return column.scatter(rows, pl.Series(texts, dtype=pl.String)) if rows else column


class _Renaming:
    def __init__(self, names: Mapping[str, str], frame: pl.DataFrame) -> None:
        _known(tuple(names), frame, "rename")
        after = [names.get(name, name) for name in visible(frame)]
        for name in names.values():
            if after.count(name) > 1:
                raise DatasetUnusable("column_taken", f"rename: there would be two columns named {name!r}")
        self._names = dict(names)

    def __call__(self, frame: pl.DataFrame) -> Stepped:
        hidden = {RAW + old: RAW + new for old, new in self._names.items() if RAW + old in frame.columns}
        return Stepped(frame.rename({**self._names, **hidden}), [])


class _Dropping:
    def __init__(self, names: list[str]) -> None:
        self._names = names

    def __call__(self, frame: pl.DataFrame) -> Stepped:
        if set(visible(frame)) <= set(self._names):
            frame = frame.with_columns(row_numbers(frame).alias(ROW))  # the height needs a column to stand on
        return Stepped(without(frame, [*self._names, *(RAW + name for name in self._names)]), [])


class _Trimming:
    def __init__(self, names: list[str]) -> None:
        self._names = names

    def __call__(self, frame: pl.DataFrame) -> Stepped:
        changed: list[pl.Series] = []
        for name in self._names:
            if frame.schema[name] != pl.String:
                continue
            before = column_of(frame, name)
            after = before.str.strip_chars()
            changed.append(after.alias(name))
            if RAW + name in frame.columns:
                rows = (after != before).arg_true().to_list()
                texts = [json_text(after[row]) for row in rows]
                changed.append(_replaced(frame.get_column(RAW + name), rows, texts))
        return Stepped(frame.with_columns(changed), [])


class _Defaulting:
    def __init__(self, values: Mapping[str, str | float | bool], frame: pl.DataFrame) -> None:
        _known(tuple(values), frame, "default")
        self._values: dict[str, pl.Series] = {}
        for name, value in values.items():
            dtype = frame.schema[name]
            text = ("true" if value else "false") if isinstance(value, bool) else str(value)
            typed, wrong = Caster(_column(name, dtype))(pl.Series([text]))
            if wrong:
                raise DatasetUnusable("bad_expression", f"default: {wrong[0].message}")
            self._values[name] = typed
        self._json = {name: json_text(value) for name, value in values.items()}

    def __call__(self, frame: pl.DataFrame) -> Stepped:
        filled: list[pl.Series] = []
        for name, value in self._values.items():
            column = column_of(frame, name)
            filled.append(column.fill_null(value[0]).cast(column.dtype).alias(name))
            if RAW + name in frame.columns:
                rows = column.is_null().arg_true().to_list()
                filled.append(_replaced(frame.get_column(RAW + name), rows, [self._json[name]] * len(rows)))
        return Stepped(frame.with_columns(filled), [])


class _Casting:
    def __init__(self, types: Mapping[str, ColumnType], frame: pl.DataFrame) -> None:
        _known(tuple(types), frame, "cast")
        self._casters = {name: Caster(_target(name, kind)) for name, kind in types.items()}

    def __call__(self, frame: pl.DataFrame) -> Stepped:
        rejects: dict[int, Rejection] = {}
        typed = []
        numbers = row_numbers(frame)
        for name, caster in self._casters.items():
            texts = as_text(column_of(frame, name))
            column, wrong = caster(texts)
            typed.append(column.alias(name))
            for row, judged in wrong.items():
                if judged.code is not None:
                    why = Rejection(numbers[row], Stage.TRANSFORM, judged.code, judged.message, name, texts[row])
                    rejects.setdefault(row, why)
        frame = _without_raw(frame.with_columns(typed), list(self._casters))
        if rejects:
            keep = pl.Series([True]).new_from_index(0, frame.height).scatter(list(rejects), False)
            frame = frame.with_columns(numbers.alias(ROW)).filter(keep)
        return Stepped(frame, sorted(rejects.values()))


class _Filtering:
    def __init__(self, condition: pl.Expr) -> None:
        self._condition = condition

    def __call__(self, frame: pl.DataFrame) -> Stepped:
        frame = frame.with_columns(row_numbers(frame).alias(ROW))
        kept, rejects = evaluated(frame, lambda part: part.filter(self._condition))
        return Stepped(kept, rejects, frame.height - kept.height - len(rejects))


class _Deriving:
    def __init__(self, made: Mapping[str, pl.Expr], frame: pl.DataFrame) -> None:
        self._made = [expr.alias(name) for name, expr in made.items()]
        self._names = list(made)
        types = frame.clear().with_columns(self._made).schema
        for name in self._names:
            if isinstance(types[name], pl.Duration | pl.Binary | pl.Int128) or types[name].is_nested():
                raise DatasetUnusable(
                    "bad_expression",
                    f"derive {name}: it gives a {types[name]}, which no output holds: make a number, a text, a boolean "
                    "or a date of it",
                )

    def __call__(self, frame: pl.DataFrame) -> Stepped:
        frame, rejects = evaluated(frame, lambda part: part.with_columns(self._made))
        for name in self._names:
            frame, infinite = _finite(frame, name)
            rejects += infinite
        return Stepped(_without_raw(frame, self._names), rejects)


def _finite(frame: pl.DataFrame, name: str) -> tuple[pl.DataFrame, list[Rejection]]:
    """JSON has no infinity and no NaN, so a derived column has none in any format; nor days of other years than typed
    columns have.
    """
    column = column_of(frame, name)
    if column.dtype.is_float():
        keep = column.is_finite().fill_null(value=True)
        message = f"{name} is not a finite number: the expression divides by zero, or goes beyond 64 bits"
    elif isinstance(column.dtype, pl.Date | pl.Datetime):
        keep = within_years(column).is_not_null() | column.is_null()
        message = f"{name} lies outside the years 1 to 9999"
    else:
        return frame, []
    if keep.all():
        return frame, []
    numbers = row_numbers(frame)
    rejects = [
        Rejection(row, Stage.TRANSFORM, RejectCode.OUT_OF_RANGE, message, name, value)
        for row, value in zip(numbers.filter(~keep).to_list(), as_text(column.filter(~keep)).to_list(), strict=True)
    ]
    return frame.with_columns(numbers.alias(ROW)).filter(keep), rejects


def _target(name: str, kind: ColumnType) -> Column:
    if kind == "decimal":
        return Column(name=name, type=kind, precision=_CAST_PRECISION, scale=_CAST_SCALE)
    return Column(name=name, type=kind)


def _column(name: str, dtype: pl.DataType) -> Column:
    """The contract's column for a type a frame holds."""
    if isinstance(dtype, pl.Decimal):
        return Column(name=name, type="decimal", precision=dtype.precision or 38, scale=dtype.scale)
    kinds: list[tuple[type[pl.DataType], ColumnType]] = [
        (pl.Boolean, "boolean"), (pl.Date, "date"), (pl.Datetime, "timestamp"), (pl.Float64, "float"),
    ]  # fmt: skip
    for kind, column_type in kinds:
        if isinstance(dtype, kind):
            return Column(name=name, type=column_type)
    return Column(name=name, type="integer" if dtype.is_integer() else "string")

"""One value at a time, exactly: what a text is in a type, or in which words it is none."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from typing import NamedTuple

from haulier.contracts.dataset import Column
from haulier.contracts.reject import RejectCode
from haulier.jobs.plain import is_plain
from worker.records.rejects import shown

_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"([T ]([01][0-9]|2[0-3]):[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?(Z|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)?)?"
)
"""Hours and offsets in full: Pythons differ in whether 24:00 and +02:60 are something."""
_FINER = re.compile(r"[.,][0-9]{6}[0-9]*[1-9]")
_INT64 = 2**63
_EXACTLY = Context(prec=100)
"""More digits than a column's 38 can need: quantising rounds what lies behind the scale, and nothing else."""


class Judged(NamedTuple):
    """A value, or why there is none (`code` and `message`)."""

    value: object = None
    code: RejectCode | None = None
    message: str = ""


def judge(column: Column, text: str) -> Judged:
    """What the text is as a value of the column's type."""
    if column.exact and not is_plain(column.type, text):
        return _inexact(column, text)
    if column.formats:
        once = f", a moment of {column.time_zone} that its clocks show once" if column.time_zone else ""
        return _bad(column, text, f"in {' or '.join(column.formats)}{once}")
    judges: dict[str, Callable[[Column, str], Judged]] = {
        "integer": _integer,
        "float": _float,
        "decimal": _decimal,
        "date": _date,
        "timestamp": _timestamp,
    }
    return judges.get(column.type, _bad)(column, text)


def _bad(column: Column, text: str, why: str = "") -> Judged:
    kind = f"decimal({column.precision},{column.scale})" if column.type == "decimal" else column.type
    said = f"{column.name} must be a {kind}{' ' + why if why else ''}, not {shown(text)}".replace(
        "a integer", "an integer"
    )
    return Judged(None, RejectCode.BAD_TYPE, said)


def _inexact(column: Column, text: str) -> Judged:
    """Declared or inferred: a value that the type would change, or that is none of it."""
    said = _bad(column, text, "that is written as such").message
    more = "if it is right, list the column in the dataset's schema with another type, or without exact"
    return Judged(None, RejectCode.BAD_TYPE, f"{said}; {more}")


def _beyond(column: Column, text: str, why: str) -> Judged:
    return Judged(None, RejectCode.OUT_OF_RANGE, f"{column.name} {why}: {shown(text)}")


def _integer(column: Column, text: str) -> Judged:
    if not _INTEGER.fullmatch(text):
        return _bad(column, text)
    if len(text.lstrip("+-0")) > 19 or not -_INT64 <= int(text) < _INT64:
        return _beyond(column, text, "does not fit in 64 bits")
    return Judged(int(text))


def _float(column: Column, text: str) -> Judged:
    if not _NUMBER.fullmatch(text):
        return _bad(column, text)
    value = float(text)
    if value in (float("inf"), float("-inf")):
        return _beyond(column, text, "does not fit in 64 bits")
    return Judged(value)


def _decimal(column: Column, text: str) -> Judged:
    if not _NUMBER.fullmatch(text):
        return _bad(column, text)
    precision, scale = column.precision or 38, column.scale or 0
    number = Decimal(text)
    if not number:
        return Judged(Decimal(0))
    # Never as a tuple of its digits: a record may hold millions of them.
    if number.adjusted() >= precision - scale:
        return _beyond(column, text, f"has more than {precision - scale} digits before the point")
    # polars takes a Decimal by its exponent too, and panics at some.
    value = number.quantize(Decimal((0, (1,), -scale)), context=_EXACTLY)
    if value != number:
        return _beyond(column, text, f"has more than {scale} digits after the point")
    return Judged(value)


def _date(column: Column, text: str) -> Judged:
    if not _DATE.fullmatch(text):
        return _bad(column, text, "YYYY-MM-DD")
    try:
        return Judged(date.fromisoformat(text))
    except ValueError:
        return _bad(column, text, "that exists")


def _timestamp(column: Column, text: str) -> Judged:
    if not _TIMESTAMP.fullmatch(text):
        return _bad(column, text, "in ISO 8601")
    try:
        moment = datetime.fromisoformat(text.replace(",", "."))
        if _FINER.search(text):
            return _beyond(column, text, "has more than 6 digits after the second")
        return Judged(moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC))
    except ValueError:
        return _bad(column, text, "that exists")
    except OverflowError:
        return _beyond(column, text, "lies outside the years 1 to 9999")

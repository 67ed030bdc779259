"""Texts that are written as their type writes them, so that reading them as that type loses nothing.

What the inference takes for a type, and what an `exact` column takes at all: one definition for both, so that a value
further in the file is either kept whole or a reject, never changed.
"""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isfinite

from haulier.contracts.dataset import ColumnType

YEAR = "(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])"
"""0001 to 9999, the years that Python's dates and most readers of Parquet have: 0000 is none."""
_DATE = YEAR + "-[0-9]{2}-[0-9]{2}"
_TIME = "[T ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
PATTERNS: dict[ColumnType, str] = {
    "integer": "0|-?[1-9][0-9]*",
    "float": r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?",
    "decimal": r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?",
    "boolean": "true|false|True|False|TRUE|FALSE",
    "date": _DATE,
    "timestamp": _DATE + _TIME + r"(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-5][0-9])?",
}
"""Type → what the whole text must match, in syntax that Python's `re` and Rust's regex share. Numbers are JSON's own
grammar, with an exponent of three digits at most; a string may be anything.
"""
_COMPILED = {kind: re.compile(pattern) for kind, pattern in PATTERNS.items()}


def is_plain(kind: ColumnType, text: str) -> bool:
    """Whether the text is a value of the type, written as the type writes it. A float must come back from 64 bits as
    the number it was, written as short as it can be; an integer may be of any size.
    """
    pattern = _COMPILED.get(kind)
    if pattern is None:
        return True
    if not pattern.fullmatch(text):
        return False
    match kind:
        case "float":
            return _survives(text)
        case "date" | "timestamp":
            return _exists(kind, text)
        case _:
            return True


def _survives(text: str) -> bool:
    value = float(text)
    return isfinite(value) and Decimal(repr(value)) == Decimal(text)


def _exists(kind: ColumnType, text: str) -> bool:
    try:
        if kind == "date":
            date.fromisoformat(text)
        elif (moment := datetime.fromisoformat(text)).tzinfo is not None:
            moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return False
    return True

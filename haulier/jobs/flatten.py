"""Nested objects as fields of one level, a record at a time: the definition, for the inference and for the worker.

A field whose value is an object gives way to its members, named on the way down (`a.b.c` for `{"a": {"b": {"c": 1}}}`),
in the place and order they had; `columns` says which fields of the record are opened, `max_depth` how many levels. What
is no object, an array among it, stays the value it was under its name; so does an empty object, and one that lies
deeper. Nothing depends on other records: a field that only some records have, only they have afterwards.

Two fields of a record that would get the same name make it a reject: nobody can say which is meant.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from haulier.contracts.dataset import Flattening
from haulier.contracts.limits import MAX_RECORD_BYTES
from haulier.contracts.reject import RejectCode

GROWTH = 16
"""Names repeat the names above them: a record may grow by so much, and not fill the memory."""


class Unflattened(Exception):
    """The record cannot be flattened.

    Attributes:
        code: of its reject.
        column: the field it is about, if it is about one.
    """

    def __init__(self, code: RejectCode, message: str, column: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.column = column


def opens(how: Flattening, name: str, depth: int) -> bool:
    """Whether an object is taken apart that is the value of `name`, a field of the record (depth 1) or deeper."""
    return depth <= how.max_depth and (depth > 1 or how.columns is None or name in how.columns)


def flattened(record: Mapping[str, Any], how: Flattening, *, size: int) -> dict[str, Any]:
    """The record's fields after flattening; objects are mappings, all else is passed through as it is.

    Args:
        record: field → value.
        how: as configured.
        size: of the record, in characters or bytes of its text; its names may become GROWTH times as long, and no more
            than MAX_RECORD_BYTES longer.

    Raises:
        Unflattened: `name_taken` or `too_long`.
    """
    found: dict[str, Any] = {}
    left = min(size * GROWTH, size + MAX_RECORD_BYTES)
    for name, value in _leaves(record, how, "", 1):
        if name in found:
            message = f"two fields of the record are named {name!r} once it is flattened; choose another separator"
            raise Unflattened(RejectCode.NAME_TAKEN, message, name)
        left -= len(name)
        if left < 0:
            more = f"more than {GROWTH} times as long" if size * GROWTH <= size + MAX_RECORD_BYTES else "too long"
            message = f"flattened, the record is {more}; lower flatten's max_depth"
            raise Unflattened(RejectCode.TOO_LONG, message)
        found[name] = value
    return found


def _leaves(value: Mapping[str, Any], how: Flattening, above: str, depth: int) -> Iterator[tuple[str, Any]]:
    for key, inner in value.items():
        if isinstance(inner, Mapping) and inner and opens(how, key, depth):
            yield from _leaves(inner, how, above + key + how.separator, depth + 1)
        else:
            yield above + key, inner

"""Fields of many JSON records as columns of text, in C: each value in its own words, none of them read.

Records that hold fields nobody listed, or a list or object in a field that is listed, are not taken here.
"""

from collections.abc import Sequence
from operator import attrgetter
from types import GenericAlias
from typing import Any

import msgspec
import orjson
import polars as pl

from worker.records.json_whole import whole_lines

_NULL = b"null"


class Fields:
    """Takes the listed fields out of lines.

    Args:
        names: of the fields.
        others: records may have other fields.

    Raises:
        ValueError: a name holds a quote, a backslash or a control character.
    """

    def __init__(self, names: Sequence[str], *, others: bool) -> None:
        fields = [f"f{at}" for at in range(len(names))]
        record = msgspec.defstruct(
            "Record",
            [(field, msgspec.Raw, msgspec.Raw(_NULL)) for field in fields],
            rename=dict(zip(fields, names, strict=True)),
            forbid_unknown_fields=not others,
            gc=False,
        )
        # Made from the schema, which a type checker does not see.
        many: Any = GenericAlias(list, (record,))
        self._decoder = msgspec.json.Decoder(many)
        self._getters = [attrgetter(field) for field in fields]

    def take(self, lines: bytes, *, sure: bool, known: bool) -> tuple[list[bytes], int] | None:
        """(for each field the values' JSON, one a line, null where there is none; how many records), if each line is
        an object that can be taken; None if that is not sure. A repeated field has its last value.

        Args:
            lines: some.
            sure: `json_whole.may_be_wrong` was False for them.
            known: each is known to be one JSON value.
        """
        try:
            records = self._decoder.decode(b"[%b]" % lines.removesuffix(b"\n").replace(b"\n", b","))
        except (ValueError, RecursionError):
            return None
        if not (records if known else whole_lines(lines, sure=sure)):
            return None
        columns = [b"\n".join(map(getter, records)) for getter in self._getters]
        return None if any(map(_nested, columns)) else (columns, len(records))


def as_values(texts: Sequence[str | None]) -> bytes:
    """Texts as `Fields.take` gives values."""
    return b"\n".join([_NULL if text is None else orjson.dumps(text) for text in texts])


def texts_of(values: bytes, count: int) -> pl.Series:
    """(count,) String: strings' characters, null as null, all else in the words it came in.

    Args:
        values: JSON, one a line; no list and no object.
        count: how many, at least one.
    """
    quotes, escapes = b'"' in values, b"\\" in values
    # All lines begin and end with a quote, so all are strings.
    if quotes and not escapes and values[:1] + values[-1:] == b'""' and values.count(b'"\n"') == count - 1:
        return _split(values[1:-1].replace(b'"\n"', b"\n"))
    texts = _split(values)
    missing = texts == "null" if _NULL in values else None
    if quotes:
        rows = texts.str.contains("\\", literal=True).arg_true() if escapes else None
        inner = orjson.loads("[" + ",".join(texts.gather(rows).to_list()) + "]") if rows is not None else []
        texts = texts.str.strip_prefix('"').str.strip_suffix('"')
        texts = texts.scatter(rows, pl.Series(inner, dtype=pl.String)) if rows is not None else texts
    return texts.set(missing, None) if missing is not None and missing.any() else texts


def _split(lines: bytes) -> pl.Series:
    return pl.Series([lines.decode()]).str.split("\n").explode()


def _nested(values: bytes) -> bool:
    # Seldom is there any bracket at all, which is seen sooner.
    return (b"{" in values and (values[:1] == b"{" or b"\n{" in values)) or (
        b"[" in values and (values[:1] == b"[" or b"\n[" in values)
    )

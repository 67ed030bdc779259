"""A block of JSON as columns of text, for datasets that look inside the records.

A listed field's value becomes text and is checked like CSV's: a string's characters, a number's or boolean's own text;
an object or array is wrong in it. A field that a transform names and no schema lists is text for the transform and
keeps its JSON form beside it (column RAW + name). All other fields stay together as JSON text (column REST).
"""

import orjson
import polars as pl

from haulier.contracts.reject import RejectCode, Stage
from worker.records.block import Block
from worker.records.json_text import compact, joined, members, text_of
from worker.records.json_values import JsonPlaces, checked, to_utf8, values
from worker.records.parsed import RAW, REST, ROW, Parsed
from worker.records.rejects import Rejection

_EXACT = frozenset((str, int, bool, type(None)))


class JsonReader:
    """Parses blocks of one object.

    Args:
        lines: JSON Lines; otherwise values cut from an array.
        listed: fields of the schema.
        floats: those of them that are floats, for which a number may be read and written again.
        named: fields that transforms name and the schema does not.
        extra: what becomes of the others: `keep`, `drop` or `reject`.
        taken: names that enrichment and transforms give; fields of these names give way.
        encoding: a Python codec name.
        limit: bytes of the longest record.
    """

    def __init__(
        self,
        *,
        lines: bool,
        listed: tuple[str, ...],
        floats: frozenset[str],
        named: tuple[str, ...],
        extra: str,
        taken: tuple[str, ...],
        encoding: str,
        limit: int,
    ) -> None:
        self._lines, self._extra, self._encoding, self._limit = lines, extra, encoding, limit
        self._listed, self._named = listed, named
        self._floats = floats
        self._known = frozenset(listed) | frozenset(named)
        self._taken = frozenset(taken) - self._known

    def schema(self) -> dict[str, pl.DataType]:
        """The columns a parse gives, ROW aside."""
        names = [*self._listed]
        for name in self._named:
            names += [name, RAW + name]
        return dict.fromkeys([*names, *([REST] if self._extra == "keep" else [])], pl.String())

    def parse(self, block: Block) -> Parsed:
        spans: list[tuple[int, int]] = []
        rejects: list[Rejection] = []
        schema = self.schema()
        columns: dict[str, list[str | None]] = {name: [] for name in schema}
        rows: list[int] = []
        for row, (start, text, size) in enumerate(values(block, lines=self._lines, limit=self._limit)):
            spans.append((start, start + len(text)))
            utf8 = to_utf8(text, self._encoding)
            value = checked(row, utf8, size, self._limit)
            found = self._row(row, value, utf8) if isinstance(value, dict) else value
            if isinstance(found, Rejection):
                rejects.append(found)
                continue
            rows.append(row)
            for name in schema:
                columns[name].append(found.get(name))
        frame = pl.DataFrame(columns, schema=schema)
        if rejects or not schema:
            numbers = pl.Series(ROW, rows, dtype=pl.UInt32)
            frame = frame.with_columns(numbers) if schema else pl.DataFrame([numbers])
        return Parsed(frame, len(spans), JsonPlaces(block, spans, self._encoding), rejects)

    def _row(self, row: int, value: dict[str, object], utf8: bytes) -> dict[str, str | None] | Rejection:
        if self._extra == "reject" and not value.keys() <= self._known:
            name = next(key for key in value if key not in self._known)
            message = f"the record has a field {name!r} that the schema does not list"
            return Rejection(row, Stage.VALIDATE, RejectCode.EXTRA_COLUMN, message, name)
        if not self._named and self._simple(value):
            found = {name: _simple_text(value.get(name)) for name in self._listed}
            if self._extra == "keep":
                rest = {key: kept for key, kept in value.items() if key not in self._known and key not in self._taken}
                found[REST] = orjson.dumps(rest)[1:-1].decode()
            return found
        return self._exact_row(row, members(compact(utf8).decode()))

    def _simple(self, value: dict[str, object]) -> bool:
        """Whether orjson's values say all the text says: no number it may have rounded, no nested value to keep."""
        for name in value if self._extra == "keep" else self._listed:
            kind = type(value.get(name))
            if kind not in _EXACT and not (kind is float and name in self._floats):
                return False
        return True

    def _exact_row(self, row: int, pairs: list[tuple[str, str]]) -> dict[str, str | None] | Rejection:
        found: dict[str, str | None] = {}
        rest = []
        for key, value in pairs:
            if key not in self._known:
                if key not in self._taken:
                    rest.append((key, value))
                continue
            found[key] = text_of(value)
            if key in self._named:
                found[RAW + key] = value
        for name in self._listed:
            text = dict(pairs).get(name, "")
            if text.startswith(("{", "[")):
                kind = "an object" if text.startswith("{") else "an array"
                message = f"{name} holds {kind}, and the schema lists it as one value"
                return Rejection(row, Stage.VALIDATE, RejectCode.BAD_TYPE, message, name, text)
        if self._extra == "keep":
            found[REST] = joined(rest)
        return found


def _simple_text(value: object) -> str | None:
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)

"""A block of JSON as columns of text, for datasets that look inside the records.

A listed field's value becomes text and is checked like CSV's: a string's characters, a number's or boolean's own text;
an object or array is wrong in it. A field that a transform names and no schema lists is text for the transform and
keeps its JSON form beside it (column RAW + name). All other fields stay together as JSON text (column REST).
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

import orjson
import polars as pl

from haulier.contracts.dataset import Flattening
from haulier.contracts.reject import RejectCode, Stage
from haulier.jobs.flatten import Unflattened, flattened
from worker.records.block import Block
from worker.records.json_columns import Fields, as_values, texts_of
from worker.records.json_flatten import flat_members
from worker.records.json_text import compact, is_plain, joined, members, text_of
from worker.records.json_values import WHITE, JsonPlaces, Spans, checked, to_utf8, values
from worker.records.json_whole import evenly, lines_of, may_be_wrong, pieces, taken, whole_values
from worker.records.parsed import RAW, REST, ROW, Parsed
from worker.records.rejects import Rejection

_PROBE = 16 * 1024
"""Bytes of a block that show how most of its records are."""
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
        flattening: how nested objects become fields; None leaves them.
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
        flattening: Flattening | None = None,
    ) -> None:
        self._lines, self._extra, self._encoding, self._limit = lines, extra, encoding, limit
        self._listed, self._named = listed, named
        self._floats, self._flattening = floats, flattening
        self._known = frozenset(listed) | frozenset(named)
        self._taken = frozenset(taken) - self._known
        self._fields: Fields | None = None
        if listed and not named and flattening is None:
            with suppress(ValueError):
                self._fields = Fields(listed, others=extra == "drop")

    def schema(self) -> dict[str, pl.DataType]:
        """The columns a parse gives, ROW aside."""
        names = [*self._listed]
        for name in self._named:
            names += [name, RAW + name]
        return dict.fromkeys([*names, *([REST] if self._extra == "keep" else [])], pl.String())

    def parse(self, block: Block) -> Parsed:
        data = block.data
        if self._fields is None or len(data) > self._limit or not (self._encoding.startswith("utf-") or data.isascii()):
            return self._one_by_one(block)
        if self._lines:
            lines = data.replace(b"\r\n", b"\n") if b"\r" in data else data
            take = partial(self._fields.take, sure=not may_be_wrong(lines), known=False)
            places = self._places(block)
        elif raws := whole_values(data, sure=False):
            lines = lines_of(raws, compact)
            take = partial(self._fields.take, sure=True, known=True)
            places = self._places(block, lambda: evenly(data, raws))
        else:
            return self._one_by_one(block)
        # Where most records are odd, say with fields nobody listed, looking at them twice is in vain.
        first = self._rows(next(pieces(lines, _PROBE), b""), take)
        if first.odd * 2 > first.read:
            return self._one_by_one(block)
        return self._parsed(self._rows(lines, take), places)

    def _rows(self, lines: bytes, take: Callable[[bytes], tuple[list[bytes], int] | None]) -> "_Rows":
        """The lines' records: most of them many at once, the odd ones one by one."""
        rows = _Rows([[] for _ in self._listed])
        for piece, found in taken(lines, take):
            if found is not None:
                rows.add(*found)
                continue
            for line in piece.split(b"\n"):
                if not (text := line.strip(WHITE)):
                    continue
                rows.odd += 1
                value = checked(rows.read, text, len(text), self._limit)
                one = self._row(rows.read, value, text) if isinstance(value, dict) else value
                if isinstance(one, Rejection):
                    rows.reject(one)
                    continue
                if self._extra == "keep":
                    rows.rests[rows.kept] = one[REST] or ""
                rows.add([as_values([one.get(name)]) for name in self._listed], 1)
        return rows

    def _parsed(self, rows: "_Rows", places: JsonPlaces) -> Parsed:
        schema = self.schema()
        if not rows.kept:
            frame = pl.DataFrame(schema=schema)
        else:
            columns = [
                texts_of(b"\n".join(parts), rows.kept).alias(name)
                for name, parts in zip(self._listed, rows.columns, strict=True)
            ]
            if self._extra == "keep":
                rest = pl.Series(REST, [""], dtype=pl.String).new_from_index(0, rows.kept)
                columns.append(rest.scatter(list(rows.rests), list(rows.rests.values())) if rows.rests else rest)
            frame = pl.DataFrame(columns)
        if rows.rejects:
            frame = frame.with_columns(pl.Series(ROW, rows.numbers(), dtype=pl.UInt32))
        return Parsed(frame, rows.read, places, rows.rejects)

    def _one_by_one(self, block: Block) -> Parsed:
        spans: list[tuple[int, int]] = []
        rejects: list[Rejection] = []
        schema = self.schema()
        kept: list[dict[str, str | None]] = []
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
            kept.append(found)
        frame = pl.DataFrame({name: [found.get(name) for found in kept] for name in schema}, schema=schema)
        if rejects or not schema:
            numbers = pl.Series(ROW, rows, dtype=pl.UInt32)
            frame = frame.with_columns(numbers) if schema else pl.DataFrame([numbers])
        return Parsed(frame, len(spans), self._places(block, lambda: spans), rejects)

    def _places(self, block: Block, spans: Spans | None = None) -> JsonPlaces:
        return JsonPlaces(block, lines=self._lines, limit=self._limit, encoding=self._encoding, spans=spans)

    def _row(self, row: int, value: dict[str, object], utf8: bytes) -> dict[str, str | None] | Rejection:
        try:
            fields = self._values(value, utf8)
            found = self._plain_row(row, fields) if fields is not None else None
            return found if found is not None else self._exact_row(row, self._texts(utf8))
        except Unflattened as wrong:
            return Rejection(row, Stage.PARSE, wrong.code, str(wrong), wrong.column)

    def _values(self, value: dict[str, object], utf8: bytes) -> Mapping[str, object] | None:
        """The record's fields as orjson read them; None if its text says more than that."""
        if self._flattening is not None:
            return flattened(value, self._flattening, size=len(utf8)) if is_plain(utf8) else None
        if is_plain(utf8) or (not self._named and b"-0" not in utf8 and self._simple(value)):
            return value
        return None

    def _texts(self, utf8: bytes) -> Mapping[str, str]:
        """The record's fields, each value in its own words."""
        text = compact(utf8).decode()
        if self._flattening is not None:
            return flat_members(text, self._flattening, size=len(utf8))
        return dict(members(text))

    def _unlisted(self, row: int, fields: Mapping[str, object]) -> Rejection | None:
        if self._extra != "reject" or fields.keys() <= self._known:
            return None
        name = next(key for key in fields if key not in self._known)
        message = f"the record has a field {name!r} that the schema does not list"
        return Rejection(row, Stage.VALIDATE, RejectCode.EXTRA_COLUMN, message, name)

    def _simple(self, value: dict[str, object]) -> bool:
        """Whether orjson's values say all the text says: no number it may have rounded, no nested value to keep."""
        for name in value if self._extra == "keep" else self._listed:
            kind = type(value.get(name))
            if kind not in _EXACT and not (kind is float and name in self._floats):
                return False
        return True

    def _plain_row(self, row: int, fields: Mapping[str, object]) -> dict[str, str | None] | Rejection | None:
        """From values that say all their text says; None if orjson reads one so deep as it does not write."""
        if (unlisted := self._unlisted(row, fields)) is not None:
            return unlisted
        found: dict[str, str | None] = {}
        try:
            for name in self._listed:
                value = fields.get(name)
                if type(value) is str or value is None:
                    found[name] = value
                elif isinstance(value, dict | list):
                    return _nested(row, name, orjson.dumps(value).decode())
                else:
                    found[name] = _simple_text(value)
            for name in self._named:
                if name in fields:
                    raw = orjson.dumps(fields[name]).decode()
                    found[name], found[RAW + name] = text_of(raw), raw
            if self._extra == "keep":
                rest = {key: kept for key, kept in fields.items() if key not in self._known and key not in self._taken}
                found[REST] = orjson.dumps(rest)[1:-1].decode()
        except orjson.JSONEncodeError:
            return None
        return found

    def _exact_row(self, row: int, texts: Mapping[str, str]) -> dict[str, str | None] | Rejection:
        if (unlisted := self._unlisted(row, texts)) is not None:
            return unlisted
        found: dict[str, str | None] = {}
        rest = []
        for key, value in texts.items():
            if key not in self._known:
                if key not in self._taken:
                    rest.append((key, value))
                continue
            found[key] = text_of(value)
            if key in self._named:
                found[RAW + key] = value
        for name in self._listed:
            text = texts.get(name, "")
            if text.startswith(("{", "[")):
                return _nested(row, name, text)
        if self._extra == "keep":
            found[REST] = joined(rest)
        return found


class _Rows:
    """Records of a block as they are taken, in order.

    Attributes:
        columns: for each listed field the values' JSON, see `Fields.take`.
        rests: number among the kept → fields nobody listed, where there are some.
        kept: how many are in the columns.
        rejects: the others.
        odd: how many were looked at one by one.
    """

    def __init__(self, columns: list[list[bytes]]) -> None:
        self.columns = columns
        self.rests: dict[int, str] = {}
        self.kept = self.odd = 0
        self.rejects: list[Rejection] = []

    @property
    def read(self) -> int:
        return self.kept + len(self.rejects)

    def add(self, values: list[bytes], count: int) -> None:
        for column, part in zip(self.columns, values, strict=True):
            column.append(part)
        self.kept += count

    def reject(self, one: Rejection) -> None:
        self.rejects.append(one)

    def numbers(self) -> list[int]:
        """Of the kept among all."""
        rejected = {reject.row for reject in self.rejects}
        return [row for row in range(self.read) if row not in rejected]


def _nested(row: int, name: str, text: str) -> Rejection:
    kind = "an object" if text.startswith("{") else "an array"
    message = f"{name} holds {kind}, and the schema lists it as one value"
    return Rejection(row, Stage.VALIDATE, RejectCode.BAD_TYPE, message, name, text)


def _simple_text(value: object) -> str | None:
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)

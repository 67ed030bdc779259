"""JSON in, JSON Lines out, and nobody looks inside: each record's own text goes through, the enrichment spliced in.

So nested values, big integers, exact decimals and the order of keys are what they were.
"""

from collections.abc import Sequence
from typing import Any

import orjson

from haulier.contracts.dataset import Enrichment
from worker.records.block import Block
from worker.records.json_text import compact, joined, members
from worker.records.json_values import WHITE, JsonPlaces, checked, guessed_objects, to_utf8, values
from worker.records.rejects import Rejection

_OPEN, _CLOSE = b"{}"


class JsonSplicer:
    """Splices blocks of one object.

    Args:
        lines: JSON Lines; otherwise values cut from an array.
        enrich: names asked for, in order.
        fixed: the values that are the same for all records.
        encoding: a Python codec name.
        limit: bytes of the longest record.
    """

    def __init__(
        self, *, lines: bool, enrich: Sequence[Enrichment], fixed: dict[str, str], encoding: str, limit: int
    ) -> None:
        self._lines, self._encoding, self._limit = lines, encoding, limit
        self._names = frozenset(enrich)
        added = [orjson.dumps(name) + b":" + (orjson.dumps(fixed[name]) if name in fixed else b"") for name in enrich]
        at = next((at for at, name in enumerate(enrich) if name not in fixed), None)
        """Where the offset goes: after the member that has no value yet."""
        self._before_offset = b",".join(added if at is None else added[: at + 1])
        self._after_offset = None if at is None else b"".join(b"," + member for member in added[at + 1 :])

    def splice(self, block: Block) -> tuple[bytes, int, int, JsonPlaces, list[Rejection]]:
        """(JSON Lines, records read, records written, their places, rejects)."""
        if self._after_offset is None and len(block.data) <= self._limit and self._is_utf8(block.data):
            if self._lines:
                return self._spliced_lines(block)
            if (out := self._spliced_objects(block.data)) is not None:
                return self._closed(out), len(out), len(out), self._places(block), []
        return self._one_by_one(block)

    def _is_utf8(self, data: bytes) -> bool:
        return self._encoding.startswith("utf-") or data.isascii()

    def _places(self, block: Block, spans: list[tuple[int, int]] | None = None) -> JsonPlaces:
        return JsonPlaces(block, lines=self._lines, limit=self._limit, encoding=self._encoding, spans=spans)

    def _may_name(self, data: bytes) -> bool:
        """Whether a record may have a field that the enrichment gives; an escape may spell any name."""
        return b"\\" in data or any(name.encode() in data for name in self._names)

    def _spliced_lines(self, block: Block) -> tuple[bytes, int, int, JsonPlaces, list[Rejection]]:
        """Lines of which nothing is wanted but that they are JSON objects, and of those that are odd, all else."""
        data = block.data
        plain = not self._may_name(data) and b"\r" not in data
        comma = b"," if self._names else b""
        out: list[bytes] = []
        rejects: list[Rejection] = []
        for line in data.split(b"\n"):
            try:
                value = orjson.loads(line)
            except orjson.JSONDecodeError:
                value = None
            # An empty object has no member to put a comma after; a line may begin and end with white space.
            if plain and type(value) is dict and value and line[0] == _OPEN and line[-1] == _CLOSE:
                out.append(line[:-1] + comma)
            elif text := line.strip(WHITE):
                checked_one = self._checked(len(out) + len(rejects), text, len(line))
                if isinstance(checked_one, Rejection):
                    rejects.append(checked_one)
                else:
                    out.append(checked_one)
        return self._closed(out), len(out) + len(rejects), len(out), self._places(block), rejects

    def _spliced_objects(self, data: bytes) -> list[bytes] | None:
        """As `_spliced_lines`, of objects cut from an array by a guess; None if it was wrong."""
        plain = not self._may_name(data)
        broken = b"\n" in data or b"\r" in data
        comma = b"," if self._names else b""
        out: list[bytes] = []
        for text in guessed_objects(data):
            try:
                value = orjson.loads(text)
            except orjson.JSONDecodeError:
                return None
            if type(value) is not dict or text[0] != _OPEN:
                return None
            if plain and value:
                out.append((compact(text) if broken else text)[:-1] + comma)
            else:
                out.append(self._opened(value, compact(text)))
        return out

    def _checked(self, row: int, text: bytes, size: int) -> bytes | Rejection:
        """A record's beginning, see `_opened`; or why there is none."""
        utf8 = to_utf8(text, self._encoding)
        value = checked(row, utf8, size, self._limit)
        if isinstance(value, Rejection):
            return value
        return self._opened(value, compact(utf8) if not self._lines or b"\r" in utf8 else utf8)

    def _opened(self, value: dict[str, Any], utf8: bytes) -> bytes:
        """A record without its closing brace, ready for the enrichment."""
        if not self._names.isdisjoint(value):
            kept = [pair for pair in members(utf8.decode()) if pair[0] not in self._names]
            value, utf8 = dict(kept), b"{" + joined(kept).encode() + b"}"
        # An empty object has no member to put a comma after.
        return utf8[:-1] + b"," if value and self._names else utf8[:-1]

    def _one_by_one(self, block: Block) -> tuple[bytes, int, int, JsonPlaces, list[Rejection]]:
        spans: list[tuple[int, int]] = []
        rejects: list[Rejection] = []
        out: list[bytes] = []
        rows: list[int] = []
        for row, (start, text, size) in enumerate(values(block, lines=self._lines, limit=self._limit)):
            spans.append((start, start + len(text)))
            opened = self._checked(row, text, size)
            if isinstance(opened, Rejection):
                rejects.append(opened)
                continue
            out.append(opened)
            rows.append(row)
        places = self._places(block, spans)
        if self._after_offset is None:
            return self._closed(out), len(spans), len(rows), places, rejects
        before, after = self._before_offset, self._after_offset + b"}\n"
        lines = b"".join(
            b"".join((line, before, b"%d" % offset, after))
            for line, offset in zip(out, places.offsets(rows), strict=True)
        )
        return lines, len(spans), len(rows), places, rejects

    def _closed(self, out: list[bytes]) -> bytes:
        """The lines with their enrichment behind them, which is the same for all."""
        end = self._before_offset + b"}\n"
        return end.join([*out, b""])

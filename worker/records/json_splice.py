"""JSON in, JSON Lines out, and nobody looks inside: each record's own text goes through, the enrichment spliced in.

So nested values, big integers, exact decimals and the order of keys are what they were.
"""

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec
import orjson

from haulier.contracts.dataset import Enrichment
from worker.records.block import Block
from worker.records.json_text import compact, joined, members
from worker.records.json_values import WHITE, JsonPlaces, Spans, checked, to_utf8, values
from worker.records.json_whole import are_objects, evenly, lines_of, may_be_wrong, taken, whole_lines, whole_values
from worker.records.rejects import Rejection

_EMPTY = re.compile(rb"\{[ \t]*+\}\n")
"""A line that ends with an empty object is one, if it is an object: what is around it would close behind it."""
_LETTER = re.compile(rb"\\u00[5-7]")
"""Letters and the underscore, which names of the enrichment consist of."""


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
            if raws := whole_values(block.data, sure=False):
                return self._spliced_values(block, raws)
        return self._one_by_one(block)

    def _is_utf8(self, data: bytes) -> bool:
        return self._encoding.startswith("utf-") or data.isascii()

    def _places(self, block: Block, spans: Spans | None = None) -> JsonPlaces:
        return JsonPlaces(block, lines=self._lines, limit=self._limit, encoding=self._encoding, spans=spans)

    def _may_name(self, data: bytes) -> bool:
        """Whether a record may have a field that the enrichment gives; an escape may spell any letter of a name."""
        return any(name.encode() in data for name in self._names) or _LETTER.search(data) is not None

    def _spliced_lines(self, block: Block) -> tuple[bytes, int, int, JsonPlaces, list[Rejection]]:
        """Lines of which nothing is wanted but that they are JSON objects, and of those that are odd, all else."""
        # Nothing of a line end is written, and a lone CR between values is no line's end.
        data = block.data.replace(b"\r\n", b"\n") if b"\r" in block.data else block.data
        take = partial(self._whole_objects, sure=not may_be_wrong(data))
        text, written, rejects = self._through(data, take)
        return text, written + len(rejects), written, self._places(block), rejects

    def _spliced_values(
        self, block: Block, raws: list[msgspec.Raw]
    ) -> tuple[bytes, int, int, JsonPlaces, list[Rejection]]:
        """As `_spliced_lines`, of values cut from an array."""
        lines = lines_of(raws, compact)
        text, written, rejects = self._through(lines, self._known_objects)
        return text, len(raws), written, self._places(block, lambda: evenly(block.data, raws)), rejects

    def _through(
        self, lines: bytes, take: Callable[[bytes], tuple[bytes, int] | None]
    ) -> tuple[bytes, int, list[Rejection]]:
        """(the lines with their enrichment, how many, rejects)."""
        out: list[bytes] = []
        rejects: list[Rejection] = []
        written = 0
        for piece, found in taken(lines, take):
            if found is not None:
                out.append(found[0])
                written += found[1]
                continue
            slow: list[bytes] = []
            for line in piece.split(b"\n"):
                if text := line.strip(WHITE):
                    checked_one = self._checked(written + len(slow) + len(rejects), text, len(line))
                    if isinstance(checked_one, Rejection):
                        rejects.append(checked_one)
                    else:
                        slow.append(checked_one)
            out.append(self._closed(slow))
            written += len(slow)
        return b"".join(out), written, rejects

    def _whole_objects(self, lines: bytes, *, sure: bool) -> tuple[bytes, int] | None:
        """Lines with their enrichment, and how many, if all are JSON objects and none is odd."""
        count = whole_lines(lines, sure=sure) if b"\r" not in lines else None
        return self._closed_objects(lines, count) if count is not None else None

    def _known_objects(self, lines: bytes) -> tuple[bytes, int] | None:
        """As `_whole_objects`, of lines that are JSON."""
        count = lines.count(b"\n")
        return self._closed_objects(lines, count) if are_objects(lines, count) else None

    def _closed_objects(self, lines: bytes, count: int) -> tuple[bytes, int] | None:
        """As `_whole_objects`, of `count` lines that are objects."""
        lines = lines if lines.endswith(b"\n") else lines + b"\n"
        if not self._names:
            return lines, count
        if self._may_name(lines) or _EMPTY.search(lines) is not None:
            return None
        return lines.replace(b"}\n", b"," + self._before_offset + b"}\n"), count

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
        places = self._places(block, lambda: spans)
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

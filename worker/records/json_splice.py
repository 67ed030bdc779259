"""JSON in, JSON Lines out, and nobody looks inside: each record's own text goes through, the enrichment spliced in.

So nested values, big integers, exact decimals and the order of keys are what they were.
"""

from collections.abc import Sequence

import orjson

from haulier.contracts.dataset import Enrichment
from worker.records.block import Block
from worker.records.json_text import compact, joined, members
from worker.records.json_values import JsonPlaces, checked, to_utf8, values
from worker.records.rejects import Rejection


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
        spans: list[tuple[int, int]] = []
        rejects: list[Rejection] = []
        out: list[bytes] = []
        rows: list[int] = []
        names = self._names
        for row, (start, text, size) in enumerate(values(block, lines=self._lines, limit=self._limit)):
            spans.append((start, start + len(text)))
            utf8 = to_utf8(text, self._encoding)
            value = checked(row, utf8, size, self._limit)
            if isinstance(value, Rejection):
                rejects.append(value)
                continue
            if not self._lines or b"\r" in utf8:
                utf8 = compact(utf8)
            if not names.isdisjoint(value):
                kept = [pair for pair in members(utf8.decode()) if pair[0] not in names]
                value, utf8 = dict(kept), b"{" + joined(kept).encode() + b"}"
            # An empty object has no member to put a comma after.
            out.append(utf8[:-1] + b"," if value and names else utf8[:-1])
            rows.append(row)
        places = JsonPlaces(block, spans, self._encoding)
        return self._closed(out, places, rows), len(spans), len(rows), places, rejects

    def _closed(self, out: list[bytes], places: JsonPlaces, rows: list[int]) -> bytes:
        """The lines with their enrichment behind them."""
        if not out:
            return b""
        if self._after_offset is None:
            end = self._before_offset + b"}\n"
            return end.join(out) + end
        before, after = self._before_offset, self._after_offset + b"}\n"
        offsets = places.offsets(rows)
        return b"".join(
            b"".join((line, before, b"%d" % offset, after)) for line, offset in zip(out, offsets, strict=True)
        )

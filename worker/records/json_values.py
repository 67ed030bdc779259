"""The records of a block of JSON: each one's place, and whether it is a JSON object.

What is an object is orjson's judgement: strict JSON in UTF-8, no NaN, no Infinity, no lone surrogates.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

import orjson

from haulier.contracts.reject import RejectCode, Stage
from worker.records.block import Block, too_long
from worker.records.rejects import Rejection
from worker.records.spans import LF, byte_series
from worker.records.structure import value_spans
from worker.records.transcode import raw_length

WHITE = b" \t\r\n"
Spans = Callable[[], list[tuple[int, int]] | None]
_SPACE = 0x20


class JsonPlaces:
    """See `parsed.Places`.

    Args:
        block: where the records are.
        lines: JSON Lines; otherwise values cut from an array.
        limit: bytes of the longest record.
        encoding: a Python codec name.
        spans: gives (start, end) of the records in the block when they are asked for; they are found anew if it is not
            given, or gives None.
    """

    def __init__(self, block: Block, *, lines: bool, limit: int, encoding: str, spans: Spans | None = None) -> None:
        self._block, self._lines, self._limit, self._encoding = block, lines, limit, encoding
        self._given = spans

    @cached_property
    def _spans(self) -> "list[tuple[int, int]] | LineSpans":
        given = self._given() if self._given is not None else None
        if given is not None:
            return given
        data = self._block.data
        if self._lines and len(data) <= self._limit and (plain := line_spans(data)) is not None:
            return plain
        found = values(self._block, lines=self._lines, limit=self._limit)
        return [(start, start + len(text)) for start, text, _ in found]

    def offsets(self, rows: Sequence[int]) -> list[int]:
        starts = [self._spans[row][0] for row in rows]
        if not self._encoding.startswith("utf-16"):
            return [self._block.offset + start for start in starts]
        offsets, at, offset = [], 0, self._block.offset
        for start in starts:
            offset += raw_length(self._block.data[at:start])
            at = start
            offsets.append(offset)
        return offsets

    def raw(self, row: int) -> bytes:
        start, end = self._spans[row]
        return self._block.data[start:end]


def values(block: Block, *, lines: bool, limit: int) -> Iterator[tuple[int, bytes, int]]:
    """(start in the block, text, size in bytes) of each value; blank lines and white space around values are left out.

    The size is what `limit` is held against, as the cutters measure it: a line's with its line end and all white space.
    A line longer than that is given as it is.
    """
    if not lines:
        for start, end in value_spans(block.data):
            yield start, block.data[start:end], end - start
        return
    at = 0
    for line in block.data.split(b"\n"):
        size = min(len(line) + 1, len(block.data) - at)
        if size > limit:
            yield at, line, size
        elif text := line.strip(WHITE):
            yield (at if line[0] not in WHITE else at + len(line) - len(line.lstrip(WHITE))), text, size
        at += len(line) + 1


class LineSpans:
    """(start, end) of the values of lines of which none is blank or begins with white space.

    Args:
        data: the lines.
        starts: where each begins, and one past the end of the last one's line.
    """

    def __init__(self, data: bytes, starts: list[int]) -> None:
        self._data, self._starts = data, starts

    def __getitem__(self, row: int) -> tuple[int, int]:
        start, end = self._starts[row], self._starts[row + 1]
        return start, start + len(self._data[start:end].rstrip(WHITE))


def line_spans(data: bytes) -> LineSpans | None:
    """The lines' values; None if one is blank or begins with white space."""
    series = byte_series(data)
    starts = (series == LF).arg_true() + 1
    if len(starts) and starts[-1] == len(data):
        starts = starts.slice(0, len(starts) - 1)
    if not data or data[0] in WHITE or (series.gather(starts) <= _SPACE).any():
        return None
    return LineSpans(data, [0, *starts.to_list(), len(data)])


def to_utf8(text: bytes, encoding: str) -> bytes:
    """A value's text in UTF-8; what cannot be decoded stays, and is refused as JSON."""
    if encoding in ("utf-8", "utf-16-le", "utf-16-be") or text.isascii():
        return text
    try:
        return text.decode(encoding).encode()
    except UnicodeDecodeError:
        return text


def checked(row: int, text: bytes, size: int, limit: int) -> dict[str, Any] | Rejection:
    """The object, or why it is none; `size` is the record's in the object, `text` is UTF-8."""
    if size > limit:
        fault = too_long(limit)
        return Rejection(row, Stage.READ, fault.code, fault.message)
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as wrong:
        return _refused(row, text, wrong)
    if type(value) is dict:
        return value
    return Rejection(row, Stage.PARSE, RejectCode.NOT_AN_OBJECT, f"the record is a JSON {_kind(value)}, not an object")


def _refused(row: int, text: bytes, wrong: orjson.JSONDecodeError) -> Rejection:
    try:
        text.decode()
    except UnicodeDecodeError:
        return Rejection(row, Stage.PARSE, RejectCode.BAD_ENCODING, "the record holds bytes that are not UTF-8")
    # orjson has no code for it, only words, and not the same ones in all its releases.
    code = RejectCode.TOO_DEEP if "ecursion" in wrong.msg or "depth" in wrong.msg else RejectCode.BAD_JSON
    return Rejection(row, Stage.PARSE, code, f"the record is not JSON: {wrong.msg} (character {wrong.pos + 1})")


def _kind(value: object) -> str:
    if value is None:
        return "null"
    return {list: "array", str: "string", bool: "boolean"}.get(type(value), "number")

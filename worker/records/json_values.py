"""The records of a block of JSON: each one's place, and whether it is a JSON object.

What is an object is orjson's judgement: strict JSON in UTF-8, no NaN, no Infinity, no lone surrogates.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from haulier.contracts.reject import RejectCode, Stage
from worker.records.block import Block, too_long
from worker.records.rejects import Rejection
from worker.records.structure import value_spans
from worker.records.transcode import raw_length

_WHITE = b" \t\r\n"


class JsonPlaces:
    """See `parsed.Places`."""

    def __init__(self, block: Block, spans: list[tuple[int, int]], encoding: str) -> None:
        self._block, self._spans, self._encoding = block, spans, encoding

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
        elif text := line.strip(_WHITE):
            yield (at if line[0] not in _WHITE else at + len(line) - len(line.lstrip(_WHITE))), text, size
        at += len(line) + 1


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
    code = RejectCode.TOO_DEEP if "ecursion" in wrong.msg else RejectCode.BAD_JSON
    return Rejection(row, Stage.PARSE, code, f"the record is not JSON: {wrong.msg} (character {wrong.pos + 1})")


def _kind(value: object) -> str:
    if value is None:
        return "null"
    return {list: "array", str: "string", bool: "boolean"}.get(type(value), "number")

"""The records of a block of JSON: each one's place, and whether it is a JSON object.

What is an object is orjson's judgement: strict JSON in UTF-8, no NaN, no Infinity, no lone surrogates.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import orjson

from haulier.contracts.reject import RejectCode, Stage
from worker.records.block import Block, too_long
from worker.records.rejects import Rejection
from worker.records.structure import value_spans
from worker.records.transcode import raw_length

WHITE = b" \t\r\n"
_BETWEEN = re.compile(rb"\}[ \t\r\n]*,?[ \t\r\n]*\{")


class JsonPlaces:
    """See `parsed.Places`.

    Args:
        block: where the records are.
        lines: JSON Lines; otherwise values cut from an array.
        limit: bytes of the longest record.
        encoding: a Python codec name.
        spans: (start, end) of the records in the block; found when they are asked for, if not given.
    """

    def __init__(
        self, block: Block, *, lines: bool, limit: int, encoding: str, spans: list[tuple[int, int]] | None = None
    ) -> None:
        self._block, self._lines, self._limit, self._encoding = block, lines, limit, encoding
        self._given = spans

    @cached_property
    def _spans(self) -> list[tuple[int, int]]:
        if self._given is not None:
            return self._given
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


def guessed_objects(data: bytes) -> list[bytes]:
    """The objects of a block cut from an array, if what stands between the first two of them stands between all, and
    nowhere else. If each is a JSON object they are the block's values: where a JSON value ends is never in doubt. If
    one is not, the guess says nothing.
    """
    found = _BETWEEN.search(data)
    if found is None:
        return [data]
    inner = data.split(found.group())
    return [inner[0] + b"}", *(b"{" + text + b"}" for text in inner[1:-1]), b"{" + inner[-1]]


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

"""Many JSON records checked at once, in C and without making a value of any.

msgspec finds where values end as strictly as orjson, but for three things: it lets bytes pass that are not UTF-8 and
numbers that no double holds, and its depth is another one (`tests/unit/records/test_json_whole.py` compares the two).
Whatever might be one of these is not sure, and is looked at the slow way: records that are refused here are no rejects
yet, and the two ways may never give different answers.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import TypeVar

import msgspec
import polars as pl

from worker.records.json_values import WHITE

_PIECE = 128 * 1024
"""Bytes that are taken at once: what is made of them stays in the processor's cache, and one broken record among them
does not cost much.
"""
_FEW = 2048
_PARTS = 8
"""A piece of more than so many bytes that cannot be taken is parted in so many, so that few records go the slow way."""
_DEEP = 1000
"""orjson reads 1024 levels."""
_RUN, _SAMPLED = 200, 16
"""Two digits of an exponent behind fewer digits than the first make no number above 1e300; one byte in as many as the
second is looked at to see whether there is such a run."""
_EXPONENT = r"[0-9][eE][+-]?[0-9]{3}"
_AS_ZERO = bytes.maketrans(b"123456789.", b"0" * 10)
_ZEROS = b"0" * (_RUN // _SAMPLED - 1)
_HUGE = re.compile(rb"[:,\[ \t\r\n]-?[0-9][0-9.]*+(?:[eE][+-]?[0-9]{3}|(?<=[0-9.]{%d}))" % _RUN)
_TRIES, _GAP = 4, 64
"""How many braces may be objects' within the last record; bytes of white space that are skipped after one."""
Found = TypeVar("Found")
_raws = msgspec.json.Decoder(list[msgspec.Raw])


def pieces(data: bytes, size: int = _PIECE) -> Iterator[bytes]:
    """Lines, some `size` bytes at a time, each piece up to a line's end."""
    at = 0
    while at < len(data):
        end = data.find(b"\n", at + size - 1) + 1 or len(data)
        yield data[at:end]
        at = end


def taken(data: bytes, take: Callable[[bytes], Found | None]) -> Iterator[tuple[bytes, Found | None]]:
    """(some lines, what `take` gives for them), in order; where it gives None they are few."""
    todo = [*pieces(data)][::-1]
    while todo:
        piece = todo.pop()
        found = take(piece)
        if found is None and len(piece) > _FEW:
            parts = [*pieces(piece, len(piece) // _PARTS)]
            if len(parts) > 1:
                todo += parts[::-1]
                continue
        yield piece, found


def whole_lines(lines: bytes, *, sure: bool) -> int | None:
    """How many records there are, if each line is a JSON object and nothing else; None if that is not sure.

    Args:
        lines: some.
        sure: `may_be_wrong` was False for them.
    """
    body = lines.removesuffix(b"\n")
    raws = whole_values(body.replace(b"\n", b","), sure=sure)
    # A value may have gone on over a line's end, or ended before it: then these are not the same bytes.
    return len(raws) if raws and b"\n".join(raws) == body and are_objects(lines, len(raws)) else None


def whole_values(text: bytes, *, sure: bool) -> list[msgspec.Raw] | None:
    """The values that stand in `text` with commas between them; None if it is not sure that there are such."""
    try:
        raws = _raws.decode(b"[%b]" % text)
    except (ValueError, RecursionError):
        return None
    # So many brackets that open and close take twice as many bytes.
    deep = max(map(len, raws), default=0) > 2 * _DEEP and any(map(_may_be_deep, raws))
    return None if deep or (not sure and may_be_wrong(text)) else raws


def likely_boundary(window: bytes) -> int:
    """Where one of the last objects in text that begins with a value ends: what is before it is JSON, and a comma
    follows; -1 if none is found with few tries. It depends on nothing but the text.
    """
    end = len(window)
    for _ in range(_TRIES):
        close = window.rfind(b"}", 0, end)
        if close < 0:
            break
        if window[close + 1 : close + 1 + _GAP].lstrip(WHITE).startswith(b","):
            try:
                _raws.decode(b"[%b]" % window[: close + 1])
            except (ValueError, RecursionError):
                pass
            else:
                return close + 1
        end = close
    return -1


def lines_of(raws: Sequence[msgspec.Raw], compact: Callable[[bytes], bytes]) -> bytes:
    """Values as one line each.

    Args:
        raws: valid JSON.
        compact: puts one that has line breaks on one line.
    """
    body = b"\n".join(raws)
    if body.count(b"\n") != len(raws) - 1 or b"\r" in body:
        body = b"\n".join([compact(bytes(raw)) for raw in raws])
    return body + b"\n"


def evenly(data: bytes, raws: Sequence[msgspec.Raw]) -> list[tuple[int, int]] | None:
    """(start, end) of the values in `data`, if the same stands between all of them and nothing around them."""
    sizes = [len(raw) for raw in raws]
    between = data[sizes[0] : data.find(b"{", sizes[0])] if len(raws) > 1 else b""
    if between.join(raws) != data:
        return None
    ends = accumulate(size + len(between) for size in sizes)
    return [(end - size - len(between), end - len(between)) for size, end in zip(sizes, ends, strict=True)]


def may_be_wrong(text: bytes) -> bool:
    """Whether there is a byte that is not UTF-8, or may be a number that no double holds."""
    try:
        suspect = pl.Series([text]).cast(pl.String).str.contains(_EXPONENT).any()
    except pl.exceptions.ComputeError:
        return True
    # A run of digits leaves its digits among the bytes that are looked at, one after another.
    return bool(suspect or _ZEROS in text[::_SAMPLED].translate(_AS_ZERO)) and _HUGE.search(b"," + text) is not None


def are_objects(lines: bytes, count: int) -> bool:
    """Whether `count` lines of JSON all are objects: no other value ends with a brace."""
    return lines.count(b"}\n") + (not lines.endswith(b"\n") and lines.endswith(b"}")) == count


def _may_be_deep(raw: msgspec.Raw) -> bool:
    record = bytes(raw)
    return record.count(b"[") + record.count(b"{") > _DEEP

"""JSON text taken apart without reading its numbers: integers of any size and decimals go out as they came."""

import json
import re

_WHITE = re.compile(r"[ \t\r\n]*+")
_BREAKS = re.compile(rb'("[^"\\]*+(?:\\.[^"\\]*+)*+")|[ \t\r\n]++', re.DOTALL)
_TOKENS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\]]', re.DOTALL)
_DOUBTFUL = re.compile(
    rb"[:,\[ \t\r\n](?:-?(?:[0-9.]{17}|[0-9.]++[eE]|[0-9]++\.[0-9]*0(?![0-9eE])(?<!\.0)|0\.0000)|-0(?![0-9.]))"
)
_decode = json.JSONDecoder(parse_float=str, parse_int=str).raw_decode


def is_plain(raw: bytes) -> bool:
    """Whether every number of the record is written as its value is written anew, so that it may be read: integers of
    at most 16 digits, decimals of at most 15, without exponent, needless zeros or a negative zero. What looks otherwise
    within a string only costs time.
    """
    return _DOUBTFUL.search(raw) is None


def members(text: str) -> list[tuple[str, str]]:
    """(key, value's own text) of the object in `text`, which is valid JSON; of a repeated key the last one, where the
    first one stood.
    """
    found: dict[str, str] = {}
    at = skip(text, text.index("{") + 1)
    while text[at] != "}":
        key, at = key_at(text, at)
        end = end_of(text, at)
        found[key] = text[at:end]
        at = skip(text, end)
        if text[at] == ",":
            at = skip(text, at + 1)
    return list(found.items())


def key_at(text: str, at: int) -> tuple[str, int]:
    """The key that begins at `at`, and where its value begins."""
    key, at = _decode(text, at)
    return key, skip(text, skip(text, at) + 1)


def joined(pairs: list[tuple[str, str]]) -> str:
    """Members as they stand between the braces of an object."""
    return ",".join(f"{json.dumps(key, ensure_ascii=False)}:{value}" for key, value in pairs)


def compact(raw: bytes) -> bytes:
    """Valid JSON on one line: white space outside strings is left out if there is a line break among it."""
    if b"\n" not in raw and b"\r" not in raw:
        return raw
    return _BREAKS.sub(rb"\1", raw)


def json_text(value: str | float | bool) -> str:
    """A value as JSON."""
    return json.dumps(value, ensure_ascii=False)


def text_of(value: str) -> str | None:
    """A member's text as a column of text holds it: a string's characters, null as null, all else as JSON."""
    if value.startswith('"'):
        return str(json.loads(value))
    return None if value == "null" else value


def end_of(text: str, at: int) -> int:
    """Where the value ends that begins at `at`."""
    try:
        return _decode(text, at)[1]
    except RecursionError:
        # orjson takes deeper values than the standard library does, and how deep that goes depends on the caller.
        depth = 0
        for token in _TOKENS.finditer(text, at):
            depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token.group(), 0)
            if depth == 0:
                return token.end()
        raise


def skip(text: str, at: int) -> int:
    """Where something stands again, from `at` on."""
    match = _WHITE.match(text, at)
    return match.end() if match else at

"""JSON text taken apart without reading its numbers: integers of any size and decimals go out as they came."""

import json
import re

_WHITE = re.compile(r"[ \t\r\n]*+")
_BREAKS = re.compile(rb'("[^"\\]*+(?:\\.[^"\\]*+)*+")|[ \t\r\n]++', re.DOTALL)
_TOKENS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\]]', re.DOTALL)
_decode = json.JSONDecoder(parse_float=str, parse_int=str).raw_decode


def members(text: str) -> list[tuple[str, str]]:
    """(key, value's own text) of the object in `text`, which is valid JSON; of a repeated key the last one, where the
    first one stood.
    """
    found: dict[str, str] = {}
    at = _skip(text, text.index("{") + 1)
    while text[at] != "}":
        key, at = _decode(text, at)
        at = _skip(text, _skip(text, at) + 1)
        end = _end(text, at)
        found[key] = text[at:end]
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return list(found.items())


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


def _end(text: str, at: int) -> int:
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


def _skip(text: str, at: int) -> int:
    match = _WHITE.match(text, at)
    return match.end() if match else at

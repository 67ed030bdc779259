"""What text looks like: JSON values, lines of them, or fields with a delimiter. Guesses, over an object's head only."""

import json
from typing import Literal

from haulier.contracts.dataset import Format
from haulier.jobs.delimited import Dialect

CANDIDATES = (",", "\t", ";", "|")
_SAMPLE_RECORDS = 50
_CONSISTENT = 0.8

Shape = Literal["jsonl", "json"]


def shape_of(text: bytes, *, complete: bool) -> Shape | None:
    """`jsonl` if the first lines are JSON objects of their own, `json` if one JSON value begins, None if neither.

    One object alone on one line is both; it is called `jsonl`, which reads it the same and can be cut.
    """
    body = text.lstrip(b" \t\r\n\x0b\x0c")
    if not body.startswith((b"{", b"[")):
        return None
    first, _, rest = body.partition(b"\n")
    whole_line = complete or rest != b""
    if whole_line and (value := _parsed(first)) is not None:
        if isinstance(value, dict):
            return "jsonl" if rest.lstrip()[:1] in (b"", b"{") else None
        return "jsonl" if rest.lstrip()[:1] == b"[" else "json"
    if complete:
        return _complete_shape(body)
    return _open_shape(body)


def _complete_shape(body: bytes) -> Shape | None:
    if _parsed(body) is not None:
        return "json"
    if not _begins_json(body):
        return None
    # A broken first line does not make one value out of lines that are values.
    return "jsonl" if body.startswith(b"{") and _any_line_is_an_object(body) else "json"


def _open_shape(body: bytes) -> Shape | None:
    if body.startswith(b"{") and _any_line_is_an_object(body):
        return "jsonl"
    if not _begins_json(body):
        return None
    # A first line longer than the head: one value, or lines of giants; the former reads both, in one stream.
    return "json"


def _any_line_is_an_object(body: bytes) -> bool:
    return any(isinstance(_parsed(line), dict) for line in body.split(b"\n", _SAMPLE_RECORDS)[1:_SAMPLE_RECORDS])


def _begins_json(body: bytes) -> bool:
    """Whether after the bracket comes what JSON allows there, so that `[draft] title,price` is no JSON."""
    after = body[1:].lstrip()[:1]
    if body.startswith(b"{"):
        return after in (b'"', b"}")
    return after in (b"{", b"[", b"]", b'"') or _number_or_word(body[1:].lstrip())


def _number_or_word(text: bytes) -> bool:
    word = text[:40].replace(b"]", b",").partition(b",")[0]
    return _parsed(b"[" + word + b"]") is not None


def _parsed(text: bytes) -> dict[str, object] | list[object] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict | list) else None


def looks_delimited(text: bytes, *, complete: bool, format_: Format) -> bool:
    """Whether some delimiter cuts the first records into the same number of fields, more than one."""
    candidates = (format_.delimiter,) if format_.delimiter else CANDIDATES
    scores = [_score(text, candidate, format_.quote, complete=complete) for candidate in candidates]
    return any(consistent >= _CONSISTENT and fields > 1 and records > 1 for consistent, fields, records in scores)


def sniff_delimiter(text: bytes, *, kind: str, complete: bool, format_: Format) -> tuple[str, str | None]:
    """The delimiter and a remark, if it is not what the name promised. The configured one if there is one.

    Each candidate is scored by the share of the first records that have as many fields as the first one; of two that
    are as consistent, the one that makes more fields.
    """
    if format_.delimiter is not None:
        return format_.delimiter, None
    promised = "\t" if kind == "tsv" else ","
    candidates = [promised, *(candidate for candidate in CANDIDATES if candidate != promised)]
    best, highest = promised, 0.0
    for candidate in candidates:
        consistent, fields, _ = _score(text, candidate, format_.quote, complete=complete)
        worth = consistent * (1 - 1 / (2 * fields)) if fields > 1 else 0.0
        if kind == "tsv" and candidate == promised and fields > 1:
            return promised, None
        if worth > highest:
            best, highest = candidate, worth
    if kind == "tsv" and best != promised:
        return best, f"named as tsv and delimited by {best!r}"
    return best, None


def _score(text: bytes, delimiter: str, quote: str, *, complete: bool) -> tuple[float, int, int]:
    """(share of records with as many fields as the first, its fields, records looked at)."""
    if delimiter == quote:
        return 0.0, 0, 0
    dialect = Dialect.of(delimiter, quote)
    counts: list[int] = []
    at = 0
    while at < len(text) and len(counts) < _SAMPLE_RECORDS:
        record = dialect.record_at(text, at)
        at = record.next
        if at >= len(text) and not complete and counts:
            break
        if not record.blank:
            counts.append(len(record.fields))
    if not counts:
        return 0.0, 0, 0
    return sum(count == counts[0] for count in counts) / len(counts), counts[0], len(counts)

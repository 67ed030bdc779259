"""A batch's list is read and cut into groups: some of it at a time, so that no call is bounded by its length.

A prefix goes on after the last key that was listed, an object that lists keys at the byte where its next line starts.
"""

import json
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from haulier.contracts.batch import BatchPin
from haulier.contracts.limits import (
    GROUP_BYTES,
    GROUP_MEMBERS,
    LEAST_GROUP_MEMBERS,
    MAX_KEY_BYTES,
    MIB,
    SECTION_BYTES,
    SECTION_MEMBERS,
)
from haulier.contracts.source import Source
from haulier.jobs.batch import Listed
from haulier.jobs.calls import Call, NotFound, PreconditionFailed, Steps

WINDOW_BYTES = 4 * MIB
"""Read at once of an object that lists keys; no line is nearly as long."""


class ListError(Exception):
    """The list cannot be read, now or later. `code` is short and stable, the text says what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class _Section:
    """What was found so far."""

    keys: dict[str, None] = field(default_factory=dict)
    size: int = 0
    folders: int = 0
    excluded: int = 0

    @property
    def full(self) -> bool:
        seen = len(self.keys) + self.folders + self.excluded
        return seen >= SECTION_MEMBERS or self.size >= SECTION_BYTES

    def add(self, key: str) -> None:
        if key not in self.keys:
            self.keys[key] = None
            self.size += len(key.encode())

    def listed(self, following: str | None) -> Listed:
        return Listed(grouped(tuple(self.keys)), self.folders, self.excluded, following)


def list_section(pin: BatchPin, start: str | None, excluded_suffixes: Sequence[str]) -> Steps[Listed]:
    """The next section of a batch's list.

    Args:
        pin: says what the members are.
        start: where to go on, as the section before says; None at the beginning.
        excluded_suffixes: objects under a prefix that end so are passed over; case does not matter. Keys that are named
            are members whatever they are called: their jobs say why they are refused.

    Raises:
        ListError: an object that lists keys is gone, another one, or holds what is no key.
    """
    if pin.keys is not None:
        return Listed(grouped(tuple(dict.fromkeys(pin.keys))))
    if pin.keys_object is not None:
        return (yield from _listed_keys(pin.keys_object, int(start or 0)))
    return (yield from _under_prefix(pin.bucket, pin.prefix or "", start, excluded_suffixes))


def _under_prefix(bucket: str, prefix: str, start: str | None, excluded_suffixes: Sequence[str]) -> Steps[Listed]:
    found = _Section()
    suffixes = tuple(suffix.lower() for suffix in excluded_suffixes)
    params: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix}
    while True:
        answer = yield Call("s3", "list_objects_v2", params | ({"StartAfter": start} if start else {}))
        keys = [entry["Key"] for entry in answer.get("Contents", [])]
        for key in keys:
            if key.endswith("/"):
                found.folders += 1
            elif suffixes and key.lower().endswith(suffixes):
                found.excluded += 1
            else:
                found.add(key)
        if not answer.get("IsTruncated"):
            return found.listed(None)
        if not keys:
            raise ConnectionError(f"s3://{bucket}/{prefix}: a page without keys says that more follow")
        start = keys[-1]
        if found.full:
            return found.listed(start)


def _listed_keys(source: Source, at: int) -> Steps[Listed]:
    found = _Section()
    while at < source.size:
        text = yield from _window(source, at)
        whole = at + len(text) >= source.size
        end = len(text) if whole else text.rfind(b"\n") + 1
        if end == 0:
            raise ListError("invalid_list", f"{source.uri}: the line at byte {at} is no key; write one key a line")
        if at == 0:
            text = text.replace(BOM_UTF8, b"\n" * len(BOM_UTF8), 1) if text.startswith(BOM_UTF8) else text
        for offset, line in _lines(text[:end]):
            found.add(_key_of_line(line, source, at + offset))
        at += end
        if found.full and at < source.size:
            return found.listed(str(at))
    return found.listed(None)


def _window(source: Source, at: int) -> Steps[bytes]:
    last = min(at + WINDOW_BYTES, source.size) - 1
    # As the planner does, the ETag is named and not the version.
    params = {
        "Bucket": source.bucket,
        "Key": source.key,
        "Range": f"bytes={at}-{last}",
        "IfMatch": f'"{source.etag}"',
    }
    try:
        answer = yield Call("s3", "get_object", params)
    except NotFound:
        raise ListError("source_gone", f"{source.uri} was deleted after the batch was accepted") from None
    except PreconditionFailed:
        changed = f"{source.uri} was written again after the batch was accepted: ask for the new list"
        raise ListError("source_changed", changed) from None
    if not str(answer.get("ContentRange") or "bytes 0-").startswith(f"bytes {at}-"):
        raise ConnectionError(f"{source.uri}: bytes {at}-{last} were asked for, {answer.get('ContentRange')} came")
    body: bytes = answer["Body"][: last + 1 - at]
    if len(body) != last + 1 - at:
        raise ConnectionError(f"{source.uri}: {len(body)} bytes came where {last + 1 - at} were asked for")
    return body


def _lines(text: bytes) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank, with their offsets."""
    at = 0
    for line in text.split(b"\n"):
        if line.strip():
            yield at, line.removesuffix(b"\r")
        at += len(line) + 1


def _key_of_line(line: bytes, source: Source, at: int) -> str:
    wrong = f"{source.uri}: the line at byte {at} is no key; write one key a line, as it is or as a JSON string"
    try:
        key = json.loads(line) if line.startswith(b'"') else line.decode()
        size = len(key.encode()) if isinstance(key, str) else 0
    except (ValueError, RecursionError):
        raise ListError("invalid_list", wrong) from None
    if not 0 < size <= MAX_KEY_BYTES:
        raise ListError("invalid_list", wrong)
    return str(key)


def grouped(keys: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Cuts a section into groups of up to 200 keys and 128 KiB; a short last one is shared out with the one before it,
    so that no group has fewer than 100 members but where keys are very long, or there are no more.
    """
    groups: list[list[str]] = []
    size = 0
    for key in keys:
        took = _json_bytes(key)
        if not groups or len(groups[-1]) >= GROUP_MEMBERS or size + took > GROUP_BYTES:
            groups.append([])
            size = 0
        groups[-1].append(key)
        size += took
    if len(groups) > 1 and len(groups[-1]) < LEAST_GROUP_MEMBERS:
        shared = _shared(groups[-2] + groups[-1])
        if all(sum(map(_json_bytes, group)) <= GROUP_BYTES for group in shared):
            groups[-2:] = shared
    return tuple(map(tuple, groups))


def _shared(keys: list[str]) -> list[list[str]]:
    """The keys of two groups as one, or as two of the same length."""
    half = (len(keys) + 1) // 2
    return [keys] if len(keys) < 2 * LEAST_GROUP_MEMBERS else [keys[:half], keys[half:]]


def _json_bytes(key: str) -> int:
    return len(json.dumps(key, ensure_ascii=False).encode()) + 1

"""What arrived on the intake queue, out of whatever it is wrapped in. Pure: text in, values out, and it never raises.

Known are S3 events (through EventBridge, or S3's native notification), either of them inside SNS and SQS envelopes, and
Haulier's own `Job Requested`. A native notification URL-encodes keys and EventBridge does not: each key is decoded
exactly once, here. Only creations start something; every other event about an object is passed over.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from pydantic import ValidationError

from haulier.contracts.errors import InvalidEvent
from haulier.contracts.events import EVENT_SOURCE, JOB_REQUESTED, JobRequested

MAX_KEY_BYTES = 1024
"""S3's limit for a key, in UTF-8 (S3 User Guide, "Naming Amazon S3 objects")."""
_MAX_DEPTH = 6
"""Envelopes in envelopes: SQS in SNS in SQS, and a body quoted once more, is four."""


@dataclass(frozen=True, slots=True)
class StorageEvent:
    """An object was written.

    Attributes:
        bucket: the bucket's name.
        key: the key, decoded.
        size: bytes, where the event says so.
        etag: without quotes, where the event says so.
        version_id: where the bucket keeps versions.
        sequencer: S3's order of events for one key, hexadecimal.
    """

    bucket: str
    key: str
    size: int | None = None
    etag: str | None = None
    version_id: str | None = None
    sequencer: str | None = None


Arrival = StorageEvent | JobRequested


@dataclass(frozen=True, slots=True)
class Opened:
    """An SQS body, opened.

    Attributes:
        arrivals: what is to be taken in; empty if the body is about nothing of ours (a test event, a deletion).
        problems: what could not be read, each with its reason; the arrivals beside it are good.
    """

    arrivals: tuple[Arrival, ...]
    problems: tuple[InvalidEvent, ...] = ()


def open_envelope(body: str) -> Opened:
    """Reads an SQS body to its last record."""
    found = list(_from_text(body, 0))
    return Opened(
        arrivals=tuple(one for one in found if not isinstance(one, InvalidEvent)),
        problems=tuple(one for one in found if isinstance(one, InvalidEvent)),
    )


_Found = Iterator[Arrival | InvalidEvent]


def _from_text(text: Any, depth: int) -> _Found:
    if not isinstance(text, str):
        yield InvalidEvent(f"an envelope holds a {_kind(text)} where its message should be text")
        return
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        yield InvalidEvent(f"the body is not JSON ({error})")
        return
    yield from _from_value(value, depth)


def _from_value(value: Any, depth: int) -> _Found:
    if depth > _MAX_DEPTH:
        yield InvalidEvent(f"envelopes are nested more than {_MAX_DEPTH} deep")
    elif isinstance(value, str):
        yield from _from_text(value, depth + 1)
    elif not isinstance(value, Mapping):
        yield InvalidEvent(f"the body is a JSON {_kind(value)}, not an object")
    elif value.get("Type") == "Notification":
        yield from _from_text(value.get("Message"), depth + 1)
    elif value.get("Type") == "SubscriptionConfirmation":
        yield InvalidEvent(
            f"SNS topic {value.get('TopicArn')} asks to confirm its subscription: visit the SubscribeURL in the body"
        )
    elif value.get("Event") == "s3:TestEvent":
        return
    elif "Records" in value:
        yield from _from_records(value["Records"], depth)
    elif "detail-type" in value:
        yield from _guarded(_from_eventbridge, value)
    else:
        yield InvalidEvent(
            "neither an S3 notification, an EventBridge event, nor either of them inside SNS or SQS; its fields are: "
            + (", ".join(sorted(map(str, value))[:10]) or "none")
        )


def _from_records(records: Any, depth: int) -> _Found:
    if not isinstance(records, list):
        yield InvalidEvent(f"Records is a JSON {_kind(records)}, not a list")
        return
    for record in records:
        if not isinstance(record, Mapping):
            yield InvalidEvent(f"a record is a JSON {_kind(record)}, not an object")
        elif isinstance(record.get("Sns"), Mapping):
            yield from _from_text(record["Sns"].get("Message"), depth + 1)
        elif "s3" in record:
            yield from _guarded(_from_notification, record)
        elif "body" in record:
            yield from _from_text(record["body"], depth + 1)
        else:
            source = record.get("eventSource", record.get("EventSource"))
            yield InvalidEvent(f"a record of {source!r} is neither S3's, SNS's nor SQS's")


def _guarded(reader: Any, value: Mapping[str, Any]) -> _Found:
    try:
        found = reader(value)
    except InvalidEvent as error:
        yield error
    else:
        if found is not None:
            yield found


def _from_notification(record: Mapping[str, Any]) -> StorageEvent | None:
    name = _text(record.get("eventName"), "eventName").removeprefix("s3:")
    if not name.startswith("ObjectCreated:"):
        return None
    s3 = _mapping(record["s3"], "s3")
    obj = _mapping(s3.get("object"), "s3.object")
    encoded = _text(obj.get("key"), "s3.object.key")
    try:
        key = unquote_plus(encoded, errors="strict")
    except UnicodeDecodeError as error:
        raise InvalidEvent(f"the key {encoded[:200]!r} is not URL-encoded UTF-8") from error
    return StorageEvent(
        bucket=_text(_mapping(s3.get("bucket"), "s3.bucket").get("name"), "s3.bucket.name"),
        key=_key(key),
        size=_size(obj.get("size")),
        etag=_optional(obj.get("eTag"), "s3.object.eTag"),
        version_id=_optional(obj.get("versionId"), "s3.object.versionId"),
        sequencer=_optional(obj.get("sequencer"), "s3.object.sequencer"),
    )


def _from_eventbridge(event: Mapping[str, Any]) -> Arrival | None:
    source, kind = event.get("source"), event["detail-type"]
    if source == "aws.s3":
        return _from_created(event) if kind == "Object Created" else None
    if source == EVENT_SOURCE and kind == JOB_REQUESTED:
        return _from_request(_mapping(event.get("detail"), "detail"))
    raise InvalidEvent(
        f"an EventBridge event of source {source!r}, detail-type {kind!r}: wanted are aws.s3, or {EVENT_SOURCE} with "
        f"{JOB_REQUESTED!r}"
    )


def _from_created(event: Mapping[str, Any]) -> StorageEvent:
    detail = _mapping(event.get("detail"), "detail")
    obj = _mapping(detail.get("object"), "detail.object")
    return StorageEvent(
        bucket=_text(_mapping(detail.get("bucket"), "detail.bucket").get("name"), "detail.bucket.name"),
        key=_key(_text(obj.get("key"), "detail.object.key")),
        size=_size(obj.get("size")),
        etag=_optional(obj.get("etag"), "detail.object.etag"),
        version_id=_optional(obj.get("version-id"), "detail.object.version-id"),
        sequencer=_optional(obj.get("sequencer"), "detail.object.sequencer"),
    )


def _from_request(detail: Mapping[str, Any]) -> JobRequested:
    try:
        request = JobRequested.model_validate(detail)
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'detail'}: {e['msg']}" for e in error.errors()[:5])
        raise InvalidEvent(f"not a {JOB_REQUESTED}: {told}") from error
    if request.key is not None:
        _key(request.key)
    return request


def _key(key: str) -> str:
    try:
        length = len(key.encode())
    except UnicodeEncodeError as error:
        raise InvalidEvent(f"the key {key[:200]!r} is not Unicode text") from error
    if length > MAX_KEY_BYTES:
        raise InvalidEvent(f"the key {key[:200]!r}… has {length} bytes; S3 has none longer than {MAX_KEY_BYTES}")
    return key


def _mapping(value: Any, field: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidEvent(f"{field} is {_kind(value)}, not an object")
    return value


def _text(value: Any, field: str) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidEvent(f"{field} is {_kind(value) if value != '' else 'empty'}, not text")
    return value


def _optional(value: Any, field: str) -> str | None:
    if value is None or value == "":
        return None
    text = _text(value, field).strip('"')
    if not text.isascii():
        raise InvalidEvent(f"{field} is {text[:100]!r}, which S3 never says")
    return text or None


def _size(value: Any) -> int | None:
    # A size is only told to people (an object that is gone has no other); every decision asks the object itself.
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _kind(value: Any) -> str:
    return "missing" if value is None else type(value).__name__

"""An arrival becomes a draft of a job: which object, whose, accepted or refused. Procedures: they yield calls.

The object itself is asked (HEAD) and not the event: an event may be old. What it was written by decides which job it is
(`haulier.jobs.identity`), so that every delivery of the event finds the same one.
"""

import re
from dataclasses import replace
from typing import Any

from dispatcher.admit import admit, refusal
from dispatcher.datasets import Broken, Owner, Shelf
from dispatcher.envelopes import StorageEvent
from dispatcher.settings import AdmissionSettings
from haulier.contracts.batch import BatchPin
from haulier.contracts.dataset import DEFAULT_DATASET, NAME_PATTERN, Dataset, QueueName
from haulier.contracts.errors import InvalidEvent
from haulier.contracts.events import JobError, JobRequested
from haulier.contracts.ids import JobId
from haulier.contracts.keys import BATCHES, KEYS_LISTS_PREFIX, is_own
from haulier.contracts.limits import MAX_KEYS_OBJECT_BYTES
from haulier.contracts.run import RunPin
from haulier.contracts.source import Source
from haulier.jobs.accept import Draft, refuse_superseded
from haulier.jobs.batch import BatchRun, batch_job_id
from haulier.jobs.calls import Call, NotFound, Steps
from haulier.jobs.identity import requested_job_id, source_of_head, storage_job_id
from haulier.jobs.members import member_id, member_queue
from haulier.jobs.route import route

_AGAIN = "ask again with another cause (Idempotency-Key)"
"""The same request is the same job, which stays refused."""


def why_ignored(event: StorageEvent, settings: AdmissionSettings) -> str | None:
    """Why an event starts nothing; None if it does. Our own objects never trigger us again."""
    if event.bucket != settings.input_bucket:
        return f"bucket {event.bucket} is not the input bucket"
    if is_own(event.key):
        return "Haulier wrote it itself"
    if not event.key.startswith(settings.input_prefixes):
        return f"it lies under none of {', '.join(settings.input_prefixes)}"
    if event.key.endswith("/"):
        return "it is a folder's placeholder"
    return None


def draft_of_event(event: StorageEvent, shelf: Shelf, settings: AdmissionSettings, now_ms: int) -> Steps[Draft]:
    """The job of a storage event that is not ignored.

    An object that is gone, or not the one the event is about any more, is refused as superseded.

    Raises:
        InvalidEvent: nothing in the event names what was written.
    """
    owner = shelf.owner_of(event.key)
    try:
        job_id = storage_job_id(
            bucket=event.bucket,
            key=event.key,
            version_id=event.version_id,
            sequencer=event.sequencer,
            dataset=_name_of(owner),
        )
    except ValueError as error:
        raise InvalidEvent(str(error)) from error
    told = _as_told(event)
    source = yield from _head(event.bucket, event.key, None)
    if source is None:
        gone = f"{told.uri} was deleted before this event was handled; there is nothing left to process"
        return Draft(job_id, told, _name_of(owner), error=refusal("superseded", gone))
    if _is_another(event, source):
        return refuse_superseded(Draft(job_id, told, _name_of(owner)))
    return _draft(job_id, source, owner, settings, now_ms, sequencer=event.sequencer)


def draft_of_request(request: JobRequested, shelf: Shelf, settings: AdmissionSettings, now_ms: int) -> Steps[Draft]:
    """The job of a request for an object."""
    return (yield from _requested(request, shelf, settings, now_ms))


def draft_of_member(batch: BatchRun, key: str, shelf: Shelf, settings: AdmissionSettings, now_ms: int) -> Steps[Draft]:
    """The job of one object of a batch."""
    request = JobRequested(bucket=batch.pin.bucket, key=key, dataset=batch.pin.dataset, queue=batch.pin.queue)
    return (yield from _requested(request, shelf, settings, now_ms, batch=batch))


def _requested(
    request: JobRequested, shelf: Shelf, settings: AdmissionSettings, now_ms: int, *, batch: BatchRun | None = None
) -> Steps[Draft]:
    bucket, key = request.bucket or "", request.key or ""
    owner = shelf.named(request.dataset) if request.dataset else shelf.owner_of(key)
    name = request.dataset or _name_of(owner)
    unseen = Source(bucket=bucket, key=key, size=0, etag="", version_id=request.version_id)
    error = _not_to_be_had(request, settings)
    source = None
    if error is None:
        source = yield from _head(bucket, key, request.version_id)
        if source is None:
            error = refusal("not_found", f"{unseen.uri} is not there: check bucket, key and version, and ask again")
    job_id = requested_job_id(source or unseen, name, request.cause)
    wanted = request.queue
    if batch is not None:
        job_id = member_id(batch.job_id, bucket, key, batch.run)
        if source is not None and isinstance(owner, Dataset):
            after = settings.ondemand_after_seconds
            wanted = member_queue(key, source.size, owner, asked=wanted, ondemand_after_seconds=after)
    member = (batch.job_id, batch.run) if batch is not None else None
    if source is None or owner is None:
        error = error or _unknown(name)
        return Draft(job_id, source or unseen, name, request.cause, error=error, batch=member)
    draft = _draft(job_id, source, owner, settings, now_ms, cause=request.cause, wanted=wanted)
    return replace(draft, batch=member)


def draft_of_batch(request: JobRequested, shelf: Shelf, settings: AdmissionSettings, now_ms: int) -> Steps[Draft]:
    """The job of a request for several objects. What the objects are is found out later, by the batch itself; refused
    is only what can have no member at all, and what all of them would be refused for.
    """
    pin = BatchPin(
        bucket=request.bucket or "",
        prefix=request.prefix,
        keys=tuple(dict.fromkeys(request.keys)) if request.keys else None,
        dataset=request.dataset,
        queue=request.queue,
        accepted_at_ms=now_ms,
    )
    listed = request.keys_object
    shown = Source(bucket=pin.bucket, key=listed or request.prefix or "", size=0, etag="")
    error = _no_batch(request, shelf, settings)
    if error is None and listed is not None:
        source = yield from _head(pin.bucket, listed, None)
        error = _no_list(source or shown, there=source is not None)
        shown = source or shown
    if listed is not None:
        pin = pin.model_copy(update={"keys_object": shown})
    if error is None and pin.prefix is not None:
        error = yield from _nothing_under(pin.bucket, pin.prefix, settings)
    job_id = batch_job_id(pin, request.cause)
    return Draft(job_id, shown, BATCHES, request.cause, error=error, batch_pin=None if error else pin)


def _no_batch(request: JobRequested, shelf: Shelf, settings: AdmissionSettings) -> JobError | None:
    prefix = request.prefix
    if request.bucket != settings.input_bucket:
        return _other_bucket(f"s3://{request.bucket}/{prefix or request.keys_object or ''}", settings)
    if prefix is not None and not prefix.startswith(settings.input_prefixes):
        allowed = ", ".join(settings.input_prefixes)
        return refusal("prefix_not_allowed", f"{prefix} is under none of the input prefixes ({allowed})")
    listed = request.keys_object
    if listed is not None and is_own(listed) and not listed.startswith(KEYS_LISTS_PREFIX):
        # Each line becomes the key of a job, for all to see who may look at jobs.
        return _own(request.bucket, listed)
    owner = shelf.named(request.dataset) if request.dataset else None
    if request.dataset and owner is None:
        return _unknown(request.dataset)
    if isinstance(owner, Broken):
        return refusal("invalid_dataset", f"{owner.problem}; correct it (`haulier datasets check`) and {_AGAIN}")
    return None


def _no_list(source: Source, *, there: bool) -> JobError | None:
    if not there:
        return refusal("not_found", f"{source.uri}, which lists the keys, is not there")
    if source.size == 0:
        return refusal("empty", f"{source.uri}, which lists the keys, is empty")
    if source.size > MAX_KEYS_OBJECT_BYTES:
        return refusal("too_large", f"{source.uri} has {source.size} bytes, more than a list's {MAX_KEYS_OBJECT_BYTES}")
    return None


def _nothing_under(bucket: str, prefix: str, settings: AdmissionSettings) -> Steps[JobError | None]:
    """Asks for one page: what has no member there may still have one further on."""
    answer = yield Call("s3", "list_objects_v2", {"Bucket": bucket, "Prefix": prefix})
    keys = [entry["Key"] for entry in answer.get("Contents", [])]
    skipped = ("/", *(suffix.lower() for suffix in settings.excluded_suffixes))
    if answer.get("IsTruncated") or any(not key.lower().endswith(skipped) for key in keys):
        return None
    passed = f" but {len(keys)} that are no input (folders' placeholders, excluded suffixes)" if keys else ""
    return refusal("not_found", f"s3://{bucket}/{prefix} holds no object{passed}: check the prefix, and {_AGAIN}")


def _unknown(dataset: str) -> JobError:
    return refusal(
        "unknown_dataset", f"there is no dataset {dataset}: `haulier datasets put` it and {_AGAIN}, or leave it out"
    )


def _other_bucket(what: str, settings: AdmissionSettings) -> JobError:
    told = f"{what} is not in the input bucket {settings.input_bucket}: copy it there"
    return refusal("bucket_not_allowed", told)


def _not_to_be_had(request: JobRequested, settings: AdmissionSettings) -> JobError | None:
    if request.bucket != settings.input_bucket:
        return _other_bucket(f"s3://{request.bucket}/{request.key}", settings)
    return _own(request.bucket, request.key or "") if is_own(request.key or "") else None


def _own(bucket: str, key: str) -> JobError:
    return refusal("own_key", f"s3://{bucket}/{key} is Haulier's own and not input")


def _draft(
    job_id: JobId,
    source: Source,
    owner: Owner,
    settings: AdmissionSettings,
    now_ms: int,
    *,
    cause: str = "",
    wanted: QueueName | None = None,
    sequencer: str | None = None,
) -> Draft:
    if isinstance(owner, Broken):
        error: JobError | None = refusal(
            "invalid_dataset", f"{owner.problem}; correct it (`haulier datasets check`) and upload the object again"
        )
        return Draft(job_id, source, _name_of(owner), cause, sequencer, error=error)
    error = admit(
        source,
        owner,
        max_object_bytes=settings.max_object_bytes,
        excluded_suffixes=settings.excluded_suffixes,
    )
    if error is not None:
        return Draft(job_id, source, owner.name, cause, sequencer, error=error)
    way = route(
        source.key,
        source.size,
        owner,
        wanted=wanted,
        threshold_bytes=settings.chunk_threshold_bytes,
        chunk_bytes=settings.chunk_bytes,
        ondemand_after_seconds=settings.ondemand_after_seconds,
    )
    pin = RunPin(
        source=source,
        dataset=owner,
        accepted_at_ms=now_ms,
        chunked=way.chunked,
        queue=way.queue,
        threshold_bytes=way.threshold_bytes,
        chunk_bytes=way.chunk_bytes,
        wanted_queue=wanted,
        stack_threshold_bytes=settings.chunk_threshold_bytes,
        stack_chunk_bytes=settings.chunk_bytes,
        stack_ondemand_after_seconds=settings.ondemand_after_seconds,
    )
    return Draft(job_id, source, owner.name, cause, sequencer, pin=pin)


def _head(bucket: str, key: str, version_id: str | None) -> Steps[Source | None]:
    params: dict[str, Any] = {"Bucket": bucket, "Key": key}
    if version_id:
        params["VersionId"] = version_id
    try:
        head = yield Call("s3", "head_object", params)
    except NotFound:
        return None
    return source_of_head(bucket, key, head)


def _is_another(event: StorageEvent, source: Source) -> bool:
    """Whether the object is another one than the event is about; each has an event, and so a job, of its own."""
    if event.etag is not None and event.etag != source.etag:
        return True
    return bool(event.version_id and source.version_id and event.version_id != source.version_id)


def _as_told(event: StorageEvent) -> Source:
    return Source(
        bucket=event.bucket,
        key=event.key,
        size=event.size or 0,
        etag=event.etag or "",
        version_id=event.version_id,
    )


def _name_of(owner: Owner | None) -> str:
    """The dataset's name as a job may hold it: it becomes part of keys and of a FIFO group."""
    if owner is None or not re.match(NAME_PATTERN, owner.name):
        return DEFAULT_DATASET.name
    return owner.name

"""An arrival becomes a draft of a job: which object, whose, accepted or refused. Procedures: they yield calls.

The object itself is asked (HEAD) and not the event: an event may be old. What it was written by decides which job it is
(`haulier.jobs.identity`), so that every delivery of the event finds the same one.
"""

import re
from typing import Any

from dispatcher.admit import admit, refusal
from dispatcher.datasets import Broken, Owner, Shelf
from dispatcher.envelopes import StorageEvent
from dispatcher.settings import IntakeSettings
from haulier.contracts.dataset import DEFAULT_DATASET, NAME_PATTERN, QueueName
from haulier.contracts.errors import InvalidEvent
from haulier.contracts.events import JobError, JobRequested
from haulier.contracts.ids import JobId
from haulier.contracts.keys import is_own
from haulier.contracts.run import RunPin
from haulier.contracts.source import Source
from haulier.jobs.accept import Draft, refuse_superseded
from haulier.jobs.calls import Call, NotFound, Steps
from haulier.jobs.identity import requested_job_id, source_of_head, storage_job_id
from haulier.jobs.route import route


def why_ignored(event: StorageEvent, settings: IntakeSettings) -> str | None:
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


def draft_of_event(event: StorageEvent, shelf: Shelf, settings: IntakeSettings, now_ms: int) -> Steps[Draft]:
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


def draft_of_request(request: JobRequested, shelf: Shelf, settings: IntakeSettings, now_ms: int) -> Steps[Draft]:
    """The job of a request for an object."""
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
    if source is None:
        return Draft(requested_job_id(unseen, name, request.cause), unseen, name, request.cause, error=error)
    job_id = requested_job_id(source, name, request.cause)
    if owner is None:
        unknown = f"there is no dataset {name}: `haulier datasets put` it first, or leave it out"
        return Draft(job_id, source, name, request.cause, error=refusal("unknown_dataset", unknown))
    return _draft(job_id, source, owner, settings, now_ms, cause=request.cause, wanted=request.queue)


def _not_to_be_had(request: JobRequested, settings: IntakeSettings) -> JobError | None:
    if request.bucket != settings.input_bucket:
        return refusal(
            "bucket_not_allowed",
            f"s3://{request.bucket}/{request.key} is not in the input bucket {settings.input_bucket}: copy it there",
        )
    if is_own(request.key or ""):
        return refusal("own_key", f"s3://{request.bucket}/{request.key} is Haulier's own and not input")
    return None


def _draft(
    job_id: JobId,
    source: Source,
    owner: Owner,
    settings: IntakeSettings,
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

"""Crash-safe intake, first half: the job is written, or found, before anything is enqueued.

Between this write and the enqueue the process may die: the job is ACCEPTED, and whoever finds it so (a second delivery
of the event, or the janitor) enqueues it. Duplicates on the queue are harmless, a lost job is not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from haulier.contracts.batch import BATCH, BatchPin
from haulier.contracts.events import JobError
from haulier.contracts.limits import JOB_TTL_SECONDS
from haulier.contracts.run import RunPin
from haulier.contracts.source import Source
from haulier.contracts.states import JobState
from haulier.jobs.attributes import encode_item
from haulier.jobs.batch import MEMBERS_QUEUE, PIN_OF_BATCH
from haulier.jobs.calls import Call, ConditionFailed, Steps, TransactionFailed
from haulier.jobs.items import JOB_SK, POINTER_SK, JobItem, key_of, pointer_id, run_sk, status_shard
from haulier.jobs.times import iso
from haulier.jobs.writes import get_job

SEQUENCER_CHARS = 64
SUPERSEDED = "superseded"
"""Code of a job whose object is gone, or another one by now. It leaves no note of what it did not look at: the same
bytes, put there again, are an object nobody saw.
"""


def pad_sequencer(sequencer: str) -> str:
    """S3 sequencers compare as hexadecimal text padded on the right to equal length.

    Source: S3 User Guide, "Event message structure" (sequencer).
    """
    return sequencer.upper().ljust(SEQUENCER_CHARS, "0")


@dataclass(frozen=True, slots=True)
class Draft:
    """A job as intake wants it.

    Attributes:
        job_id: derived from what caused it.
        source: the object.
        dataset: the dataset's name.
        cause: empty for storage events.
        sequencer: S3's, for storage events.
        pin: what run 1 pins; None if the job is refused.
        error: why it is refused; None if it is accepted.
        batch_pin: what run 1 pins instead, if the job is a batch.
        batch: the batch whose member it is, and the batch's run that asks for it.
    """

    job_id: str
    source: Source
    dataset: str
    cause: str = ""
    sequencer: str | None = None
    pin: RunPin | None = None
    error: JobError | None = None
    batch_pin: BatchPin | None = None
    batch: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The job is new and must be enqueued."""

    job: JobItem


@dataclass(frozen=True, slots=True)
class Found:
    """The job was there; if it is still ACCEPTED it must be enqueued."""

    job: JobItem


@dataclass(frozen=True, slots=True)
class Superseded:
    """A newer event for the same object was seen before this one; the job is REJECTED."""

    job: JobItem


def accept(table: str, draft: Draft, now_ms: int) -> Steps[Accepted | Found | Superseded]:
    """Writes job, run 1 and the object's pointer in one transaction; finds the job if it is there.

    An older event than the pointer's newest becomes a job that is REJECTED with code `superseded`.
    """
    item = _job_item(draft, now_ms)
    puts: list[dict[str, Any]] = [_put_new(table, item)]
    pinned = {"pin": draft.pin.to_json()} if draft.pin is not None else {}
    if draft.batch_pin is not None:
        pinned = {PIN_OF_BATCH: draft.batch_pin.to_json()}
    if pinned:
        run = {"job_id": draft.job_id, "sk": run_sk(1), **pinned, "expires_at": item["expires_at"]}
        puts.append(_put_new(table, run))
    if draft.sequencer:
        puts.append(_point(table, draft, now_ms))
    elif draft.source.etag and not (draft.error and draft.error.code == SUPERSEDED):
        puts.append(_note_request(table, draft, now_ms))
    try:
        yield Call("dynamodb", "transact_write_items", {"TransactItems": puts})
    except TransactionFailed as failed:
        found = yield from get_job(table, draft.job_id)
        if found is not None:
            return Found(found)
        if draft.sequencer and failed.reasons[-1] == "ConditionalCheckFailed":
            return (yield from _supersede(table, draft, now_ms))
        raise
    return Accepted(JobItem.of(encode_item(item)))


def refuse_superseded(draft: Draft) -> Draft:
    """The same job as one that was overtaken: by a newer event, or by an object that is no more what the event says."""
    error = JobError(
        stage="intake",
        code=SUPERSEDED,
        message=f"{draft.source.uri} was written again before this event was handled; the newer object has its own job",
    )
    return Draft(job_id=draft.job_id, source=draft.source, dataset=draft.dataset, cause=draft.cause, error=error)


def _supersede(table: str, draft: Draft, now_ms: int) -> Steps[Found | Superseded]:
    item = _job_item(refuse_superseded(draft), now_ms)
    try:
        yield Call("dynamodb", "put_item", _put_new(table, item)["Put"])
    except ConditionFailed:
        found = yield from get_job(table, draft.job_id)
        if found is None:
            raise
        return Found(found)
    return Superseded(JobItem.of(encode_item(item)))


def _job_item(draft: Draft, now_ms: int) -> dict[str, Any]:
    state = JobState.REJECTED if draft.error else JobState.ACCEPTED
    source, pin, many = draft.source, draft.pin, draft.batch_pin
    batch, batch_run = draft.batch or (None, None)
    return {
        "job_id": draft.job_id,
        "sk": JOB_SK,
        "status": str(state),
        "status_shard": status_shard(state, draft.job_id),
        "run": 1,
        "dataset": draft.dataset,
        "bucket": source.bucket,
        "key": source.key,
        "size": source.size,
        "etag": source.etag,
        "version_id": source.version_id,
        "uploaded_at": source.uploaded_at,
        "operation": BATCH if many else "records",
        "cause": draft.cause,
        "sequencer": draft.sequencer,
        "batch": batch,
        "batch_run": batch_run,
        # A batch goes through a state machine, too.
        "chunked": pin.chunked if pin else many is not None,
        "queue": pin.queue if pin else (many.queue or MEMBERS_QUEUE if many else "standard"),
        "accepted_at_ms": now_ms,
        "created_at": iso(now_ms),
        "updated_at": iso(now_ms),
        "finished_at": iso(now_ms) if draft.error else None,
        "error": draft.error.to_json() if draft.error else None,
        "expires_at": now_ms // 1000 + JOB_TTL_SECONDS,
    }


def _put_new(table: str, item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Put": {"TableName": table, "Item": encode_item(item), "ConditionExpression": "attribute_not_exists(job_id)"}
    }


def _point(table: str, draft: Draft, now_ms: int) -> dict[str, Any]:
    source = draft.source
    values = {
        "sequencer": pad_sequencer(draft.sequencer or ""),
        "current_job": draft.job_id,
        "bucket": source.bucket,
        "key": source.key,
        "etag": source.etag,
        "version_id": source.version_id or "",
        "expires_at": now_ms // 1000 + JOB_TTL_SECONDS,
    }
    return {
        "Update": {
            "TableName": table,
            "Key": key_of(pointer_id(source.bucket, source.key), POINTER_SK),
            "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in values),
            # The same sequencer with other bytes is no older event: S3 has no two writes with one sequencer, and where
            # an emulator has (LocalStack gives all of them the same), intake has seen that these are the bytes of now.
            "ConditionExpression": "attribute_not_exists(#sequencer) OR #sequencer < :sequencer"
            " OR (#sequencer = :sequencer AND #etag <> :etag)",
            "ExpressionAttributeNames": {f"#{name}": name for name in values},
            "ExpressionAttributeValues": {f":{name}": typed for name, typed in encode_item(values).items()},
        }
    }


def _note_request(table: str, draft: Draft, now_ms: int) -> dict[str, Any]:
    """Beside the pointer, so that nobody looks for a job of this object (`jobs.reconcile`); events do not read it."""
    values = {
        "requested_job": draft.job_id,
        "requested_etag": draft.source.etag,
        "expires_at": now_ms // 1000 + JOB_TTL_SECONDS,
    }
    return {
        "Update": {
            "TableName": table,
            "Key": key_of(pointer_id(draft.source.bucket, draft.source.key), POINTER_SK),
            "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in values),
            "ExpressionAttributeNames": {f"#{name}": name for name in values},
            "ExpressionAttributeValues": {f":{name}": typed for name, typed in encode_item(values).items()},
        }
    }

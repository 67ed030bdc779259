"""How a job ends other than well, and how a user starts it again."""

import json
from collections.abc import Mapping
from typing import Any

from haulier.contracts.dataset import Dataset
from haulier.contracts.events import JobError
from haulier.contracts.keys import failed_key
from haulier.contracts.limits import BATCH_RETRY_SECONDS, JOB_TTL_SECONDS
from haulier.contracts.run import ENGINE_REVISION, RunPin
from haulier.contracts.states import FINAL, JobState
from haulier.jobs.attributes import encode_item
from haulier.jobs.batch import PIN_OF_BATCH, next_pin
from haulier.jobs.calls import Call, ConditionFailed, Steps, TransactionFailed
from haulier.jobs.items import JobItem, run_sk
from haulier.jobs.route import route
from haulier.jobs.times import iso, parse_iso
from haulier.jobs.writes import get_job, get_run, job_becomes

_OF_A_RUN = (
    "error", "chunks", "read", "written", "rejected", "filtered", "input_bytes", "output_bytes", "reject_codes",
    "running_at", "sealed_at", "finished_at", "cleaned_at", "announced", "announce_again", "restarts", "enqueues",
    "enqueued_at_ms", "remarks", "progress", "stopped_at",
)  # fmt: skip


class NotAllowed(Exception):
    """The job's state does not allow what was asked; the text says which it is in and what can be done."""


def fail(
    table: str, bucket: str, job: JobItem, error: JobError, now_ms: int, *, found: Mapping[str, Any] | None = None
) -> Steps[JobState]:
    """Makes the job FAILED and leaves a record under `failed/`; returns the state it has then.

    Args:
        table: the job table.
        bucket: the output bucket.
        job: the job as it was read.
        error: why.
        now_ms: milliseconds since the epoch.
        found: what the run counted (`judge.Totals.found`), where it came as far as being judged.

    A job that ended meanwhile keeps its end. A crash before the record is written is repaired by the janitor, which
    writes it once more when it cleans the run (`dispatcher.cleaning`).
    """
    try:
        yield job_becomes(
            table,
            job.job_id,
            job.run,
            JobState.FAILED,
            now_ms,
            sets={**(found or {}), "error": error.to_json(), "finished_at": iso(now_ms)},
        )
    except ConditionFailed as failed:
        if failed.item is None:
            raise
        there = JobItem.of(failed.item)
        if there.status != JobState.FAILED or there.run != job.run:
            return there.status
        error = there.error or error
    yield failure_record(bucket, job, error, now_ms)
    return JobState.FAILED


def failure_record(bucket: str, job: JobItem, error: JobError, failed_at_ms: int) -> Call:
    """The copy of a failure under `failed/`, for who looks at the bucket and not at the table."""
    record = {
        "job_id": job.job_id,
        "run": job.run,
        "dataset": job.dataset,
        "source": {"bucket": job.bucket, "key": job.key, "size": job.size, "etag": job.etag},
        "failed_at": iso(failed_at_ms),
        "error": error.model_dump(),
    }
    return Call(
        "s3",
        "put_object",
        {
            "Bucket": bucket,
            "Key": failed_key(job.dataset, job.job_id, job.run),
            "Body": json.dumps(record, indent=2).encode(),
            "ContentType": "application/json",
        },
    )


def cancel(table: str, job_id: str, now_ms: int) -> Steps[JobItem]:
    """Cancels a job that is not sealed. Its workers learn it within seconds (`jobs.lease`); the janitor sweeps.

    Raises:
        LookupError: there is no such job.
        NotAllowed: it is sealed or over.
    """
    job = yield from get_job(table, job_id)
    if job is None:
        raise LookupError(f"there is no job {job_id}")
    try:
        yield job_becomes(table, job_id, job.run, JobState.CANCELLED, now_ms, sets={"finished_at": iso(now_ms)})
    except ConditionFailed as failed:
        there = JobItem.of(failed.item) if failed.item else job
        if there.status == JobState.CANCELLED and there.run == job.run:
            return there
        raise NotAllowed(f"job {job_id} is {there.status}: only what is not sealed yet can be cancelled") from None
    return job


def retry(
    table: str,
    job_id: str,
    now_ms: int,
    *,
    dataset: Dataset | None = None,
    batch_run: int | None = None,
    seen_run: int | None = None,
) -> Steps[JobItem]:
    """Starts the job's next run: ACCEPTED, and to be enqueued by whoever finds it so. A batch's next run is for those
    of its members that did not succeed (`jobs.members`).

    Args:
        table: the job table.
        job_id: the job.
        now_ms: milliseconds since the epoch; the run's accepted time.
        dataset: its configuration as it is now; that of the last run if not given.
        batch_run: of a member, the batch's run that asks for it.
        seen_run: the run whose end is the reason, so that whoever comes second does not start one more; the present
            one if not given.

    Raises:
        LookupError: there is no such job.
        NotAllowed: it is still open, was rejected at intake, or somebody else retried it before or this moment.
    """
    job = yield from get_job(table, job_id)
    if job is None:
        raise LookupError(f"there is no job {job_id}")
    if job.status not in FINAL:
        raise NotAllowed(f"job {job_id} is {job.status}: cancel it first, or let it end")
    if seen_run not in (None, job.run):
        raise NotAllowed(f"job {job_id} is in run {job.run} by now")
    following = job.run + 1
    expires_at = now_ms // 1000 + JOB_TTL_SECONDS
    pinned, way = yield from _next_run(table, job, dataset, now_ms)
    sets = {"accepted_at_ms": now_ms, "expires_at": expires_at, **way}
    if batch_run is not None:
        sets["batch_run"] = batch_run
    change = job_becomes(table, job_id, job.run, JobState.ACCEPTED, now_ms, sets=sets, removes=_OF_A_RUN)
    params = dict(change.params)
    params["UpdateExpression"] = params["UpdateExpression"].replace("SET ", "SET #run = :following, ", 1)
    params["ExpressionAttributeValues"] = {**params["ExpressionAttributeValues"], ":following": {"N": str(following)}}
    params["ReturnValuesOnConditionCheckFailure"] = "NONE"
    run = {"job_id": job_id, "sk": run_sk(following), **pinned, "expires_at": expires_at}
    put = {"TableName": table, "Item": encode_item(run), "ConditionExpression": "attribute_not_exists(job_id)"}
    try:
        yield Call("dynamodb", "transact_write_items", {"TransactItems": [{"Update": params}, {"Put": put}]})
    except TransactionFailed:
        raise NotAllowed(f"job {job_id} changed this moment; look at it again") from None
    accepted = yield from get_job(table, job_id)
    if accepted is None:
        raise LookupError(f"job {job_id} is gone")
    return accepted


def _next_run(
    table: str, job: JobItem, dataset: Dataset | None, now_ms: int
) -> Steps[tuple[dict[str, str], dict[str, Any]]]:
    """What the next run's item pins, and what the job item says of the way it goes."""
    if job.is_batch:
        if now_ms > parse_iso(job.created_at) + BATCH_RETRY_SECONDS * 1000:
            raise NotAllowed(
                f"batch {job.job_id} is more than {BATCH_RETRY_SECONDS // 86400} days old: the records of members that "
                "succeeded expire, and those would be done again; ask for the others by their keys (`haulier members`)"
            )
        batch = yield from next_pin(table, job, now_ms)
        if batch is not None:
            return {PIN_OF_BATCH: batch.to_json()}, {}
    else:
        last = yield from get_run(table, job.job_id, job.run)
        if last is not None:
            pin = _pinned_again(last.pin, dataset or last.pin.dataset, now_ms)
            return {"pin": pin.to_json()}, {"chunked": pin.chunked, "queue": pin.queue}
    reason = job.error.code if job.error else "unknown"
    raise NotAllowed(f"job {job.job_id} was refused at intake ({reason}): submit its object again")


def _pinned_again(pin: RunPin, dataset: Dataset, now_ms: int) -> RunPin:
    """The next run's pin: the same object, the dataset as it is now, and the way that follows from it."""
    way = route(
        pin.source.key,
        pin.source.size,
        dataset,
        wanted=pin.wanted_queue,
        threshold_bytes=pin.stack_threshold_bytes,
        chunk_bytes=pin.stack_chunk_bytes,
        ondemand_after_seconds=pin.stack_ondemand_after_seconds,
    )
    changes = {
        "accepted_at_ms": now_ms,
        "dataset": dataset,
        "queue": way.queue,
        "chunked": way.chunked,
        "threshold_bytes": way.threshold_bytes,
        "chunk_bytes": way.chunk_bytes,
        "engine_revision": ENGINE_REVISION,
    }
    return pin.model_copy(update=changes)

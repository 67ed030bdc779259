"""How a batch ends: its members are counted group by group, then it is published and judged.

Groups are counted in the order of the list, and how far that came is noted: what is counted is never read again. A
crash between the results of a group and the note has the group counted again, to the same lines; one between manifest,
`_SUCCESS` and the job's end is repaired by the next call, which finds SEALED or everything counted.
"""

from collections import Counter
from collections.abc import Sequence

from haulier.contracts.batch import BatchManifest, BatchProgress, BatchSection
from haulier.contracts.events import JobError
from haulier.contracts.keys import batch_results_key, manifest_key, success_key
from haulier.contracts.limits import COUNT_WAIT_SECONDS
from haulier.contracts.reject import Stage
from haulier.contracts.states import JobState
from haulier.jobs.batch import BatchRun, is_complete
from haulier.jobs.calls import Call, ConditionFailed, Steps
from haulier.jobs.items import JobItem
from haulier.jobs.members import SUMS, Member, result_of, states_of, tally
from haulier.jobs.times import iso
from haulier.jobs.verdicts import fail
from haulier.jobs.writes import job_becomes

MEMBERS_FAILED = "members_failed"
"""Code of a batch whose manifest is published though not all of its members succeeded."""


def wait_seconds(round_: int) -> int:
    """How long to wait after the count of that number, from 0."""
    first, most = COUNT_WAIT_SECONDS
    return min(most, first << min(round_, 20))


def groups_of(sections: Sequence[BatchSection]) -> int:
    return sections[-1].first + sections[-1].groups if sections else 0


def listed(progress: BatchProgress, sections: Sequence[BatchSection]) -> BatchProgress:
    """The progress with what the list says."""
    changes = {
        "listed": sum(section.members for section in sections),
        "skipped": sum(section.folders + section.excluded for section in sections),
        "complete": is_complete(sections),
    }
    return progress.model_copy(update=changes)


def counted(progress: BatchProgress, over: Sequence[Sequence[Member]], ahead: Sequence[Member]) -> BatchProgress:
    """The progress after the next groups, all of whose members are over, and those looked at behind them."""
    sums = Counter(progress.tally)
    for group in over:
        sums.update(tally(group))
    changes = {
        "counted": progress.counted + len(over),
        "tally": dict(sorted(sums.items())),
        "ahead": states_of(tally(ahead)),
    }
    return progress.model_copy(update=changes)


def write_results(bucket: str, batch: BatchRun, group: int, members: Sequence[Member]) -> Call:
    """A group's lines; the same members give the same bytes."""
    lines = b"".join(result_of(member).to_json().encode() + b"\n" for member in members)
    key = batch_results_key(batch.job_id, batch.run, group)
    return Call(
        "s3",
        "put_object",
        {"Bucket": bucket, "Key": key, "Body": lines, "ContentType": "application/x-ndjson"},
    )


def end_batch(table: str, bucket: str, job: JobItem, batch: BatchRun, now_ms: int) -> Steps[JobState]:
    """Publishes a batch whose members are all counted, or that is SEALED already; returns the state it has then.

    SUCCEEDED if all of them succeeded, else FAILED: the manifest says which did not, and a retry starts those again.
    """
    states = states_of(job.progress.tally) if job.progress else {}
    if job.status == JobState.SEALED or set(states) <= {JobState.SUCCEEDED}:
        return (yield from _succeed(table, bucket, job, batch, now_ms))
    yield _put_manifest(bucket, job, batch)
    left = {state: count for state, count in states.items() if state != JobState.SUCCEEDED}
    told = ", ".join(f"{count} {state}" for state, count in left.items())
    where = manifest_key(job.dataset, job.job_id, job.run)
    error = JobError(
        stage=Stage.COORDINATE,
        code=MEMBERS_FAILED,
        message=f"{sum(left.values())} of {sum(states.values())} members did not succeed ({told}): "
        f"s3://{bucket}/{where} lists them; `haulier retry {job.job_id}` starts those again and no others",
    )
    return (yield from fail(table, bucket, job, error, now_ms))


def _succeed(table: str, bucket: str, job: JobItem, batch: BatchRun, now_ms: int) -> Steps[JobState]:
    if job.status != JobState.SEALED:
        sets = {"sealed_at": iso(now_ms)}
        call = job_becomes(table, job.job_id, job.run, JobState.SEALED, now_ms, sets=sets, sources=(JobState.RUNNING,))
        try:
            answer = yield Call(call.service, call.operation, {**call.params, "ReturnValues": "ALL_NEW"})
            job = JobItem.of(answer["Attributes"])
        except ConditionFailed as failed:
            job = JobItem.of(failed.item or {})
        if job.run != batch.run or job.status != JobState.SEALED:
            return job.status
    yield _put_manifest(bucket, job, batch)
    success = success_key(job.dataset, job.job_id, job.run)
    yield Call("s3", "put_object", {"Bucket": bucket, "Key": success, "Body": b""})
    try:
        yield job_becomes(table, job.job_id, job.run, JobState.SUCCEEDED, now_ms, sets={"finished_at": iso(now_ms)})
    except ConditionFailed as failed:
        return JobItem.of(failed.item or {}).status
    return JobState.SUCCEEDED


def _put_manifest(bucket: str, job: JobItem, batch: BatchRun) -> Call:
    body = manifest_of(bucket, job, batch).model_dump_json(indent=2, exclude_none=True).encode()
    key = manifest_key(job.dataset, job.job_id, job.run)
    return Call("s3", "put_object", {"Bucket": bucket, "Key": key, "Body": body, "ContentType": "application/json"})


def manifest_of(bucket: str, job: JobItem, batch: BatchRun) -> BatchManifest:
    """The manifest; the same table gives the same bytes."""
    progress, pin = job.progress or BatchProgress(), batch.pin
    states = states_of(progress.tally)
    groups = range(progress.counted)
    return BatchManifest(
        job_id=job.job_id,
        run=job.run,
        accepted_at=iso(pin.accepted_at_ms),
        ended_at=job.sealed_at or job.updated_at,
        bucket=bucket,
        source=pin.bucket,
        prefix=pin.prefix,
        keys_object=pin.keys_object.key if pin.keys_object else None,
        dataset=pin.dataset,
        members=sum(states.values()),
        states=states,
        skipped=progress.skipped,
        **{name: progress.tally.get(name, 0) for name in SUMS},
        results=tuple(batch_results_key(job.job_id, job.run, group) for group in groups),
    )

"""From the last commit to SUCCEEDED: prove, judge, have joined what is to be one object (`jobs.join`), seal, manifest,
sweep, `_SUCCESS`.

Each step is idempotent, and whoever finds committed or sealed work runs all later steps: the worker of a job of one
chunk, the assembler, a worker that gets a committed chunk's message again, the janitor. A crash between

- commit and seal: the message comes back (one chunk) or the state machine or janitor assembles again;
- seal and manifest, manifest and `_SUCCESS`: the next caller finds SEALED and goes on from there, to the same bytes;
- `_SUCCESS` and SUCCEEDED: the same, writing the same two objects once more.

Cancelling needs a job that is not sealed, so nothing is published for a cancelled job.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from haulier.contracts.dataset import ColumnType
from haulier.contracts.events import JobError
from haulier.contracts.keys import manifest_key, success_key
from haulier.contracts.manifest import Manifest, ManifestChunk
from haulier.contracts.profile import RunProfile
from haulier.contracts.reject import Stage
from haulier.contracts.run import Plan
from haulier.contracts.states import JobState
from haulier.jobs.calls import Call, ConditionFailed, Steps
from haulier.jobs.infer import inferred_columns
from haulier.jobs.items import ChunkItem, JobItem, RunItem
from haulier.jobs.join import published
from haulier.jobs.judge import Totals, add_up, judge
from haulier.jobs.planning import plan_chunks
from haulier.jobs.profiles import run_profile
from haulier.jobs.prove import Broken, Proven, Unfinished, prove
from haulier.jobs.sweep import sweep_run, sweep_temp
from haulier.jobs.times import iso
from haulier.jobs.verdicts import fail
from haulier.jobs.writes import get_chunks, get_job, get_run, job_becomes

_CAUSE_CHARS = 1000


@dataclass(frozen=True, slots=True)
class Ended:
    """The run is over; `state` says how. SUCCEEDED means that manifest and `_SUCCESS` are there."""

    state: JobState


@dataclass(frozen=True, slots=True)
class NotYet:
    """The run cannot be sealed yet; `proof` says what is missing or must be redone."""

    run: RunItem
    plan: Plan
    proof: Broken | Unfinished


def finish(table: str, bucket: str, job_id: str, run_number: int, now_ms: int) -> Steps[Ended | NotYet]:
    """Takes a run as far towards SUCCEEDED as it can go.

    Args:
        table: the job table.
        bucket: the output bucket.
        job_id: the job.
        run_number: the run; one that is over already is left alone.
        now_ms: milliseconds since the epoch.

    Raises:
        LookupError: the table knows no such job or run.
    """
    job = yield from get_job(table, job_id)
    run = yield from get_run(table, job_id, run_number)
    if job is None or run is None:
        raise LookupError(f"job {job_id} run {run_number} is not in table {table}; its record may have expired")
    if job.run != run_number:
        return Ended(JobState.CANCELLED)
    if job.final:
        return Ended(job.status)
    items = yield from get_chunks(table, job_id, run_number)
    plan = run.plan or plan_chunks(reading=None, size=run.pin.source.size, chunk_bytes=1)
    proof = prove(plan, items)
    if not isinstance(proof, Proven):
        return NotYet(run, plan, proof)
    if job.status != JobState.SEALED:
        error = judge(proof.chunks, add_up(proof.chunks), run.pin.dataset.max_invalid_ratio)
        if error is not None:
            # How many records were refused is asked most where there were too many of them.
            return Ended((yield from fail(table, bucket, job, error, now_ms, found=add_up(proof.chunks).found)))
    listed = published(run, proof, items)
    if isinstance(listed, Unfinished):
        return NotYet(run, plan, listed)
    # What was joined is listed no more and goes like any stray; if we die before it is gone, the next caller sweeps.
    strays = listed is not proof or may_have_strays(items, proof)
    profile = yield from run_profile(table, job, proof, items)
    return Ended((yield from _close(table, bucket, job, run, plan, listed, now_ms, profile=profile, strays=strays)))


def _close(
    table: str,
    bucket: str,
    job: JobItem,
    run: RunItem,
    plan: Plan,
    listed: Proven,
    now_ms: int,
    *,
    profile: RunProfile | None,
    strays: bool,
) -> Steps[JobState]:
    """Seals, publishes what is listed, and ends the job; returns the state it has then."""
    totals = add_up(listed.chunks)
    if job.status != JobState.SEALED:
        job = yield from _seal(table, job, totals, plan, now_ms)
        if job.run != run.run or job.status != JobState.SEALED:
            return job.status
    manifest = manifest_of(bucket, job, run, listed, totals).model_copy(update={"profile": profile})
    yield from _publish(bucket, job, run, manifest, strays=strays)
    try:
        yield job_becomes(table, job.job_id, run.run, JobState.SUCCEEDED, now_ms, sets={"finished_at": iso(now_ms)})
    except ConditionFailed as failed:
        return JobItem.of(failed.item or {}).status
    return JobState.SUCCEEDED


def _seal(table: str, job: JobItem, totals: Totals, plan: Plan, now_ms: int) -> Steps[JobItem]:
    """RUNNING becomes SEALED with the run's sums; returns the job as it is then, sealed by whomever or not at all."""
    sets = {
        "sealed_at": iso(now_ms),
        "chunks": plan.chunks,
        "file_type": totals.file_type,
        **totals.found,
        "written": totals.written,
        "output_bytes": totals.output_bytes,
        "remarks": list(totals.remarks),
    }
    call = job_becomes(table, job.job_id, job.run, JobState.SEALED, now_ms, sets=sets, sources=(JobState.RUNNING,))
    try:
        answer = yield Call(call.service, call.operation, {**call.params, "ReturnValues": "ALL_NEW"})
    except ConditionFailed as failed:
        if failed.item is None:
            raise
        return JobItem.of(failed.item)
    return JobItem.of(answer["Attributes"])


def may_have_strays(items: Sequence[ChunkItem], proof: Proven) -> bool:
    """Whether anybody but the committed attempts may have written: then the run's prefixes are listed and swept.

    A failure leaves `attempts` above one, orderly releases and outages are counted apart, a redo is a further round,
    and of a chunk that owns no record nothing is listed. Where there was none of these, listing would find what the
    manifest holds; most jobs are so, and their end is a quarter of the calls shorter.
    """
    unlisted = any(chunk.report is None for chunk in proof.chunks)
    return unlisted or any(item.round > 0 or item.attempts + item.releases + item.outages > 1 for item in items)


def _publish(bucket: str, job: JobItem, run: RunItem, manifest: Manifest, *, strays: bool) -> Steps[None]:
    dataset = run.pin.dataset.name
    names = manifest_key(dataset, job.job_id, run.run), success_key(dataset, job.job_id, run.run)
    yield Call(
        "s3",
        "put_object",
        {
            "Bucket": bucket,
            "Key": names[0],
            "Body": manifest.model_dump_json(indent=2, exclude_none=True).encode(),
            "ContentType": "application/json",
        },
    )
    listed = {*manifest.output_keys, *manifest.rejects_keys, *names}
    if strays:
        yield from sweep_run(bucket, dataset, job.job_id, run.run, listed=listed)
    if job.chunked:
        yield from sweep_temp(bucket, job.job_id, run.run)
    yield Call("s3", "put_object", {"Bucket": bucket, "Key": names[1], "Body": b""})


def manifest_of(bucket: str, job: JobItem, run: RunItem, proof: Proven, totals: Totals) -> Manifest:
    """The manifest; the same table gives the same bytes, whoever writes it and however often."""
    chunks: list[ManifestChunk] = []
    base = 0
    for chunk in proof.chunks:
        report = chunk.report
        chunks.append(
            ManifestChunk(
                chunk=chunk.chunk,
                first=chunk.first,
                next=chunk.next,
                base=base,
                read=report.read if report else 0,
                written=report.written if report else 0,
                rejected=report.rejected if report else 0,
                filtered=report.filtered if report else 0,
                outputs=report.outputs if report else (),
                rejects=report.rejects if report else None,
            )
        )
        base += report.read if report else 0
    output = run.pin.dataset.output
    inferred = _inferred(run, proof)
    return Manifest(
        job_id=job.job_id,
        run=run.run,
        dataset=run.pin.dataset.name,
        source=run.pin.source,
        format=output.format,
        compression=output.compression or ("zstd" if output.format == "parquet" else "none"),
        accepted_at=iso(run.pin.accepted_at_ms),
        sealed_at=job.sealed_at or "",
        engine_revision=run.pin.engine_revision,
        bucket=bucket,
        read=totals.read,
        written=totals.written,
        rejected=totals.rejected,
        filtered=totals.filtered,
        reject_codes=totals.reject_codes,
        input_bytes=totals.input_bytes,
        output_bytes=totals.output_bytes,
        chunks=tuple(chunks),
        remarks=totals.remarks,
        columns=(*run.pin.dataset.schema_.columns, *inferred_columns(inferred)),
        inferred=tuple(inferred),
    )


def _inferred(run: RunItem, proof: Proven) -> dict[str, ColumnType]:
    """What the plan says, or, where it leaves the reading to the one worker, what that worker used."""
    if run.plan is not None and run.plan.reading is not None:
        return run.plan.reading.inferred or {}
    reports = (chunk.report for chunk in proof.chunks if chunk.report is not None)
    return next((report.inferred for report in reports if report.inferred), {})


def abandon(table: str, bucket: str, job_id: str, run_number: int, cause: Any, now_ms: int) -> Steps[JobState | None]:
    """The state machine gave up on a run: the job fails with the cause, unless it has ended or is sealed."""
    job = yield from get_job(table, job_id)
    if job is None:
        return None
    if job.run != run_number or not job.workable:
        return job.status
    error = JobError(
        stage=Stage.COORDINATE,
        code="execution_failed",
        message=f"the state machine gave up: {str(cause)[:_CAUSE_CHARS]}; `haulier retry {job_id}` starts it again",
    )
    return (yield from fail(table, bucket, job, error, now_ms))

"""What a run that is over leaves behind: outputs nobody lists, open uploads, plans. All of it goes, then it is noted.

Who seals a run sweeps it too; this is for what a worker wrote after that, and for runs that were never sealed. Only the
ended run's own prefixes are touched, so a retry that starts meanwhile loses nothing.
"""

import contextlib

from dispatcher import log
from haulier.contracts.keys import batch_lists_prefix, manifest_key, success_key
from haulier.contracts.manifest import Manifest
from haulier.contracts.states import JobState
from haulier.jobs.batch import get_sections
from haulier.jobs.calls import Call, ConditionFailed, NotFound, Steps
from haulier.jobs.items import JOB_SK, JobItem
from haulier.jobs.sweep import delete_keys, list_keys, sweep_run, sweep_temp
from haulier.jobs.times import iso, parse_iso
from haulier.jobs.verdicts import failure_record
from haulier.jobs.writes import update


def clean(table: str, bucket: str, job: JobItem, now_ms: int) -> Steps[int]:
    """Sweeps the job's present run and those before it, and notes it as cleaned; returns how many things were deleted.

    Of a run that succeeded, everything its manifest lists stays. Of one that failed, rejects stay: they say why. A run
    before the present one was over when that was asked for, perhaps too short a time ago to have been cleaned.
    """
    gone = 0
    if job.is_batch:
        gone += yield from _clean_lists(table, bucket, job)
    elif job.status != JobState.REJECTED:  # whose run never began
        for run in range(1, job.run + 1):
            gone += yield from _clean_run(bucket, job, run)
    if job.status == JobState.FAILED and job.error is not None:
        yield failure_record(bucket, job, job.error, parse_iso(job.finished_at or job.updated_at))
    yield from _note(table, job, {"cleaned_at": iso(now_ms)})
    return gone


def _clean_lists(table: str, bucket: str, job: JobItem) -> Steps[int]:
    """Sections of a batch's list that no item names: written by a call that died before it could, or came second.
    Those that are named stay for a retry, and all results stay.
    """
    strays: list[str] = []
    for run in range(1, job.run + 1):
        # Objects first: each is written before the item that names it.
        keys = yield from list_keys(bucket, f"{batch_lists_prefix(job.job_id)}r{run:04d}-")
        named = {section.key for section in (yield from get_sections(table, job.job_id, run))}
        strays += [key for key in keys if key not in named]
    return (yield from delete_keys(bucket, strays))


def _clean_run(bucket: str, job: JobItem, run: int) -> Steps[int]:
    gone = 0
    present = run == job.run
    listed = yield from _listed(bucket, job, run)
    if listed or not (present and job.status == JobState.SUCCEEDED):
        gone += yield from sweep_run(
            bucket,
            job.dataset,
            job.job_id,
            run,
            listed=listed,
            keep_rejects=not listed and not (present and job.status == JobState.CANCELLED),
        )
    else:
        log.warning("manifest.missing", job_id=job.job_id, run=run)
    return gone + (yield from sweep_temp(bucket, job.job_id, run))


def tell_again(table: str, job: JobItem, now_ms: int) -> Steps[None]:
    """Asks the table's stream to tell of the job's end once more; whoever hears it twice knows the event id."""
    yield from _note(table, job, {"announce_again": iso(now_ms)})


def _note(table: str, job: JobItem, sets: dict[str, str]) -> Steps[None]:
    """Written only while the job is where it was seen: a run that was started since has an end of its own."""
    with contextlib.suppress(ConditionFailed):
        yield update(
            table,
            job.job_id,
            JOB_SK,
            sets=sets,
            condition="#run = :run AND #status = :state",
            names={"#run": "run", "#status": "status"},
            values={":run": job.run, ":state": str(job.status)},
        )


def _listed(bucket: str, job: JobItem, run: int) -> Steps[set[str]]:
    """Keys of a run that stay: those of its manifest, if it has one, since only a sealed run has."""
    names = [name(job.dataset, job.job_id, run) for name in (manifest_key, success_key)]
    try:
        answer = yield Call("s3", "get_object", {"Bucket": bucket, "Key": names[0]})
    except NotFound:
        return set()
    manifest = Manifest.of(answer["Body"])
    return {*names, *manifest.output_keys, *manifest.rejects_keys}

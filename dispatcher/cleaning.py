"""What a run that is over leaves behind: outputs nobody lists, open uploads, plans. All of it goes, then it is noted.

Who seals a run sweeps it too; this is for what a worker wrote after that, and for runs that were never sealed. Only the
ended run's own prefixes are touched, so a retry that starts meanwhile loses nothing.
"""

import contextlib

from dispatcher import log
from haulier.contracts.keys import manifest_key, plan_key, success_key
from haulier.contracts.manifest import Manifest
from haulier.contracts.states import JobState
from haulier.jobs.calls import Call, ConditionFailed, NotFound, Steps
from haulier.jobs.items import JOB_SK, JobItem
from haulier.jobs.sweep import delete_keys, list_keys, sweep_run
from haulier.jobs.times import iso
from haulier.jobs.writes import update


def clean(table: str, bucket: str, job: JobItem, now_ms: int) -> Steps[int]:
    """Sweeps the job's present run and notes it as cleaned; returns how many things were deleted.

    Of a run that succeeded, everything its manifest lists stays. Of one that failed, rejects stay: they say why.
    """
    gone = 0
    if job.status != JobState.REJECTED:  # whose run never began
        listed = yield from _listed(bucket, job)
        if listed is not None:
            keep_rejects = job.status == JobState.FAILED
            gone += yield from sweep_run(
                bucket, job.dataset, job.job_id, job.run, listed=listed, keep_rejects=keep_rejects
            )
        plans = plan_key(job.job_id, job.run, 0).rpartition("/")[0] + "/"
        gone += yield from delete_keys(bucket, (yield from list_keys(bucket, plans)))
    yield from _note(table, job, {"cleaned_at": iso(now_ms)})
    return gone


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


def _listed(bucket: str, job: JobItem) -> Steps[set[str] | None]:
    """Keys that stay; None if that cannot be told, so that nothing may be deleted."""
    if job.status != JobState.SUCCEEDED:
        return set()
    names = [name(job.dataset, job.job_id, job.run) for name in (manifest_key, success_key)]
    try:
        answer = yield Call("s3", "get_object", {"Bucket": bucket, "Key": names[0]})
    except NotFound:
        log.warning("manifest.missing", job_id=job.job_id, run=job.run, key=names[0])
        return None
    manifest = Manifest.model_validate_json(answer["Body"])
    return {*names, *manifest.output_keys, *manifest.rejects_keys}

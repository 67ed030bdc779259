"""Jobs as the API shows them: one of them, or a page. Reads only."""

import base64
import binascii
import json
from collections import Counter

from dispatcher.api_answers import wrong
from haulier.contracts.api import Counts, Job, JobDetail, Members, Progress, Results
from haulier.contracts.batch import BatchProgress
from haulier.contracts.ids import is_job_id
from haulier.contracts.keys import manifest_key, rejected_prefix, run_prefix
from haulier.contracts.states import JobState
from haulier.jobs.calls import Steps
from haulier.jobs.items import JobItem
from haulier.jobs.members import states_of
from haulier.jobs.newest import Position
from haulier.jobs.progress import SUMMED, run_progress
from haulier.jobs.tally import MEMBERS_FAILED
from haulier.jobs.times import parse_iso
from haulier.jobs.writes import get_chunks, get_run

_JOB_FIELDS = (
    "job_id", "run", "operation", "dataset", "bucket", "key", "version_id", "size", "queue", "batch", "created_at",
    "updated_at", "finished_at", "error",
)  # fmt: skip
_DETAIL_FIELDS = ("file_type", "running_at", "sealed_at", "remarks")


def shown(job: JobItem) -> Job:
    """A job as lists show it."""
    return Job(state=job.status, **{name: getattr(job, name) for name in _JOB_FIELDS})


def detail(table: str, output_bucket: str, job: JobItem) -> Steps[JobDetail]:
    """A job with its present run's progress. The run's chunks are read only while the job has no sums of its own."""
    progress, members = None, None
    if job.is_batch:
        members, counts = _of_batch(job)
    else:
        run, chunks = None, []
        if job.status not in SUMMED:
            run = yield from get_run(table, job.job_id, job.run)
            chunks = (yield from get_chunks(table, job.job_id, job.run)) if run else []
        sums = run_progress(job, run, chunks)
        counts = Counts(read=sums.read, written=job.written, rejected=sums.rejected, filtered=job.filtered)
        progress = Progress(
            bytes_done=sums.bytes_done,
            bytes_total=sums.bytes_total,
            chunks_done=sums.chunks_done,
            chunks_total=sums.chunks_total,
        )
    return JobDetail(
        **shown(job).model_dump(),
        **{name: getattr(job, name) for name in _DETAIL_FIELDS},
        progress=progress,
        members=members,
        counts=counts,
        results=_results(output_bucket, job),
    )


def _of_batch(job: JobItem) -> tuple[Members, Counts]:
    found = job.progress or BatchProgress()
    states = Counter(states_of(found.tally)) + Counter(found.ahead)
    sums = {name: found.tally.get(name, 0) for name in ("read", "written", "rejected", "filtered")}
    return Members(listed=found.listed, complete=found.complete, states=dict(sorted(states.items()))), Counts(**sums)


def _results(bucket: str, job: JobItem) -> Results | None:
    if job.status == JobState.REJECTED:
        return None
    at = (job.dataset, job.job_id, job.run)
    listed = job.error is not None and job.error.code == MEMBERS_FAILED
    return Results(
        outputs=f"s3://{bucket}/{run_prefix(*at)}",
        rejects=f"s3://{bucket}/{rejected_prefix(*at)}",
        manifest=f"s3://{bucket}/{manifest_key(*at)}" if job.status == JobState.SUCCEEDED or listed else None,
    )


def token_of(status: JobState | None, position: Position) -> str:
    """A page's end as text that goes into a URL. It is no secret: it holds what the page showed."""
    held = json.dumps([status or "", *position], separators=(",", ":"))
    return base64.urlsafe_b64encode(held.encode()).decode().rstrip("=")


def position_of(token: str, status: JobState | None) -> Position:
    """Where the page after `token` begins.

    Raises:
        Declined: it is no token of ours, or one of another list.
    """
    try:
        held = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        asked, moment, job_id = map(str, held)
        parse_iso(moment)
    except (binascii.Error, ValueError, TypeError):
        raise wrong("next_token", "it is none that this API gave; begin again without one") from None
    if not is_job_id(job_id):
        raise wrong("next_token", "it is none that this API gave; begin again without one")
    if asked != (status or ""):
        raise wrong("next_token", f"it belongs to a list with status={asked or '(any)'}")
    return moment, job_id

"""The table's stream is the outbox: which change of a job item is told to the world, and in what words."""

from haulier.contracts.events import JobChanged
from haulier.contracts.keys import manifest_key
from haulier.contracts.states import JobState
from haulier.jobs.items import JobItem
from haulier.jobs.members import states_of
from haulier.jobs.tally import MEMBERS_FAILED


def event_id(job: JobItem) -> str:
    """Names the transition that brought the job where it is; the same for every delivery of it."""
    return f"{job.job_id}-r{job.run:04d}-{job.status}"


def announcement(old: JobItem | None, new: JobItem, output_bucket: str) -> JobChanged | None:
    """The event of a transition, or None if the item changed otherwise.

    An end that nobody noted as told is told again when the janitor asks for it (`announce_again`), by the same path and
    with the same event id. An end that is noted as told is never told again: such an item came back from a backup.
    """
    if new.final and new.announced == event_id(new):
        return None
    if old is not None and (old.status, old.run) == (new.status, new.run):
        asked = new.announce_again is not None and new.announce_again != old.announce_again
        if not (asked and new.final):
            return None
    # Of a batch that failed, the manifest says which of its members did.
    listed = new.is_batch and new.error is not None and new.error.code == MEMBERS_FAILED
    published = new.status == JobState.SUCCEEDED or listed
    return JobChanged(
        event_id=event_id(new),
        job_id=new.job_id,
        run=new.run,
        state=new.status,
        at=new.updated_at,
        dataset=new.dataset,
        bucket=new.bucket,
        key=new.key,
        size=new.size,
        file_type=new.file_type,
        read=new.read,
        written=new.written,
        rejected=new.rejected,
        members=states_of(new.progress.tally) if new.progress is not None and new.final else None,
        manifest=f"s3://{output_bucket}/{manifest_key(new.dataset, new.job_id, new.run)}" if published else None,
        error=new.error,
    )

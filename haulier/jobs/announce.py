"""The table's stream is the outbox: which change of a job item is told to the world, and in what words."""

from haulier.contracts.events import JobChanged
from haulier.contracts.keys import manifest_key
from haulier.contracts.states import JobState
from haulier.jobs.items import JobItem


def announcement(old: JobItem | None, new: JobItem, output_bucket: str) -> JobChanged | None:
    """The event of a transition, or None if the item changed otherwise.

    The event id follows from job, run and state, so that every delivery of the same transition has the same.
    """
    if old is not None and (old.status, old.run) == (new.status, new.run):
        return None
    published = new.status == JobState.SUCCEEDED
    return JobChanged(
        event_id=f"{new.job_id}-r{new.run:04d}-{new.status}",
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
        manifest=f"s3://{output_bucket}/{manifest_key(new.dataset, new.job_id, new.run)}" if published else None,
        error=new.error,
    )

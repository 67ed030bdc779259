"""Which open jobs stand still: for the alarm, since nothing is ever failed for being silent."""

from collections.abc import Iterator, Sequence

from haulier.contracts.states import OPEN
from haulier.jobs.items import ChunkItem, JobItem
from haulier.jobs.times import parse_iso


def stalled(job: JobItem, chunks: Sequence[ChunkItem], *, now_ms: int, after_seconds: float) -> bool:
    """Whether nothing of an open job has moved for that long.

    What moves a job is a change of its state, a commit, and a lease that is being renewed. To be enqueued again is not:
    that is what happens to a job that stands still. A batch whose members are at work waits for them: each of those is
    looked at by itself.

    Args:
        job: the job.
        chunks: every round of every chunk of its present run; none where they were not read.
        now_ms: milliseconds since the epoch.
        after_seconds: how long is too long.
    """
    waits = job.progress is not None and any(job.progress.ahead.get(state) for state in OPEN)
    return not job.final and not waits and now_ms - max(_moved(job, chunks)) > after_seconds * 1000


def _moved(job: JobItem, chunks: Sequence[ChunkItem]) -> Iterator[int]:
    """When something did, in milliseconds since the epoch; a lease lasts into the future."""
    yield parse_iso(job.updated_at)
    for chunk in chunks:
        yield chunk.lease_until or 0
        if chunk.committed_at is not None:
            yield parse_iso(chunk.committed_at)

"""How far a job has come, from what its chunks report. For people's eyes, and never for a decision."""

from dataclasses import dataclass

from haulier.client.jobs import JobView
from haulier.contracts.states import JobState
from haulier.jobs.items import ChunkItem
from haulier.jobs.times import parse_iso


@dataclass(frozen=True, slots=True)
class Progress:
    """Sums over a run.

    Attributes:
        bytes_done: of the object, never more than `bytes_total`.
        bytes_total: the object's size.
        chunks_done: committed; a chunk that is being redone is not.
        chunks_total: None while the job is not planned.
        read: records read so far.
        rejected: records set aside so far.
    """

    bytes_done: int
    bytes_total: int
    chunks_done: int
    chunks_total: int | None
    read: int
    rejected: int


def progress_of(view: JobView) -> Progress:
    """Adds up a run's chunks; a run that is sealed knows its own sums."""
    job = view.job
    if job.status in (JobState.SEALED, JobState.SUCCEEDED):
        chunks = job.chunks or 1
        return Progress(job.size, job.size, chunks, chunks, job.read or 0, job.rejected or 0)
    planned = _planned(view)
    # The number after the last is the run's join (`jobs.join`), which reads nothing.
    newest = [item for item in view.newest_chunks.values() if planned is None or item.chunk < planned]
    return Progress(
        bytes_done=min(sum(_bytes(item) for item in newest), job.size),
        bytes_total=job.size,
        chunks_done=sum(item.report is not None for item in newest),
        chunks_total=planned,
        read=sum(item.report.read if item.report else item.progress_read for item in newest),
        rejected=sum(item.report.rejected if item.report else item.progress_rejected for item in newest),
    )


def _bytes(item: ChunkItem) -> int:
    return item.report.input_bytes if item.report else item.progress_bytes


def _planned(view: JobView) -> int | None:
    if view.run and view.run.plan:
        return view.run.plan.chunks
    return None if view.job.chunked else 1


def working_seconds(view: JobView, now_ms: int) -> float | None:
    """From the first claim to the end, or to now; None if nobody has begun."""
    job = view.job
    if job.running_at is None:
        return None
    end = parse_iso(job.finished_at) if job.finished_at else now_ms
    return max(end - parse_iso(job.running_at), 0) / 1000


def total_seconds(view: JobView, now_ms: int) -> float:
    """From the run's acceptance to its end, or to now."""
    job = view.job
    end = parse_iso(job.finished_at) if job.finished_at else now_ms
    return max(end - job.accepted_at_ms, 0) / 1000


def megabytes_per_second(view: JobView, now_ms: int) -> float | None:
    """10^6 bytes of the object a second of work; None if nobody has begun or nothing was read yet."""
    seconds = working_seconds(view, now_ms)
    done = progress_of(view).bytes_done
    return done / 1e6 / seconds if seconds and done else None

"""How far a job has come and how fast, for people's eyes."""

from haulier.client.jobs import JobView
from haulier.jobs.progress import Progress, run_progress
from haulier.jobs.times import parse_iso

__all__ = ["Progress", "megabytes_per_second", "progress_of", "total_seconds", "working_seconds"]


def progress_of(view: JobView) -> Progress:
    """Sums over the job's present run."""
    return run_progress(view.job, view.run, view.chunks)


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

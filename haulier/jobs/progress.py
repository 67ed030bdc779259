"""How far a run has come, from what its chunks report. For people's eyes, and never for a decision."""

from collections.abc import Iterable
from dataclasses import dataclass

from haulier.contracts.states import JobState
from haulier.jobs.items import ChunkItem, JobItem, RunItem

SUMMED = frozenset({JobState.SEALED, JobState.SUCCEEDED})
"""States in which the job item holds the run's own sums, so that its chunks need not be read."""


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


def newest_rounds(chunks: Iterable[ChunkItem]) -> dict[int, ChunkItem]:
    """Each chunk's newest round, by index, in order."""
    newest: dict[int, ChunkItem] = {}
    for item in chunks:
        if item.chunk not in newest or item.round > newest[item.chunk].round:
            newest[item.chunk] = item
    return dict(sorted(newest.items()))


def run_progress(job: JobItem, run: RunItem | None, chunks: Iterable[ChunkItem]) -> Progress:
    """Adds up a run's chunks; a run that is sealed knows its own sums.

    Args:
        job: the job.
        run: its present run; None if it was refused at intake.
        chunks: every round of that run's chunks; not looked at for a job in one of `SUMMED`.
    """
    if job.status in SUMMED:
        total = job.chunks or 1
        return Progress(job.size, job.size, total, total, job.read or 0, job.rejected or 0)
    planned = _planned(job, run)
    # The number after the last is the run's join (`jobs.join`), which reads nothing.
    newest = [item for item in newest_rounds(chunks).values() if planned is None or item.chunk < planned]
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


def _planned(job: JobItem, run: RunItem | None) -> int | None:
    if run and run.plan:
        return run.plan.chunks
    return None if job.chunked else 1

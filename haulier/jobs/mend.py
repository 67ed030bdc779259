"""What the janitor does with a job it finds: a pure decision, so that every job reaches a final state.

Nothing here fails a job: FAILED comes only from a spent failure count or a permanent error, never from silence. Work
that nobody holds is enqueued again after a wait that doubles each time, so that a long queue is not flooded with copies
of what already waits in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from haulier.contracts.limits import (
    CLOCK_SKEW_SECONDS,
    HEARTBEAT_SECONDS,
    LEASE_SECONDS,
    RELEASES_BEFORE_ONDEMAND,
    REQUEUE_CEILING_SECONDS,
)
from haulier.contracts.states import JobState
from haulier.jobs.announce import event_id
from haulier.jobs.batch import is_stopped
from haulier.jobs.items import ChunkItem, JobItem
from haulier.jobs.ondemand import ONDEMAND
from haulier.jobs.times import parse_iso

SETTLED_SECONDS = 60
"""How long a sealed or ended job is left to whoever is on it."""
CLEAN_AFTER_SECONDS = LEASE_SECONDS + CLOCK_SKEW_SECONDS + HEARTBEAT_SECONDS
"""By then a worker that learned nothing of the end has stopped by itself, its lease having run out."""
UNTOLD_SECONDS = 180
"""How long the stream is given to tell of an end before it is asked to tell again."""


class Execution(StrEnum):
    """What became of a chunked job's state machine execution."""

    RUNNING = "running"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Enqueue:
    """An ACCEPTED job was never handed over, or nobody noted it."""


@dataclass(frozen=True, slots=True)
class SendAgain:
    """A chunk that nobody holds and nobody enqueued lately. `queue` is None for the job's own."""

    chunk: int
    round: int
    enqueues: int
    queue: str | None = None


@dataclass(frozen=True, slots=True)
class Restart:
    """A chunked job or a batch whose execution is gone: the next one takes up what the table says."""


@dataclass(frozen=True, slots=True)
class Finish:
    """Committed or sealed, and whoever was on it is not any more."""


@dataclass(frozen=True, slots=True)
class Announce:
    """Over, and nobody noted that the world was told."""


@dataclass(frozen=True, slots=True)
class Clean:
    """Over, but what it left unlisted may still lie about."""


Mending = Enqueue | SendAgain | Restart | Finish | Announce | Clean


def requeue_wait_seconds(enqueues: int, requeue_after_seconds: float) -> float:
    """How long after the last enqueue the next may follow."""
    return min(REQUEUE_CEILING_SECONDS, requeue_after_seconds * 2.0 ** min(max(enqueues - 1, 0), 20))


def mend(
    job: JobItem,
    chunks: Sequence[ChunkItem],
    *,
    execution: Execution | None,
    now_ms: int,
    requeue_after_seconds: float,
) -> list[Mending]:
    """What must be done for the job now; empty if somebody is on it.

    Args:
        job: the job.
        chunks: every round of every chunk of its present run.
        execution: of a chunked job that was enqueued; None for others.
        now_ms: milliseconds since the epoch.
        requeue_after_seconds: the first wait before work that nobody holds is enqueued again.
    """
    quiet_ms = now_ms - parse_iso(job.updated_at)
    if job.final:
        stopping = _restart(job, execution, now_ms, requeue_after_seconds) if not is_stopped(job) else []
        return [*_ended(job, quiet_ms), *stopping]
    if job.status == JobState.SEALED:
        return [Finish()] if quiet_ms > SETTLED_SECONDS * 1000 else []
    if job.status == JobState.ACCEPTED:
        return [Enqueue()] if quiet_ms > min(SETTLED_SECONDS, requeue_after_seconds) * 1000 else []
    if job.chunked:
        if execution is Execution.GONE:
            return _restart(job, execution, now_ms, requeue_after_seconds)
        return _abandoned(job, chunks, now_ms, requeue_after_seconds)
    if not chunks:
        waited = now_ms - max(job.enqueued_at_ms, parse_iso(job.updated_at))
        due = requeue_wait_seconds(job.enqueues, requeue_after_seconds) * 1000
        return [SendAgain(0, 0, job.enqueues)] if waited > due else []
    if chunks[0].report is not None:
        return [Finish()] if quiet_ms > SETTLED_SECONDS * 1000 else []
    return _abandoned(job, chunks, now_ms, requeue_after_seconds)


def needs_a_look(job: JobItem) -> bool:
    """Whether an ended job has something left to be done for it."""
    return job.cleaned_at is None or job.announced != event_id(job)


def _ended(job: JobItem, quiet_ms: int) -> list[Mending]:
    found: list[Mending] = []
    if job.announced != event_id(job) and quiet_ms > UNTOLD_SECONDS * 1000:
        found.append(Announce())
    if job.cleaned_at is None and is_stopped(job) and quiet_ms > CLEAN_AFTER_SECONDS * 1000:
        found.append(Clean())
    return found


def _restart(job: JobItem, execution: Execution | None, now_ms: int, requeue_after_seconds: float) -> list[Mending]:
    """The next execution, if the present one is gone: of an open job, or of a cancelled batch with members to stop."""
    if execution is not Execution.GONE:
        return []
    # A moment's grace: an execution that has just ended may be ahead of the job's own last write, and one that has just
    # been started may not be seen yet (DescribeExecution is eventually consistent).
    patience = min(SETTLED_SECONDS, requeue_after_seconds)
    quiet_ms = now_ms - max(job.enqueued_at_ms, parse_iso(job.updated_at))
    # From when the last one began: one that ran for long (of a batch, a day) is no failure that is waited for.
    due = requeue_wait_seconds(job.restarts, requeue_after_seconds) if job.restarts else patience
    began_ms = now_ms - job.enqueued_at_ms
    return [Restart()] if quiet_ms > patience * 1000 and began_ms > due * 1000 else []


def _abandoned(job: JobItem, chunks: Sequence[ChunkItem], now_ms: int, requeue_after_seconds: float) -> list[Mending]:
    """Chunks that were claimed once and are held by nobody: their message may have been deleted at SQS's 12 h wall."""
    found: list[Mending] = []
    for chunk in chunks:
        live = chunk.lease_until is not None and chunk.lease_until + CLOCK_SKEW_SECONDS * 1000 > now_ms
        if chunk.report is not None or live:
            continue
        since = max(chunk.enqueued_at_ms, chunk.lease_until or 0, parse_iso(job.updated_at))
        if now_ms - since > requeue_wait_seconds(chunk.enqueues + 1, requeue_after_seconds) * 1000:
            # Of a chunked job only a redo of a span is surely long; the rest moves at its next release.
            long = not job.chunked or chunk.end is not None
            queue = ONDEMAND if long and chunk.releases >= RELEASES_BEFORE_ONDEMAND else None
            found.append(SendAgain(chunk.chunk, chunk.round, chunk.enqueues, queue))
    return found

"""What a holder does with its lease: beat, commit, give back. Each is one conditional write that names the attempt.

The commit does not name the job's state in its own condition: a condition check on the job item would make every chunk
of a job contend for that one item (DynamoDB: TransactionConflict). It reads the job first, and a commit that slips in
after a cancel changes nothing, because only a RUNNING job of the same run can be sealed.
"""

from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from haulier.contracts.errors import InvalidRecord
from haulier.contracts.events import JobError
from haulier.contracts.limits import KIB
from haulier.contracts.profile import ChunkProfile
from haulier.contracts.report import ChunkReport
from haulier.contracts.states import JobState
from haulier.jobs.calls import Call, ConditionFailed, Steps
from haulier.jobs.items import JOB_SK, ChunkItem, JobItem, chunk_sk, key_of, profile_sk
from haulier.jobs.profiles import put_profile
from haulier.jobs.times import iso
from haulier.jobs.writes import get_job, update

_MINE = "#lease_attempt = :mine AND attribute_not_exists(#report)"
_NAMES = {"#lease_attempt": "lease_attempt", "#report": "report"}
_BATCH = 100
"""Items a BatchGetItem may name (DynamoDB)."""
_COMMIT_BYTES = 380 * KIB
"""Of a report and a profile beside it: an item has 400 KB (DynamoDB), and some of it is the lease's."""


@dataclass(frozen=True, slots=True)
class Holding:
    """Names what an attempt holds."""

    job_id: str
    run: int
    chunk: int
    round: int
    attempt: str

    @property
    def sk(self) -> str:
        return chunk_sk(self.run, self.chunk, self.round)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the attempt has come; for the user's eyes, and never for a decision."""

    bytes: int = 0
    read: int = 0
    rejected: int = 0


class Beat(StrEnum):
    """What a heartbeat found. LOST and JOB_OVER cancel the work at once."""

    HELD = "held"
    LOST = "lost"
    JOB_OVER = "job_over"


def beat(table: str, holding: Holding, progress: Progress, *, now_ms: int, lease_seconds: float) -> Steps[Beat]:
    """Renews the lease and looks whether the job still wants the work."""
    try:
        yield update(
            table,
            holding.job_id,
            holding.sk,
            sets={
                "lease_until": round(now_ms + lease_seconds * 1000),
                "progress_bytes": progress.bytes,
                "progress_read": progress.read,
                "progress_rejected": progress.rejected,
            },
            condition=_MINE,
            names=_NAMES,
            values={":mine": holding.attempt},
        )
    except ConditionFailed:
        return Beat.LOST
    job = yield from get_job(table, holding.job_id)
    return Beat.HELD if job is not None and job.workable and job.run == holding.run else Beat.JOB_OVER


def unwanted(table: str, holdings: Collection[Holding]) -> Steps[set[Holding]]:
    """Those nobody wants any more, since their job is over or in another run: a look between two beats, one call for
    up to a hundred jobs. What DynamoDB leaves unread, and what this release cannot read, is left to the next beat.
    """
    jobs = list(dict.fromkeys(holding.job_id for holding in holdings))
    found: dict[str, JobItem] = {}
    for at in range(0, len(jobs), _BATCH):
        keys = [key_of(job_id, JOB_SK) for job_id in jobs[at : at + _BATCH]]
        wanted = {table: {"Keys": keys, "ConsistentRead": True}}
        answer = yield Call("dynamodb", "batch_get_item", {"RequestItems": wanted})
        for item in answer.get("Responses", {}).get(table, []):
            with suppress(InvalidRecord):
                found[item["job_id"]["S"]] = JobItem.of(item)
    return {
        holding
        for holding in holdings
        if (job := found.get(holding.job_id)) is not None and not (job.workable and job.run == holding.run)
    }


def commit(table: str, holding: Holding, report: ChunkReport, *, now_ms: int) -> Steps[ChunkItem | Beat]:
    """The commit point of an attempt: its report enters the table, and from then on its outputs count.

    Returns the chunk as it stands, with the newest token that waits for it; or LOST / JOB_OVER, and then nothing was
    written and the attempt's outputs are nobody's.
    """
    job = yield from get_job(table, holding.job_id)
    if job is None or job.run != holding.run or job.status != JobState.RUNNING:
        return Beat.JOB_OVER
    beside, written = report.profile, report.to_json()
    if beside is not None and job.chunked:
        # If we die before the commit, nobody reads it: it is named by an attempt that never committed, and expires.
        sk = profile_sk(holding.run, holding.chunk, holding.round, holding.attempt)
        yield put_profile(table, holding.job_id, sk, beside, now_ms)
        beside = None
    call = update(
        table,
        holding.job_id,
        holding.sk,
        sets={
            "report": written,
            "committed_attempt": holding.attempt,
            "committed_at": iso(now_ms),
            "progress_bytes": report.input_bytes,
            "progress_read": report.read,
            "progress_rejected": report.rejected,
            "profile": _fitting(beside, written) if beside is not None else None,
        },
        removes=("lease_until", "lease_message", "failure"),
        condition=_MINE,
        names=_NAMES,
        values={":mine": holding.attempt},
    )
    try:
        answer = yield Call(call.service, call.operation, {**call.params, "ReturnValues": "ALL_NEW"})
    except ConditionFailed as failed:
        # Our own write may have arrived with its answer lost: then the report there is ours.
        if failed.item is not None:
            there = ChunkItem.of(failed.item)
            if there.committed_attempt == holding.attempt:
                return there
        return Beat.LOST
    return ChunkItem.of(answer["Attributes"])


def _fitting(profile: ChunkProfile, report: str) -> str | None:
    """The profile as JSON, if the report leaves room for it: a run can do without."""
    text = profile.to_json()
    return text if len(text.encode()) + len(report.encode()) <= _COMMIT_BYTES else None


def release(table: str, holding: Holding, *, queued_at_ms: int | None = None) -> Steps[bool]:
    """Gives the chunk back in order (a stop, a deployment): no failure is counted. False if it was not ours.

    Args:
        table: the job table.
        holding: what is given back.
        queued_at_ms: when its message goes back to its queue, for the janitor, who else sends a copy of what only
            waits; None if there is no message any more.
    """
    return (yield from _let_go(table, holding, queued_at_ms, adds={"attempts": -1, "releases": 1}))


def give_up(table: str, holding: Holding, failure: JobError, *, queued_at_ms: int | None = None) -> Steps[bool]:
    """Gives the chunk back after a failure that may pass: the attempt stays counted and the reason is kept."""
    return (yield from _let_go(table, holding, queued_at_ms, failure=failure))


def excuse(table: str, holding: Holding, failure: JobError, *, queued_at_ms: int | None = None) -> Steps[bool]:
    """Gives the chunk back after a service's failure: no failure of the chunk is counted, but the outage is."""
    return (yield from _let_go(table, holding, queued_at_ms, adds={"attempts": -1, "outages": 1}, failure=failure))


def _let_go(
    table: str,
    holding: Holding,
    queued_at_ms: int | None,
    *,
    adds: dict[str, int] | None = None,
    failure: JobError | None = None,
) -> Steps[bool]:
    sets: dict[str, str | int] = {"failure": failure.to_json()} if failure else {}
    if queued_at_ms is not None:
        sets["enqueued_at_ms"] = queued_at_ms
    try:
        yield update(
            table,
            holding.job_id,
            holding.sk,
            sets=sets,
            removes=("lease_until", "lease_message", "lease_attempt"),
            adds=adds,
            condition=_MINE,
            names=_NAMES,
            values={":mine": holding.attempt},
        )
    except ConditionFailed:
        return False
    return True

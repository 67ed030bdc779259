"""What a worker does first with a message: find out whose the chunk is, and take it if it is nobody's.

"Mine" means this attempt, never this worker: the same message delivered twice to one worker is two attempts.
"""

from dataclasses import dataclass
from typing import Any

from haulier.contracts.errors import InvalidRecord, NewerRecord
from haulier.contracts.events import JobError
from haulier.contracts.limits import CLOCK_SKEW_SECONDS, JOB_TTL_SECONDS
from haulier.contracts.messages import ChunkMessage
from haulier.contracts.run import ENGINE_REVISION
from haulier.contracts.states import JobState
from haulier.jobs.calls import Call, ConditionFailed, Steps
from haulier.jobs.items import JOB_SK, ChunkItem, JobItem, RunItem, chunk_sk, key_of, run_sk
from haulier.jobs.times import iso
from haulier.jobs.writes import job_becomes, update

_TRIES = 4


@dataclass(frozen=True, slots=True)
class Claimed:
    """The chunk is this attempt's until the lease ends. `chunk` is as it stands after the claim."""

    job: JobItem
    run: RunItem
    chunk: ChunkItem


@dataclass(frozen=True, slots=True)
class AlreadyCommitted:
    """Somebody finished the chunk: run all later steps, answer the token this message brought, delete it."""

    job: JobItem
    run: RunItem
    chunk: ChunkItem


@dataclass(frozen=True, slots=True)
class JobOver:
    """The job is final, or in another run: answer the token, delete the message, do nothing else."""

    job: JobItem


@dataclass(frozen=True, slots=True)
class HeldHere:
    """A live lease of another attempt on this same message (it came back early): hide it until the lease ends."""

    until_ms: int


@dataclass(frozen=True, slots=True)
class HeldElsewhere:
    """A live lease on another message: this message's token is stored with the chunk, delete the message."""

    until_ms: int


@dataclass(frozen=True, slots=True)
class Spent:
    """The chunk failed as often as it may: the message is a letter now and the job fails."""

    job: JobItem
    attempts: int
    failure: JobError | None


@dataclass(frozen=True, slots=True)
class UnusableRun:
    """The run's item, or the chunk's, is none that any release wrote: the message is a letter now and the job fails."""

    job: JobItem
    reason: str


@dataclass(frozen=True, slots=True)
class UnknownJob:
    """The table knows no such job or run: the record expired, or the message is none of ours."""


Claim = Claimed | AlreadyCommitted | JobOver | HeldHere | HeldElsewhere | Spent | UnusableRun | UnknownJob


def claim(
    table: str,
    message: ChunkMessage,
    *,
    attempt: str,
    message_id: str,
    worker: str,
    now_ms: int,
    lease_seconds: float,
    max_attempts: int,
) -> Steps[Claim]:
    """Takes the lease if there is none or it expired (plus a margin for clock skew); see the answers above.

    Between taking the lease and noting the job as RUNNING the worker may die: the lease expires, the message comes
    back, and the next claim notes it.

    Raises:
        ConditionFailed: the chunk changed hands more often than can be explained while we looked; let the message
            come back.
        NewerRecord: a newer release accepted the run; give the message back.
        InvalidRecord: the job's own item cannot be read.
    """
    for left in reversed(range(_TRIES)):
        found = yield from _look(table, message)
        if isinstance(found, UnusableRun | JobOver):
            return found
        job, run, chunk = found
        if job is None or run is None:
            return UnknownJob()
        if run.pin.engine_revision > ENGINE_REVISION and job.workable:
            raise NewerRecord(f"run {run.run} of {job.job_id} was accepted by a newer release: outputs would differ")
        decided = decide(job, run, chunk, message, message_id=message_id, now_ms=now_ms, max_attempts=max_attempts)
        if (
            isinstance(decided, HeldElsewhere)
            and message.token
            and not (yield from _store_token(table, message, chunk))
        ):
            continue
        if decided is not None:
            return decided
        try:
            yield _take(table, message, chunk, attempt, message_id, worker, now_ms, lease_seconds)
        except ConditionFailed as failed:
            # Our own write may have arrived with its answer lost, and been repeated by the client.
            ours = failed.item is not None and ChunkItem.of(failed.item).lease_attempt == attempt
            if not ours and left == 0:
                raise
            if not ours:
                continue
        yield from _note_running(table, job, now_ms)
        taken = _as_taken(chunk, message, attempt, message_id, worker, round(now_ms + lease_seconds * 1000))
        return Claimed(job, run, taken)
    raise ConditionFailed


def decide(
    job: JobItem,
    run: RunItem,
    chunk: ChunkItem | None,
    message: ChunkMessage,
    *,
    message_id: str,
    now_ms: int,
    max_attempts: int,
) -> Claim | None:
    """The pure half: what the three items say about this message. None means that the lease may be tried for."""
    if job.run != message.run:
        return JobOver(job)
    if chunk is not None and chunk.report is not None and job.status not in (JobState.FAILED, JobState.CANCELLED):
        return AlreadyCommitted(job, run, chunk)
    if not job.workable:
        return JobOver(job)
    if chunk is None:
        return None
    if chunk.lease_until is not None and chunk.lease_until + CLOCK_SKEW_SECONDS * 1000 > now_ms:
        if chunk.lease_message == message_id:
            return HeldHere(chunk.lease_until)
        return HeldElsewhere(chunk.lease_until)
    if chunk.attempts >= max_attempts:
        return Spent(job, chunk.attempts, chunk.failure)
    return None


def _look(
    table: str, message: ChunkMessage
) -> Steps[tuple[JobItem | None, RunItem | None, ChunkItem | None] | UnusableRun | JobOver]:
    sks = (JOB_SK, run_sk(message.run), chunk_sk(message.run, message.chunk, message.round))
    wanted: dict[str, Any] = {table: {"Keys": [key_of(message.job_id, sk) for sk in sks], "ConsistentRead": True}}
    found: dict[str, Any] = {}
    while wanted:
        answer = yield Call("dynamodb", "batch_get_item", {"RequestItems": wanted})
        for item in answer.get("Responses", {}).get(table, []):
            found[item["sk"]["S"]] = item
        wanted = answer.get("UnprocessedKeys") or {}
    job, run, chunk = (found.get(sk) for sk in sks)
    read = JobItem.of(job) if job else None
    try:
        return read, RunItem.of(run) if run else None, ChunkItem.of(chunk) if chunk else None
    except InvalidRecord as error:
        if read is None:
            return None, None, None
        if read.run != message.run or not read.workable:
            return JobOver(read)
        if isinstance(error, NewerRecord):
            raise
        return UnusableRun(read, str(error))


def _take(
    table: str,
    message: ChunkMessage,
    chunk: ChunkItem | None,
    attempt: str,
    message_id: str,
    worker: str,
    now_ms: int,
    lease_seconds: float,
) -> Call:
    sets: dict[str, Any] = {
        "lease_attempt": attempt,
        "lease_until": round(now_ms + lease_seconds * 1000),
        "lease_message": message_id,
        "worker": worker,
        "expires_at": now_ms // 1000 + JOB_TTL_SECONDS,
    }
    if message.token:
        sets["token"] = message.token
    # Names exactly the lease that was seen to be over: of two who saw the same, one wins.
    if chunk is None or chunk.lease_attempt is None:
        condition, values = "attribute_not_exists(#lease_attempt)", {}
    else:
        condition = "#lease_attempt = :seen AND #lease_until = :until"
        values = {":seen": chunk.lease_attempt, ":until": chunk.lease_until}
    return update(
        table,
        message.job_id,
        chunk_sk(message.run, message.chunk, message.round),
        sets=sets,
        adds={"attempts": 1},
        condition=f"{condition} AND attribute_not_exists(#report)",
        names={"#report": "report"},
        values=values,
    )


def _store_token(table: str, message: ChunkMessage, chunk: ChunkItem | None) -> Steps[bool]:
    """Whether the token was stored under the lease that was seen; if not, the chunk must be looked at again."""
    if chunk is None:
        return False
    try:
        yield update(
            table,
            message.job_id,
            chunk.sk,
            sets={"token": message.token},
            condition="#lease_attempt = :seen AND attribute_not_exists(#report)",
            names={"#lease_attempt": "lease_attempt", "#report": "report"},
            values={":seen": chunk.lease_attempt},
        )
    except ConditionFailed:
        return False
    return True


def _note_running(table: str, job: JobItem, now_ms: int) -> Steps[None]:
    if job.status == JobState.RUNNING:
        return
    try:
        yield job_becomes(table, job.job_id, job.run, JobState.RUNNING, now_ms, sets={"running_at": iso(now_ms)})
    except ConditionFailed:
        # Another chunk of the job noted it, or the job ended this moment: the first heartbeat tells which.
        return


def _as_taken(
    chunk: ChunkItem | None, message: ChunkMessage, attempt: str, message_id: str, worker: str, until: int
) -> ChunkItem:
    return ChunkItem(
        job_id=message.job_id,
        run=message.run,
        chunk=message.chunk,
        round=message.round,
        attempts=(chunk.attempts if chunk else 0) + 1,
        releases=chunk.releases if chunk else 0,
        outages=chunk.outages if chunk else 0,
        lease_attempt=attempt,
        lease_until=until,
        lease_message=message_id,
        worker=worker,
        token=message.token or (chunk.token if chunk else None),
        given=chunk.given if chunk else None,
        end=chunk.end if chunk else None,
    )

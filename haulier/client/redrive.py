"""What becomes of a letter that a person wants redriven: a pure decision, so that `--dry-run` tells the truth.

A letter of a job that FAILED in the same run is not sent again (its job is final, a worker would only acknowledge it):
the job is retried as run n+1. A second letter of that job then belongs to a run that is over.
"""

from dataclasses import dataclass

from haulier.contracts.dataset import WORK_QUEUES
from haulier.contracts.errors import InvalidMessage, NewerMessage
from haulier.contracts.messages import ChunkMessage, decode_message
from haulier.contracts.states import JobState
from haulier.jobs.items import JobItem

INTAKE = "intake"
DLQ_NAMES = (INTAKE, *WORK_QUEUES)


@dataclass(frozen=True, slots=True)
class Resend:
    """Back to the queue it came from, then deleted here."""

    queue: str
    why: str


@dataclass(frozen=True, slots=True)
class Retry:
    """The job's next run is started, then the letter is deleted."""

    job_id: str
    why: str


@dataclass(frozen=True, slots=True)
class Discard:
    """Nothing is left to do for it: it is deleted."""

    why: str


@dataclass(frozen=True, slots=True)
class Keep:
    """Nobody can act on it; it stays until a person deletes it or it expires."""

    why: str


Decision = Resend | Retry | Discard | Keep


def chunk_message(queue: str, body: str) -> ChunkMessage | None:
    """The chunk a letter is about; None if it is an event from intake, or no message of ours."""
    if queue == INTAKE:
        return None
    try:
        return decode_message(body)
    except (InvalidMessage, NewerMessage):
        return None


def decide(queue: str, body: str, job: JobItem | None, reason: str = "") -> Decision:
    """What to do with a letter.

    Args:
        queue: whose dead-letter queue it lies in: `intake`, `priority`, `standard`, `bulk` or `ondemand`.
        body: the letter's.
        job: its job as the table has it now; None if there is none.
        reason: the letter's `error_type`; empty where SQS moved the message by itself.
    """
    if queue == INTAKE:
        return Resend(queue, "intake takes the event in again")
    try:
        message = decode_message(body)
    except NewerMessage as error:
        return Resend(queue, f"{error}: a newer worker can read it")
    except InvalidMessage as error:
        return Keep(f"no worker can read it: {error}")
    if job is None:
        return Keep("the table knows no such job: its record expired, or the letter is from another stack")
    if job.run != message.run:
        return Discard(f"run {message.run} is over, the job is in run {job.run}")
    return _decide_of_run(job, reason)


def _decide_of_run(job: JobItem, reason: str) -> Decision:
    """What to do with a letter of the job's present run."""
    match job.status:
        case JobState.FAILED:
            return Retry(job.job_id, f"the job failed in run {job.run}: run {job.run + 1} does all of it again")
        case JobState.SUCCEEDED | JobState.SEALED:
            return Discard(f"the job is {job.status}: the chunk was done after all")
        case JobState.CANCELLED | JobState.REJECTED:
            return Discard(f"the job is {job.status}: nobody wants it")
        case JobState.ACCEPTED | JobState.QUEUED | JobState.RUNNING if reason:
            # The letter comes first and the job's end after it: sent again in between, it would meet the end, be
            # acknowledged, and no letter would tell of the failure. If that worker died, its message comes back.
            return Keep(f"the job is {job.status}: a worker is about to fail it, or tries again; redrive in a moment")
        case JobState.ACCEPTED | JobState.QUEUED | JobState.RUNNING:
            return Resend(job.queue, f"the job is {job.status}: a worker takes the chunk again")

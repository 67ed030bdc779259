"""What becomes of a message, by how its handling ended. Pure: the table that `docs/failure-modes.md` shows.

| outcome | message |
|---|---|
| Finished | deleted |
| Unreadable | a letter with the reason, then deleted |
| Refused | a letter, then the job fails, then the token, then deleted |
| Failed | shown again after backoff with full jitter; at once if its failures are spent |
| Excused | shown again after backoff by how often a service failed it, up to a quarter of an hour |
| Unclaimed | shown again after backoff by how often it was received |
| HeldByOther | shown again when the other's lease has ended, with jitter |
| Interrupted, Newer | shown again within two seconds |
| Moved | sent to the on-demand queue as it is, then deleted |
| Lost | left as it is: it is no longer ours |
"""

from dataclasses import dataclass

from haulier.contracts.events import JobError
from haulier.contracts.limits import CLOCK_SKEW_SECONDS, SQS_VISIBILITY_WALL_SECONDS
from haulier.jobs.backoff import OUTAGE_CEILING_SECONDS, backoff
from haulier.jobs.items import JobItem
from worker.outcome import (
    Excused,
    Failed,
    Finished,
    HeldByOther,
    Interrupted,
    Lost,
    Moved,
    Newer,
    Outcome,
    Refused,
    Unclaimed,
    Unreadable,
)

JITTER_SECONDS = 2
_HELD_JITTER_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Delete:
    """Nothing is left to be done with the message."""


@dataclass(frozen=True, slots=True)
class ShowAfter:
    """The message comes back after so many whole seconds."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Bury:
    """A letter to the dead-letter queue, then `job` fails (if there is one), then the message is deleted."""

    error: JobError
    job: JobItem | None


@dataclass(frozen=True, slots=True)
class SendOn:
    """The message goes to the on-demand queue, then it is deleted here."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Hands off."""


Settlement = Delete | ShowAfter | Bury | SendOn | Leave


def settle(outcome: Outcome, *, now_ms: int, random: float) -> Settlement:
    """What is to be done with the message.

    Args:
        outcome: how its handling ended.
        now_ms: milliseconds since the epoch.
        random: a number in [0, 1), drawn by the caller.
    """
    match outcome:
        case Finished():
            return Delete()
        case Unreadable(error):
            return Bury(error, None)
        case Refused(job, error):
            return Bury(error, job)
        case Moved():
            return SendOn()
        case Lost():
            return Leave()
        case HeldByOther(until_ms):
            left = (until_ms - now_ms) / 1000 + CLOCK_SKEW_SECONDS + random * _HELD_JITTER_SECONDS
            return ShowAfter(min(max(round(left), 1), SQS_VISIBILITY_WALL_SECONDS))
        case Failed() | Excused() | Unclaimed() | Interrupted() | Newer():
            return ShowAfter(round(_wait_seconds(outcome, random)))


def _wait_seconds(outcome: Failed | Excused | Unclaimed | Interrupted | Newer, random: float) -> float:
    """How long until the message is shown again: backoff after what went wrong, a moment after a stop."""
    match outcome:
        case Failed(_, _, spent=True):
            return 0
        case Failed(_, failures):
            return backoff(failures, random)
        case Excused(_, outages):
            return backoff(outages, random, ceiling_seconds=OUTAGE_CEILING_SECONDS)
        case Unclaimed(_, receives):
            return backoff(receives, random)
        case Interrupted() | Newer():
            return random * JITTER_SECONDS

"""The states of a job and the transitions that are legal. `docs/states.md` is drawn from the table below."""

from enum import StrEnum


class JobState(StrEnum):
    """Where a job stands. Only ACCEPTED, QUEUED, RUNNING and SEALED may still change by themselves."""

    ACCEPTED = "ACCEPTED"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SEALED = "SEALED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"


FINAL = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.REJECTED})
OPEN = frozenset(JobState) - FINAL
WORKABLE = frozenset({JobState.ACCEPTED, JobState.QUEUED, JobState.RUNNING})
"""States in which a chunk may be claimed and a job may be cancelled, failed or sealed."""

TRANSITIONS: dict[JobState, frozenset[JobState]] = {
    # ACCEPTED -> RUNNING: a worker may be faster than intake's own note that it enqueued.
    JobState.ACCEPTED: frozenset({JobState.QUEUED, JobState.RUNNING, JobState.FAILED, JobState.CANCELLED}),
    JobState.QUEUED: frozenset({JobState.RUNNING, JobState.FAILED, JobState.CANCELLED}),
    JobState.RUNNING: frozenset({JobState.SEALED, JobState.FAILED, JobState.CANCELLED}),
    JobState.SEALED: frozenset({JobState.SUCCEEDED}),
    # A retry by the user: the same job, its next run.
    JobState.SUCCEEDED: frozenset({JobState.ACCEPTED}),
    JobState.FAILED: frozenset({JobState.ACCEPTED}),
    JobState.CANCELLED: frozenset({JobState.ACCEPTED}),
    JobState.REJECTED: frozenset(),
}


def may_become(state: JobState, following: JobState) -> bool:
    """Whether the table above allows `state` to be left for `following`."""
    return following in TRANSITIONS[state]


def may_precede(following: JobState) -> list[JobState]:
    """The states that may be left for `following`, in the order of the enum; what a conditional write names."""
    return [state for state in JobState if following in TRANSITIONS[state]]

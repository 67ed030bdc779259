"""How the command line ends. `docs/cli.md` lists these; scripts may rely on them."""

from collections.abc import Iterable
from enum import IntEnum

from haulier.contracts.states import JobState


class ExitCode(IntEnum):
    """Exit codes. 2 is typer's own."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    JOB_FAILED = 3
    JOB_REJECTED = 4
    JOB_CANCELLED = 5
    NOT_FOUND = 6
    NOT_ALLOWED = 7
    STACK = 8
    TIMEOUT = 9
    BAD_DATASET = 10
    DAMAGED = 11
    INTERRUPTED = 130


MEANINGS = {
    ExitCode.OK: "done; of a job that was watched: it SUCCEEDED",
    ExitCode.UNEXPECTED: "an error nobody foresaw, or AWS's answer; HAULIER_DEBUG=1 shows where",
    ExitCode.USAGE: "the command line is wrong, or no environment was given",
    ExitCode.JOB_FAILED: "a job that was watched FAILED",
    ExitCode.JOB_REJECTED: "a job that was watched was REJECTED at intake",
    ExitCode.JOB_CANCELLED: "a job that was watched was CANCELLED",
    ExitCode.NOT_FOUND: "there is no such job, object, file, dataset or letter, or the beginning given is not unique",
    ExitCode.NOT_ALLOWED: "the state of the job or the permissions do not allow it, or nobody confirmed it",
    ExitCode.STACK: "the stack is not up, is up already, or did not start",
    ExitCode.TIMEOUT: "what was waited for did not happen in time; the job goes on",
    ExitCode.BAD_DATASET: "a dataset's configuration is wrong",
    ExitCode.DAMAGED: "an object is not what its manifest says",
    ExitCode.INTERRUPTED: "stopped by Ctrl-C; jobs go on",
}

_OF_OUTCOMES = {
    JobState.FAILED: ExitCode.JOB_FAILED,
    JobState.REJECTED: ExitCode.JOB_REJECTED,
    JobState.CANCELLED: ExitCode.JOB_CANCELLED,
}


def outcome_code(states: Iterable[JobState]) -> ExitCode:
    """The exit code of jobs that ended so: the gravest of them, where FAILED is graver than REJECTED."""
    found = set(states)
    return next((code for state, code in _OF_OUTCOMES.items() if state in found), ExitCode.OK)

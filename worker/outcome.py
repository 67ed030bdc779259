"""How the handling of one message ended. `runtime.settle` says what becomes of the message then."""

from dataclasses import dataclass

from haulier.contracts.events import JobError
from haulier.jobs.calls import Service
from haulier.jobs.items import JobItem


@dataclass(frozen=True, slots=True)
class Finished:
    """Nothing is left to be done: committed with all later steps, job over, or the chunk is another message's."""

    why: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """No job can be named: the body is none of ours, or the table does not know the job."""

    error: JobError


@dataclass(frozen=True, slots=True)
class Refused:
    """The chunk can never be done; the job fails with it.

    Attributes:
        job: as it was claimed.
        error: why.
    """

    job: JobItem
    error: JobError


@dataclass(frozen=True, slots=True)
class Failed:
    """This try failed, another may not; the lease is given up and the failure counted.

    Attributes:
        error: why.
        failures: how many the chunk has now.
        spent: no further try is allowed: the next claim says so, and should say it soon.
    """

    error: JobError
    failures: int
    spent: bool = False


@dataclass(frozen=True, slots=True)
class Excused:
    """A service failed and ended this try; the lease is given up and no failure is counted.

    Attributes:
        error: what it answered.
        outages: how many tries of the chunk ended so.
        service: which it was, where that is known.
    """

    error: JobError
    outages: int
    service: Service | None = None


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """The message could not be worked on or closed, with no lease at stake; the message must come back.

    Attributes:
        error: why.
        receives: how often the message was received.
        service: which service failed, if one did.
    """

    error: JobError
    receives: int
    service: Service | None = None


@dataclass(frozen=True, slots=True)
class HeldByOther:
    """Another attempt works for this same message until then (ms since the epoch)."""

    until_ms: int


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The worker stops; the chunk is released and no failure is counted."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Released like Interrupted, but the chunk goes on in the on-demand queue."""


@dataclass(frozen=True, slots=True)
class Newer:
    """A newer release wrote the message, or the items it is about; it is given back and the worker stops receiving."""

    error: JobError


@dataclass(frozen=True, slots=True)
class Lost:
    """The lease is another's or ran out: message and chunk are no longer ours to touch."""


Outcome = (
    Finished | Unreadable | Refused | Failed | Excused | Unclaimed | HeldByOther | Interrupted | Moved | Newer | Lost
)

"""Whether anything new is taken: while SQS, S3, DynamoDB or Step Functions fail, it is not. Pure.

A circuit a service, fed by how polls and chunks end and not by single calls: clients repeat those by themselves. A
chunk needs every service, so one open circuit stops all receiving; but a poll that is answered must not close what
failing reads opened, hence one each.

closed → (failures in a row) → open → (a wait with full jitter, longer each time) → half-open → closed by a success, or
open again by a failure. What fails or succeeds while a circuit is open began before: it says nothing new.

In half-open one message is taken each few seconds, not one at a time: the first may be an hour's stream, and its end
must not be what everybody waits for.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from haulier.jobs.backoff import backoff
from haulier.jobs.calls import Service
from worker.outcome import Excused, Failed, Finished, HeldByOther, Outcome, Refused, Unclaimed


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Terms:
    """How patient a circuit is.

    Attributes:
        failures: in a row, that open it.
        base_seconds: the most it stays open the first time; doubles with each trial that fails.
        ceiling_seconds: the most it stays open at all.
        trial_seconds: between two messages taken while it is half-open.
    """

    failures: int
    base_seconds: float
    ceiling_seconds: float = 60.0
    trial_seconds: float = 10.0


TERMS: Mapping[Service, Terms] = MappingProxyType(
    {
        # A failed poll was repeated five times by its client and costs nobody anything: the first one counts.
        "sqs": Terms(failures=1, base_seconds=2, trial_seconds=0),
        "dynamodb": Terms(failures=3, base_seconds=5),
        "s3": Terms(failures=3, base_seconds=5),
        "stepfunctions": Terms(failures=3, base_seconds=5),
    }
)


class Circuit:
    """One service's."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._failures = 0
        self._trips = 0
        self._until = 0.0
        self._next_trial = 0.0

    def state(self, now: float) -> State:
        if not self._trips:
            return State.CLOSED
        return State.OPEN if now < self._until else State.HALF_OPEN

    def failed(self, now: float, random: float) -> None:
        """The service failed a poll or a chunk; `random` in [0, 1) is the jitter."""
        match self.state(now):
            case State.OPEN:
                return
            case State.CLOSED:
                self._failures += 1
                if self._failures < self._terms.failures:
                    return
            case State.HALF_OPEN:
                pass
        self._trips += 1
        wait = backoff(
            self._trips, random, base_seconds=self._terms.base_seconds, ceiling_seconds=self._terms.ceiling_seconds
        )
        # A moment at the least, so that no jitter makes it a loop.
        self._until = self._next_trial = now + max(wait, 0.1)

    def succeeded(self, now: float) -> None:
        if self.state(now) is not State.OPEN:
            self._failures = self._trips = 0

    def taken(self, now: float) -> None:
        """A message was taken."""
        self._next_trial = now + self._terms.trial_seconds

    def may_take(self, now: float) -> bool:
        """Whether a message may be taken on trial; asked in half-open only."""
        return now >= self._next_trial


class Circuits:
    """All services'. `on_change` is told of a service and whether its circuit is open now."""

    def __init__(self, *, random: Callable[[], float], on_change: Callable[[Service, bool], None]) -> None:
        self._circuits = {service: Circuit(terms) for service, terms in TERMS.items()}
        self._random = random
        self._on_change = on_change

    def allowance(self, now: float) -> int | None:
        """How many messages may be asked for at once: None for as many as there is room for."""
        states = {service: circuit.state(now) for service, circuit in self._circuits.items()}
        if State.OPEN in states.values():
            return 0
        trials = [self._circuits[service] for service, state in states.items() if state is State.HALF_OPEN]
        if not trials:
            return None
        return 1 if all(circuit.may_take(now) for circuit in trials) else 0

    def broken(self) -> list[Service]:
        """Services whose circuit is not closed."""
        return [service for service, circuit in self._circuits.items() if circuit.state(0) is not State.CLOSED]

    def polled(self, now: float, received: int) -> None:
        """A poll was answered, with so many messages."""
        self._note(now, worked=("sqs",))
        if received:
            for circuit in self._circuits.values():
                circuit.taken(now)

    def poll_failed(self, now: float) -> None:
        self._note(now, failed="sqs")

    def settled(self, now: float, outcome: Outcome) -> None:
        """A message was settled."""
        worked, failed = evidence(outcome)
        self._note(now, worked=worked, failed=failed)

    def _note(self, now: float, *, worked: Iterable[Service] = (), failed: Service | None = None) -> None:
        before = set(self.broken())
        for service in worked:
            self._circuits[service].succeeded(now)
        if failed is not None:
            self._circuits[failed].failed(now, self._random())
        after = set(self.broken())
        for service in sorted(before ^ after):
            self._on_change(service, service in after)


def evidence(outcome: Outcome) -> tuple[tuple[Service, ...], Service | None]:
    """Which services surely worked, and which one failed, by how a message ended."""
    match outcome:
        case Finished("committed"):
            return ("dynamodb", "s3", "stepfunctions"), None
        case Finished("already committed"):
            # Whoever waits was answered: after an outage of Step Functions most messages are of this kind.
            return ("dynamodb", "stepfunctions"), None
        case Finished() | Refused() | Failed() | HeldByOther():
            return ("dynamodb",), None
        case Unclaimed(service=service):
            return (), service
        case Excused(service=service):
            return (() if service == "dynamodb" else ("dynamodb",)), service
        case _:
            return (), None

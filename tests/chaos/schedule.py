"""What happens when. Pure: the same seed, length and number of workers give the same schedule.

Choices that depend on what is there at the moment (which job is cancelled, which message is sent twice) carry a `draw`,
a number in [0, 1) that picks among what there is.
"""

import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

SERVICES = ("s3", "sqs", "dynamodb", "stepfunctions")
STREAM = {
    "small": 40, "cut": 12, "guesses": 3, "lines": 6, "packed": 6, "large": 3,
    "truncated": 3, "nonsense": 3, "strict": 3, "unfit": 3, "broken": 2, "empty": 2,
}  # fmt: skip
"""How often each kind of file is put, relative to the others."""
BLOWS = {"kill": 7, "stop": 4, "hurry": 1, "freeze": 4}
AMBUSHES = {
    "": 6, "dynamodb:UpdateItem": 5, "s3:GetObject": 2, "s3:PutObject": 2, "s3:UploadPart": 2,
    "s3:CompleteMultipartUpload": 2, "sqs:DeleteMessage": 2, "sqs:ReceiveMessage": 1, "sqs:SendMessage": 1,
    "stepfunctions:SendTaskSuccess": 2,
}  # fmt: skip
"""At whose next call a kill or a freeze strikes; at once, wherever the worker is, where there is none."""
MEDDLING = {
    "resend": 10, "same_event": 4, "older_event": 2, "unreadable": 2, "cancel": 3, "cancel_and_retry": 3, "retry": 3,
    "redrive": 2, "overwrite": 2, "delete": 2,
}  # fmt: skip


@dataclass(frozen=True)
class WorkerTerms:
    """Settings a worker is started with.

    Attributes:
        slots: messages at once.
        lease_seconds: see the worker's settings; visibility is the same.
        heartbeat_seconds: at most a third of the lease.
        drain_seconds: how long a stop may take.
        skew_ms: added to its wall clock; two workers differ by less than CLOCK_SKEW_SECONDS.
    """

    slots: int
    lease_seconds: int
    heartbeat_seconds: float
    drain_seconds: int
    skew_ms: int


HEALTHY = WorkerTerms(slots=4, lease_seconds=6, heartbeat_seconds=2.0, drain_seconds=5, skew_ms=0)


@dataclass(frozen=True)
class Act:
    """Something the driver does.

    Attributes:
        at: seconds after the start.
        kind: `put`, one of BLOWS, or one of MEDDLING.
        worker: whom it strikes, for a blow; the next one that is up.
        cargo: which kind of file, for a put.
        draw: picks among what there is at the time.
        seconds: how long, for a freeze; how late, for what is sent again.
        terms: what the worker is started with afterwards.
        ambush: the blow waits for the next call of this operation, by whatever worker; none if empty.
        after: it strikes when that call has been done, and not before it.
    """

    at: float
    kind: str
    worker: int = 0
    cargo: str = ""
    draw: float = 0.0
    seconds: float = 0.0
    terms: WorkerTerms = HEALTHY
    ambush: str = ""
    after: bool = False


@dataclass(frozen=True)
class Storm:
    """A time in which half of a service's calls are refused or go wrong."""

    at: float
    until: float
    service: str


@dataclass(frozen=True)
class Schedule:
    """Everything that is decided beforehand. `first` are the terms the workers start with."""

    seed: int
    seconds: float
    first: list[WorkerTerms]
    acts: list[Act] = field(default_factory=list)
    storms: list[Storm] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def plan(seed: int, seconds: float, workers: int) -> Schedule:
    """The schedule of one run.

    Args:
        seed: decides all of it.
        seconds: how long faults and files go on.
        workers: how many there are.
    """
    dice = random.Random(f"schedule/{seed}")
    schedule = Schedule(seed, seconds, [_terms(dice) for _ in range(workers)])
    for at, kind in ((0.0, "cut"), (0.0, "large"), (0.5, "guesses"), (1.0, "small")):
        schedule.acts.append(Act(at, "put", cargo=kind))
    for at in _times(dice, 1.5, seconds - 3, 0.4, 2.2):
        schedule.acts.append(Act(at, "put", cargo=_pick(dice, STREAM)))
    for at in _times(dice, 3.0, seconds - 2, 2.0, 6.0):
        kind, worker = _pick(dice, BLOWS), dice.randrange(workers)
        ambush, after = _pick(dice, AMBUSHES) if kind in ("kill", "freeze") else "", dice.random() < 0.7
        schedule.acts.append(
            Act(at, kind, worker, seconds=dice.uniform(2, 18), terms=_terms(dice), ambush=ambush, after=after)
        )
    for at in _times(dice, 4.0, seconds - 2, 0.8, 3.0):
        schedule.acts.append(Act(at, _pick(dice, MEDDLING), draw=dice.random(), seconds=dice.uniform(0, 6)))
    for at in _times(dice, 5.0, seconds - 4, 8.0, 20.0):
        schedule.storms.append(Storm(at, at + dice.uniform(1, 5), dice.choice(SERVICES)))
    schedule.acts.sort(key=lambda act: act.at)
    return schedule


def _times(dice: random.Random, first: float, last: float, least: float, most: float) -> Iterator[float]:
    at = first
    while at < last:
        yield round(at, 3)
        at += dice.uniform(least, most)


def _pick(dice: random.Random, weights: dict[str, int]) -> str:
    return dice.choices(list(weights), list(weights.values()))[0]


def _terms(dice: random.Random) -> WorkerTerms:
    lease, beat = dice.choice([(6, 2.0), (6, 1.0), (9, 3.0)])
    return WorkerTerms(
        slots=dice.choice([2, 3, 4]),
        lease_seconds=lease,
        heartbeat_seconds=beat,
        drain_seconds=dice.choice([0, 2, 6]),
        skew_ms=dice.choice([0, 0, -2000, -800, 900, 2000]),
    )

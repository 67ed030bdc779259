"""How many workers a backlog asks for. One rule for the wake-up, the local scaler and the simulator (DESIGN §8)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScalingPolicy:
    """The rule's constants; they configure the real autoscaling policies, too.

    Attributes:
        min_workers: never fewer; 0 lets the service sleep.
        max_workers: never more.
        messages_per_worker: chunks one worker is to have, waiting and in work; its slots for the quickest service.
    """

    min_workers: int
    max_workers: int
    messages_per_worker: int

    def __post_init__(self) -> None:
        if not 0 <= self.min_workers <= self.max_workers:
            raise ValueError(f"0 <= min_workers {self.min_workers} <= max_workers {self.max_workers} does not hold")
        if self.messages_per_worker < 1:
            raise ValueError(f"messages_per_worker must be at least 1, not {self.messages_per_worker}")


def desired_workers(backlog: int, in_flight: int, running: int, policy: ScalingPolicy) -> int:
    """How many workers there should be.

    Growing follows the load at once. Shrinking waits until nothing is waiting and then takes one worker at a time, and
    never more than the messages in flight leave free: a worker that is stopped gives its work back.

    Args:
        backlog: messages that wait, ≥ 0.
        in_flight: messages received and not yet deleted, ≥ 0.
        running: workers there are, ≥ 0.
        policy: the constants.

    Returns:
        A number from `min_workers` to `max_workers`.
    """
    needed = -(-(backlog + in_flight) // policy.messages_per_worker)
    if needed < running:
        needed = running if backlog else max(needed, running - 1)
    return max(policy.min_workers, min(policy.max_workers, needed))

"""Which queue is asked for how many messages. Pure; `loop` opens the polls.

Never more is asked for than can start: an open poll reserves what it asks for. Where there is room for all, every queue
has a long poll of its own open, so an idle worker finds a message of any queue at once. Where there is not, queues take
turns by weight with short polls. Bulk and on-demand work together never hold all slots where other queues are served,
too, so neither a backfill nor a few long streams starve a small file. Where a service fails (`circuit`), or ECS wants
to deploy (`protection`), the loop says how many messages may be asked for at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from haulier.contracts.dataset import WORK_QUEUES, QueueName
from haulier.contracts.limits import LONG_POLL_SECONDS, RECEIVE_BATCH

WEIGHTS: Mapping[QueueName, int] = {"priority": 12, "standard": 6, "bulk": 2, "ondemand": 1}
"""How often each is asked first while slots are scarce."""
PATIENT_WORK: tuple[QueueName, ...] = ("bulk", "ondemand")
SCARCE_WAIT_SECONDS = 1
"""How long a poll may stay open while another queue waits for its turn."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One ReceiveMessage: of which queue, at most how many, and how long it may wait for the first."""

    queue: QueueName
    count: int
    wait_seconds: int


class Intake:
    """Whose turn it is. Knows what runs and what is asked for; holds no message."""

    def __init__(self, slots: int, queues: Sequence[QueueName] = WORK_QUEUES) -> None:
        """Nothing is asked for yet.

        Args:
            slots: messages worked on at once; at least two where bulk or on-demand work is served beside others.
            queues: those this worker serves.
        """
        self._slots = slots
        self._queues = tuple(queues)
        self._reserved = 0 if set(queues) <= set(PATIENT_WORK) else 1
        self._running: dict[QueueName, int] = dict.fromkeys(queues, 0)
        self._asked: dict[QueueName, Ask] = {}
        self._credit: dict[QueueName, int] = dict.fromkeys(queues, 0)
        self._hot: set[QueueName] = set()

    @property
    def free(self) -> int:
        """Slots that neither work nor are reserved by an open poll."""
        return self._slots - sum(self._running.values()) - sum(ask.count for ask in self._asked.values())

    def next_asks(self, allowance: int | None = None) -> list[Ask]:
        """The polls to open now; each must be followed by one `answered`.

        Args:
            allowance: how many messages may be asked for in all, those of open polls among them; None for no bound.
        """
        asks: list[Ask] = []
        while (left := self._left(allowance)) > 0 and (queue := self._choose()) is not None:
            waiting = [other for other in self._queues if other != queue and self._room(other) > 0]
            scarce = min(self.free, left) <= len(waiting)
            # Messages wait in a queue whose turn comes later: nobody sleeps on an empty one before it.
            pressing = any(other in self._hot for other in waiting)
            # One slot stays for each queue that has no poll open yet; the rest is for the one that has messages.
            most = max(self._room(queue) - len(waiting), 1) if queue in self._hot else 1
            wait = 0 if queue in self._hot or pressing else SCARCE_WAIT_SECONDS if scarce else LONG_POLL_SECONDS
            ask = Ask(queue, min(most, left, RECEIVE_BATCH), wait)
            self._asked[queue] = ask
            asks.append(ask)
        return asks

    def answered(self, ask: Ask, received: int) -> None:
        """A poll ended with so many messages; each of them runs from now on."""
        del self._asked[ask.queue]
        self._running[ask.queue] += received
        if received == ask.count:
            self._hot.add(ask.queue)
        elif not received:
            self._hot.discard(ask.queue)

    def ended(self, queue: QueueName) -> None:
        """A message is settled; its slot is free."""
        self._running[queue] -= 1

    def _left(self, allowance: int | None) -> int:
        return self.free if allowance is None else allowance - sum(ask.count for ask in self._asked.values())

    def _room(self, queue: QueueName) -> int:
        """How many more messages of the queue may be asked for; none while a poll of it is open."""
        if queue in self._asked:
            return 0
        if queue not in PATIENT_WORK:
            return self.free
        patient = sum(self._running.get(other, 0) for other in PATIENT_WORK)
        patient += sum(self._asked[other].count for other in PATIENT_WORK if other in self._asked)
        return min(self.free, self._slots - self._reserved - patient)

    def _choose(self) -> QueueName | None:
        """Smooth weighted round-robin among the queues that may be asked (as nginx's: the one with most credit pays
        the sum of all weights).
        """
        able = [queue for queue in self._queues if self._room(queue) > 0]
        if not able:
            return None
        for queue in able:
            self._credit[queue] += WEIGHTS[queue]
        chosen = max(able, key=lambda queue: self._credit[queue])
        self._credit[chosen] -= sum(WEIGHTS[queue] for queue in able)
        return chosen

"""Which queue is asked for how many messages. Pure; `loop` opens the polls.

Never more is asked for than can start: an open poll reserves what it asks for. Where there is room for all, every queue
has a long poll of its own open, so an idle worker finds a message of any queue at once. Where there is not, queues take
turns by weight with short polls. Bulk never holds all slots, so a backfill never starves a small file.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from haulier.contracts.dataset import QueueName
from haulier.contracts.limits import LONG_POLL_SECONDS, RECEIVE_BATCH

WEIGHTS: Mapping[QueueName, int] = {"priority": 6, "standard": 3, "bulk": 1}
"""How often each is asked first while slots are scarce."""
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

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._running: dict[QueueName, int] = dict.fromkeys(WEIGHTS, 0)
        self._asked: dict[QueueName, Ask] = {}
        self._credit: dict[QueueName, int] = dict.fromkeys(WEIGHTS, 0)
        self._hot: set[QueueName] = set()

    @property
    def free(self) -> int:
        """Slots that neither work nor are reserved by an open poll."""
        return self._slots - sum(self._running.values()) - sum(ask.count for ask in self._asked.values())

    def next_asks(self) -> list[Ask]:
        """The polls to open now; each must be followed by one `answered`."""
        asks: list[Ask] = []
        while (queue := self._choose()) is not None:
            waiting = [other for other in WEIGHTS if other != queue and self._room(other) > 0]
            scarce = self.free <= len(waiting)
            # Messages wait in a queue whose turn comes later: nobody sleeps on an empty one before it.
            pressing = any(other in self._hot for other in waiting)
            # One slot stays for each queue that has no poll open yet; the rest is for the one that has messages.
            most = max(self._room(queue) - len(waiting), 1) if queue in self._hot else 1
            wait = 0 if queue in self._hot or pressing else SCARCE_WAIT_SECONDS if scarce else LONG_POLL_SECONDS
            ask = Ask(queue, min(most, RECEIVE_BATCH), wait)
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

    def _room(self, queue: QueueName) -> int:
        """How many more messages of the queue may be asked for; none while a poll of it is open."""
        if queue in self._asked:
            return 0
        if queue == "bulk":
            return min(self.free, self._slots - 1 - self._running["bulk"])
        return self.free

    def _choose(self) -> QueueName | None:
        """Smooth weighted round-robin among the queues that may be asked (as nginx's: the one with most credit pays
        the sum of all weights).
        """
        able = [queue for queue in WEIGHTS if self._room(queue) > 0]
        if not able:
            return None
        for queue in able:
            self._credit[queue] += WEIGHTS[queue]
        chosen = max(able, key=lambda queue: self._credit[queue])
        self._credit[chosen] -= sum(WEIGHTS[queue] for queue in able)
        return chosen

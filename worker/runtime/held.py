"""What the worker holds between receipt and settlement: a message, and perhaps a lease and a task token.

Written by the event loop that works, read and renewed by the keeper's thread; so every change is under a lock.
"""

import asyncio
import threading
from collections.abc import Callable
from enum import StrEnum

from haulier.jobs.items import ChunkItem
from haulier.jobs.lease import Holding
from worker.ports import Received
from worker.progress import Progress, Step
from worker.runtime.measured import Measured


class Stop(StrEnum):
    """Why work is cancelled. Only INTERRUPTED and STALLED leave the lease with us."""

    INTERRUPTED = "interrupted"
    STALLED = "stalled"
    LOST = "lost"
    JOB_OVER = "job_over"
    EXPIRED = "expired"


class Held:
    """One message in hand.

    Attributes:
        received: the message.
        progress: of its work.
        received_at: monotonic seconds of its receipt, taken when the call that received it was answered.
        holding: the lease, while there is one to keep.
        token: the task token to keep alive, while it is.
        attempts: failures counted for the chunk, this attempt among them.
        outages: tries of the chunk that a service's failure ended before.
        stalled_in: the step that did not move, if the work was stopped for that.
        measured: what the metrics tell of it when it is settled.
        message_gone: the message was deleted at SQS's wall; there is nothing to settle.
        receipt_dead: the receipt is no longer good; the message will come to somebody else, who finds the lease.
        stop: why the work was cancelled, if it was.
    """

    def __init__(self, received: Received, progress: Progress, received_at: float) -> None:
        self.received = received
        self.progress = progress
        self.received_at = received_at
        self.holding: Holding | None = None
        self.token: str | None = None
        self.attempts = 0
        self.outages = 0
        self.stalled_in: Step | None = None
        self.measured = Measured()
        self.message_gone = False
        self.receipt_dead = False
        self.stop: Stop | None = None
        self._deadline = 0.0
        self._cancel: Callable[[], object] | None = None
        self._lock = threading.Lock()

    def leased(self, holding: Holding, chunk: ChunkItem, deadline: float) -> None:
        """From now on the lease is kept too; it ends at `deadline` (monotonic seconds) unless a beat renews it."""
        with self._lock:
            self.holding, self.token, self._deadline = holding, chunk.token, deadline
            self.attempts, self.outages = chunk.attempts, chunk.outages
            self.measured.names = {
                "job": holding.job_id,
                "run": holding.run,
                "chunk": holding.chunk,
                "round": holding.round,
                "attempt": holding.attempt,
            }
            self.measured.tried_before = chunk.attempts + chunk.outages + chunk.releases > 1

    def renewed(self, deadline: float) -> None:
        with self._lock:
            self._deadline = max(self._deadline, deadline)

    def unleased(self) -> None:
        """The lease is committed, released or lost: nobody renews it any more."""
        with self._lock:
            self.holding = None

    def holds(self, now: float) -> bool:
        """Whether the lease is surely ours at `now`: judged from the start of the last beat that was answered."""
        with self._lock:
            return self.holding is not None and now < self._deadline and self.stop not in (Stop.LOST, Stop.EXPIRED)

    def expired(self, now: float) -> bool:
        with self._lock:
            return self.holding is not None and now >= self._deadline

    def working(self, task: asyncio.Task[object]) -> None:
        """Names the task that is cancelled when the work is to stop, at once if it is to stop already."""
        loop = asyncio.get_running_loop()
        with self._lock:
            self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)
            if self.stop is not None:
                task.cancel()

    def worked(self) -> None:
        """The work is over: stopping it changes nothing from now on."""
        with self._lock:
            self._cancel = None

    def stop_work(self, reason: Stop, step: Step | None = None) -> bool:
        """Cancels the work, which stalled in `step` if it did. The first reason stays; False if there was one before.
        Usable from any thread.
        """
        with self._lock:
            if self.stop is not None:
                return False
            self.stop, self.stalled_in = reason, step
            if self._cancel is not None:
                self._cancel()
            return True

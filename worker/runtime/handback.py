"""How a chunk is given back that was not finished: in order, after a failure, or after a service's failure.

Only an orderly release and an outage take back the attempt that the claim counted. If the table does not answer, the
lease runs out by itself and the attempt stays counted: one for each outage of the table itself, at most.
"""

from dataclasses import dataclass

from haulier.contracts.limits import MAX_OUTAGES
from haulier.jobs.calls import Service, drive_async
from haulier.jobs.claim import Claimed
from haulier.jobs.lease import Holding, excuse, give_up, release
from haulier.jobs.ondemand import must_move
from worker.clock import Clock
from worker.errors import Outage, Transient, WorkerError
from worker.log import get_logger
from worker.outcome import Excused, Failed, Interrupted, Lost, Moved, Outcome, Unclaimed
from worker.ports import Perform
from worker.runtime.held import Held

_log = get_logger()


@dataclass(frozen=True, slots=True)
class Terms:
    """What a lease is taken on.

    Attributes:
        table: the job table.
        worker: this worker's name, for people.
        lease_seconds: how long it lasts without a beat.
        max_attempts: failures a chunk may have.
    """

    table: str
    worker: str
    lease_seconds: float
    max_attempts: int


class HandBack:
    """Gives chunks back, over one thread's ports."""

    def __init__(self, terms: Terms, perform: Perform, clock: Clock) -> None:
        self._terms = terms
        self._perform = perform
        self._clock = clock

    async def interrupted(self, held: Held, claimed: Claimed, holding: Holding) -> Outcome:
        """The worker stops. A long chunk that was interrupted before goes on where nothing interrupts.

        Between this write and the message's move the worker may die: the message comes back where it was, and the next
        release moves it.
        """
        held.unleased()
        try:
            steps = release(self._terms.table, holding, queued_at_ms=self._queued_at_ms(held))
            mine = await drive_async(steps, self._perform)
        except Transient as error:
            return Unclaimed(error.job_error, 1, service=service_of(error))
        releases = claimed.chunk.releases + 1
        move = mine and must_move(claimed.run, claimed.chunk, releases=releases, queue=held.received.queue)
        _log.info("chunk.released", mine=mine, releases=releases, moves=move)
        if not mine:
            return Lost()
        return Moved() if move else Interrupted()

    async def failed(self, held: Held, holding: Holding, error: WorkerError) -> Outcome:
        """The try failed, and another may not."""
        held.unleased()
        excused = isinstance(error, Outage) and held.outages < MAX_OUTAGES
        told = {"failures": held.attempts - 1, "outages": held.outages + 1} if excused else {"failures": held.attempts}
        _log.warning("chunk.failed", code=error.code, stage=str(error.stage), reason=str(error), **told)
        give_back = excuse if excused else give_up
        try:
            steps = give_back(self._terms.table, holding, error.job_error, queued_at_ms=self._queued_at_ms(held))
            mine = await drive_async(steps, self._perform)
        except Transient as again:
            return Unclaimed(again.job_error, held.received.receives, service=service_of(again))
        if not mine:
            return Lost()
        if excused:
            return Excused(error.job_error, held.outages + 1, service=service_of(error))
        return Failed(error.job_error, held.attempts, spent=held.attempts >= self._terms.max_attempts)

    def _queued_at_ms(self, held: Held) -> int | None:
        return None if held.message_gone else self._clock.now_ms()


def service_of(error: WorkerError) -> Service | None:
    """The service whose failure it is, where it is one's."""
    return error.service if isinstance(error, Outage) else None

"""The one place that renews what is held: lease, visibility, task token and ECS task protection, by one heartbeat.

Beats are batched: what is due within half a heartbeat goes along, and messages of one queue are renewed ten a call. ECS
task protection is asked for at the same rhythm (`protection`).

It starts before the first message is received and ends after the last one is settled, so a draining worker never looks
dead. It beats only while the work moves; a refused lease or a final job cancels the work at once; a dead receipt or a
dead token does not, since the chunk is finished under its lease and whoever comes with the newer token answers it.
"""

import asyncio
import threading
from collections.abc import Sequence

from haulier.contracts.dataset import QueueName
from haulier.contracts.errors import InvalidRecord
from haulier.contracts.limits import SQS_VISIBILITY_WALL_SECONDS
from haulier.jobs.calls import drive_async
from haulier.jobs.lease import Beat, beat, unwanted
from worker.clock import Clock
from worker.errors import WorkerError
from worker.log import get_logger
from worker.ports import Ports
from worker.runtime.held import Held, Stop
from worker.runtime.protection import Protection

_log = get_logger()
LOOK_SECONDS = 5.0
"""How often jobs are looked at where heartbeats are farther apart."""


class Keeper:
    """Registry of what is held, and the beats. `take` and `forget` are for the working thread, the rest for the
    keeper's own.
    """

    def __init__(
        self,
        *,
        table: str,
        clock: Clock,
        lease_seconds: float,
        visibility_seconds: int,
        heartbeat_seconds: float,
        protection: Protection | None = None,
    ) -> None:
        self._table = table
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._visibility_seconds = visibility_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._protection = protection
        self._due: dict[Held, float] = {}
        self._look_at = 0.0
        self._lock = threading.Lock()

    def take(self, held: Held) -> None:
        """From now on it is kept; its visibility is as fresh as its receipt."""
        with self._lock:
            self._due[held] = held.received_at + self._heartbeat_seconds

    def forget(self, held: Held) -> None:
        with self._lock:
            self._due.pop(held, None)

    def due(self) -> list[Held]:
        """What needs a beat now, and with it what does within half a heartbeat; each is due a heartbeat later again."""
        now = self._clock.monotonic()
        with self._lock:
            any_due = any(at <= now for at in self._due.values())
            near = now + self._heartbeat_seconds / 2 if any_due else now
            ready = [held for held, at in self._due.items() if at <= near]
            for held in ready:
                self._due[held] = now + self._heartbeat_seconds
        return ready

    def watch(self) -> None:
        """Stops work that does not move, and work whose lease ran out because no beat was answered in time."""
        now = self._clock.monotonic()
        with self._lock:
            everything = list(self._due)
        for held in everything:
            if held.expired(now) and held.stop_work(Stop.EXPIRED):
                _log.error("lease.lost", reason="expired", **_names(held))
            step = held.progress.stalled()
            if step is not None and held.stop_work(Stop.STALLED, step):
                _log.error("work.stalled", step=str(step), **_names(held))

    async def beat(self, due: Sequence[Held], ports: Ports) -> None:
        """One heartbeat for what is due. Never raises for an accident: the next beat is the retry."""
        moving = [held for held in due if held.stop is not Stop.STALLED]
        queues: dict[QueueName, list[Held]] = {}
        for held in moving:
            queues.setdefault(held.received.queue, []).append(held)
        await asyncio.gather(
            *(self._keep_lease(held, ports) for held in moving),
            *(self._keep_token(held, ports) for held in moving),
            *(self._keep_messages(queue, several, ports) for queue, several in queues.items()),
        )

    async def look(self, ports: Ports) -> None:
        """Asks between two beats whether jobs still want what is worked on: who cancels one waits seconds and not a
        heartbeat. Never raises for an accident: the next beat looks, too.
        """
        now = self._clock.monotonic()
        if now < self._look_at or self._heartbeat_seconds <= LOOK_SECONDS:
            return
        self._look_at = now + LOOK_SECONDS
        with self._lock:
            # The other thread may let go of a lease meanwhile, so each is read once.
            working = {holding: held for held in self._due if (holding := held.holding) and held.stop is None}
        if not working:
            return
        try:
            over = await drive_async(unwanted(self._table, working), ports.perform)
        except WorkerError as error:
            _log.warning("lease.beat_failed", what="job", reason=str(error), jobs=len(working))
            return
        for holding in over:
            if working[holding].holding is not None:
                working[holding].stop_work(Stop.JOB_OVER)

    async def guard(self, ports: Ports) -> None:
        """Asks ECS for task protection, or gives it up, if it is time. Nothing waits for it."""
        protection, agent = self._protection, ports.agent
        if protection is None or agent is None:
            return
        now = self._clock.monotonic()
        with self._lock:
            busy = bool(self._due)
        ask = protection.decide(now, busy=busy)
        if ask is None:
            return
        reply = await agent.protect(enabled=ask.enabled, minutes=ask.minutes)
        protection.answered(ask, reply, now)
        if reply.failure or reply.trouble:
            _log.warning("protection.refused", reason=reply.failure or reply.trouble, enabled=ask.enabled)
        else:
            _log.info("protection.changed", enabled=ask.enabled, minutes=ask.minutes)

    async def _keep_lease(self, held: Held, ports: Ports) -> None:
        holding = held.holding
        if holding is None or held.stop in (Stop.LOST, Stop.EXPIRED, Stop.JOB_OVER):
            return
        # The lease counts from before the call: its answer may have been long on the way.
        started = self._clock.monotonic()
        steps = beat(
            self._table,
            holding,
            held.progress.counted,
            now_ms=self._clock.now_ms(),
            lease_seconds=self._lease_seconds,
        )
        try:
            found = await drive_async(steps, ports.perform)
        except (WorkerError, InvalidRecord) as error:
            _log.warning("lease.beat_failed", what="lease", reason=str(error), **_names(held))
            return
        match found:
            case Beat.HELD:
                held.renewed(started + self._lease_seconds)
            case Beat.LOST:
                if held.holding is not None and held.stop_work(Stop.LOST):
                    _log.warning("lease.lost", reason="refused", **_names(held))
            case Beat.JOB_OVER:
                if held.holding is not None:
                    held.stop_work(Stop.JOB_OVER)

    async def _keep_messages(self, queue: QueueName, several: Sequence[Held], ports: Ports) -> None:
        """Renews the messages of one queue together; deletes those near SQS's wall."""
        now = self._clock.monotonic()
        most = SQS_VISIBILITY_WALL_SECONDS - self._visibility_seconds - 2 * self._heartbeat_seconds
        there = [held for held in several if not held.message_gone and not held.receipt_dead]
        kept = [held for held in there if now - held.received_at <= most]
        try:
            for held in there:
                if held not in kept:
                    await self._delete_at_wall(held, ports)
            receipts = [held.received.receipt for held in kept]
            if not receipts:
                return
            found = await ports.queues[queue].show_all_after(receipts, self._visibility_seconds)
        except WorkerError as error:
            _log.warning("lease.beat_failed", what="message", queue=queue, reason=str(error), messages=len(there))
            return
        for held, alive in zip(kept, found, strict=True):
            if alive is False:
                held.receipt_dead = True
                _log.warning("receipt.expired", **_names(held))
            elif alive is None:
                _log.warning("lease.beat_failed", what="message", reason="refused in its batch", **_names(held))

    async def _delete_at_wall(self, held: Held, ports: Ports) -> None:
        """SQS shows a message again 12 h after its receipt, whatever is asked. With a lease the work goes on without
        it: if this worker dies then, the janitor enqueues the chunk again.
        """
        if held.holding is None:
            return
        await ports.queues[held.received.queue].delete(held.received.receipt)
        held.message_gone = True
        _log.info("message.deleted_at_wall", **_names(held))

    async def _keep_token(self, held: Held, ports: Ports) -> None:
        token = held.token
        if token is None:
            return
        try:
            if not await ports.tokens.heartbeat(token):
                held.token = None
                _log.info("token.dead", answer="heartbeat", **_names(held))
        except WorkerError as error:
            _log.warning("lease.beat_failed", what="token", reason=str(error), **_names(held))


def _names(held: Held) -> dict[str, object]:
    """What the log lines of the keeper's thread, which has no message bound, are about."""
    holding = held.holding
    names: dict[str, object] = {"message": held.received.message_id, "queue": held.received.queue}
    if holding is not None:
        names |= {"job": holding.job_id, "run": holding.run, "chunk": holding.chunk, "attempt": holding.attempt}
    return names

"""Acts on a message as `settle` says. Order within a burial: letter, job, token, delete; each may be done twice."""

import random

from haulier.contracts.messages import decode_message
from haulier.jobs.enqueue import send_on
from haulier.jobs.items import chunk_sk
from haulier.jobs.letters import letter
from haulier.jobs.ondemand import ONDEMAND
from worker.clock import Clock
from worker.errors import WorkerError
from worker.log import get_logger
from worker.outcome import Outcome
from worker.ports import Ports
from worker.progress import Step
from worker.runtime.closing import Closing
from worker.runtime.held import Held
from worker.runtime.settle import Bury, Delete, Leave, SendOn, ShowAfter, settle

_log = get_logger()


class Settler:
    def __init__(self, ports: Ports, closing: Closing, clock: Clock) -> None:
        self._ports = ports
        self._closing = closing
        self._clock = clock

    async def settle(self, held: Held, outcome: Outcome) -> None:
        """Does what the outcome asks for. If the services do not let us, the message comes back by itself."""
        settlement = settle(outcome, now_ms=self._clock.now_ms(), random=random.random())
        try:
            with held.progress.doing(Step.COMPLETE):
                match settlement:
                    case Delete():
                        await self._delete(held)
                    case ShowAfter(seconds):
                        await self._show_after(held, seconds)
                    case Bury():
                        await self._bury(held, settlement)
                    case SendOn():
                        await self._send_on(held)
                    case Leave():
                        pass
        except WorkerError as error:
            _log.warning("settlement.failed", reason=str(error), outcome=type(outcome).__name__)
            return
        _log.info("message.settled", outcome=type(outcome).__name__, settlement=type(settlement).__name__)

    async def _bury(self, held: Held, burial: Bury) -> None:
        received = held.received
        queue = self._ports.queues[received.queue]
        await self._ports.perform(letter(queue.dlq_url, received.body, burial.error, group=received.group))
        _log.warning("message.refused", code=burial.error.code, reason=burial.error.message)
        if burial.job is not None:
            await self._closing.fail_job(burial.job, burial.error)
            held.unleased()
            message = decode_message(received.body)
            sk = chunk_sk(message.run, message.chunk, message.round)
            await self._closing.fail_tokens(message.job_id, sk, message.token, burial.error)
        await self._delete(held)

    async def _send_on(self, held: Held) -> None:
        """Between the two calls the worker may die: two messages of one chunk, and the lease arbitrates."""
        received = held.received
        url = self._ports.queues[ONDEMAND].url
        await self._ports.perform(send_on(url, received.body, group=received.group, trace=received.trace))
        _log.info("message.moved", to=ONDEMAND)
        await self._delete(held)

    async def _delete(self, held: Held) -> None:
        if not held.message_gone:
            await self._ports.queues[held.received.queue].delete(held.received.receipt)

    async def _show_after(self, held: Held, seconds: int) -> None:
        if not held.message_gone:
            await self._ports.queues[held.received.queue].show_after(held.received.receipt, seconds)

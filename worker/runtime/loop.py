"""The worker's main loop: receive, start, drain. Every decision it takes is made elsewhere.

Drain: no poll is opened any more, but an open one is let end, and what it brings is given back; what can finish in the
drain budget finishes; the rest is interrupted, which releases its lease; then the worker leaves, and only after that
does the keeper stop beating.

Nothing new is asked for while a service fails (`circuit`) or while ECS wants to deploy (`protection`); what runs goes
on, and what an open poll brings is worked on.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from haulier.contracts.limits import SETTLE_SECONDS
from worker.clock import Clock
from worker.errors import WorkerError
from worker.log import get_logger
from worker.outcome import Newer, Outcome
from worker.ports import Ports
from worker.runtime.circuit import Circuits
from worker.runtime.health import Health
from worker.runtime.held import Held, Stop
from worker.runtime.intake import Ask, Intake
from worker.runtime.message import Handler
from worker.runtime.protection import Protection
from worker.runtime.shutdown import ExitCode, StopRequest

_log = get_logger()
_TURN_SECONDS = 5.0
_GATED_SECONDS = 1.0
"""How often it is looked again while nothing may be asked for."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things may take, in seconds."""

    drain_seconds: float
    visibility_seconds: int
    settle_seconds: float = SETTLE_SECONDS


class Loop:
    """One worker's life between its first receive and its last settlement."""

    def __init__(
        self,
        *,
        intake: Intake,
        circuits: Circuits,
        protection: Protection | None = None,
        ports: Ports,
        handler: Handler,
        stop: StopRequest,
        health: Health,
        clock: Clock,
        pace: Pace,
    ) -> None:
        self._intake = intake
        self._circuits = circuits
        self._protection = protection
        self._ports = ports
        self._handler = handler
        self._stop = stop
        self._health = health
        self._clock = clock
        self._pace = pace
        self._polls: dict[asyncio.Task[list[Held] | None], Ask] = {}
        self._works: dict[asyncio.Task[Outcome], Held] = {}

    async def run(self) -> ExitCode:
        """Works until it is asked to stop; returns how it ended."""
        stopping = asyncio.ensure_future(self._stop.requested.wait())
        try:
            while not self._stop.requested.is_set():
                allowance = self._allowance()
                for ask in self._intake.next_asks(allowance):
                    self._polls[asyncio.create_task(self._poll(ask))] = ask
                await self._turn(stopping, gated=allowance is not None)
                self._reap()
            return await self._drain()
        finally:
            stopping.cancel()

    def _allowance(self) -> int | None:
        """How many messages may be asked for; None for all there is room for."""
        if self._protection is not None and not self._protection.receiving:
            return 0
        return self._circuits.allowance(self._clock.monotonic())

    async def _turn(self, stopping: asyncio.Future[Any], *, gated: bool) -> None:
        """Waits until something happens, or it is time to look again."""
        gate = [asyncio.ensure_future(self._clock.sleep(_GATED_SECONDS))] if gated else []
        try:
            await self._wait({stopping, *gate, *self._polls, *self._works}, _TURN_SECONDS)
        finally:
            for waiting in gate:
                waiting.cancel()

    async def _poll(self, ask: Ask) -> list[Held] | None:
        """Asks one queue, and holds what it hands out; None if it did not answer."""
        try:
            messages = await self._ports.queues[ask.queue].receive(
                ask.count, wait_seconds=ask.wait_seconds, visibility_seconds=self._pace.visibility_seconds
            )
        except WorkerError as error:
            _log.warning("queue.failed", queue=ask.queue, reason=str(error))
            return None
        return [self._handler.take(received, self._clock.monotonic()) for received in messages]

    async def _wait(self, tasks: Iterable[asyncio.Future[Any]], seconds: float) -> None:
        await asyncio.wait(set(tasks), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        self._health.turned(self._circuits.broken())

    def _reap(self) -> None:
        """Starts what polls brought, and frees the slots of what is settled."""
        for poll in [poll for poll in self._polls if poll.done()]:
            ask = self._polls.pop(poll)
            answer, now = poll.result(), self._clock.monotonic()
            if answer is None:
                self._circuits.poll_failed(now)
            else:
                self._circuits.polled(now, len(answer))
            brought = answer or []
            self._intake.answered(ask, len(brought))
            for held in brought:
                if self._stop.requested.is_set():
                    held.stop_work(Stop.INTERRUPTED)
                self._works[asyncio.create_task(self._handler.handle(held))] = held
        for work in [work for work in self._works if work.done()]:
            held = self._works.pop(work)
            self._intake.ended(held.received.queue)
            outcome = work.result()
            self._circuits.settled(self._clock.monotonic(), outcome)
            if isinstance(outcome, Newer):
                self._stop.ask(ExitCode.NEWER_MESSAGES, "a newer release writes messages this one cannot read")

    async def _drain(self) -> ExitCode:
        await self._finish(self._pace.drain_seconds, or_hurry=True)
        for held in self._works.values():
            if held.stop_work(Stop.INTERRUPTED):
                _log.info("work.interrupted", message=held.received.message_id)
        await self._finish(self._pace.settle_seconds, or_hurry=False)
        left = [*self._polls, *self._works]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        return ExitCode.LEFT_BEHIND if self._works and self._stop.code is ExitCode.STOPPED else self._stop.code

    async def _finish(self, seconds: float, *, or_hurry: bool) -> None:
        """Waits for polls and works to end, at most so long, and not at all once somebody is in a hurry."""
        hurry = asyncio.ensure_future(self._stop.hurry.wait())
        until = self._clock.monotonic() + seconds
        try:
            while (self._polls or self._works) and (left := until - self._clock.monotonic()) > 0:
                if or_hurry and self._stop.hurry.is_set():
                    return
                waited: set[asyncio.Future[Any]] = {*self._polls, *self._works}
                if or_hurry:
                    waited.add(hurry)
                await self._wait(waited, min(left, _TURN_SECONDS))
                self._reap()
        finally:
            hurry.cancel()

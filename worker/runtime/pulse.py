"""The thread the keeper lives on, with an event loop and clients of its own: a busy worker still beats.

If it dies the worker stops: nobody may work on under a lease that nobody renews.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Self

from worker.clock import Clock
from worker.log import get_logger
from worker.ports import Ports
from worker.runtime.held import Held
from worker.runtime.keeper import Keeper

_log = get_logger()
TICK_SECONDS = 0.5

OpenPorts = Callable[[], AbstractAsyncContextManager[Ports]]


class Pulse:
    """Runs a keeper between `__enter__` and `__exit__`."""

    def __init__(
        self,
        keeper: Keeper,
        open_ports: OpenPorts,
        clock: Clock,
        *,
        on_tick: Callable[[], None],
        on_death: Callable[[], None],
    ) -> None:
        """Starts nothing yet.

        Args:
            keeper: what is to be run.
            open_ports: opens clients for this thread's event loop.
            clock: for the wait between two ticks.
            on_tick: called each tick, in this thread.
            on_death: called in this thread if the keeper ends by itself.
        """
        self._keeper = keeper
        self._open_ports = open_ports
        self._clock = clock
        self._on_tick = on_tick
        self._on_death = on_death
        self._ending = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._main, name="keeper", daemon=True)

    def __enter__(self) -> Self:
        """Starts the thread and waits until its clients are open (or have failed to open)."""
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join(timeout=10)

    def _main(self) -> None:
        try:
            asyncio.run(self._run())
        except Exception as error:  # noqa: BLE001 - a thread has no caller: the worker is told
            _log.exception("duty.died", duty="keeper", reason=str(error))
            self._on_death()
        finally:
            self._ready.set()

    async def _run(self) -> None:
        async with self._open_ports() as ports:
            self._ready.set()
            # What is under way is waited for, not doubled. The guard, which asks ECS, and the look hold up no beat.
            beats: dict[asyncio.Task[None], frozenset[Held]] = {}
            guard: asyncio.Task[None] | None = None
            look: asyncio.Task[None] | None = None
            while not self._ending.is_set():
                self._keeper.watch()
                under_way = frozenset[Held]().union(*beats.values())
                if due := [held for held in self._keeper.due() if held not in under_way]:
                    beats[asyncio.create_task(self._keeper.beat(due, ports))] = frozenset(due)
                if guard is None:
                    guard = asyncio.create_task(self._keeper.guard(ports))
                if look is None:
                    look = asyncio.create_task(self._keeper.look(ports))
                self._on_tick()
                await self._clock.sleep(TICK_SECONDS)
                beats = {task: several for task, several in beats.items() if not _is_done(task)}
                guard = None if _is_done(guard) else guard
                look = None if _is_done(look) else look
            left = [*beats, *(side for side in (guard, look) if side)]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)


def _is_done(task: asyncio.Task[None]) -> bool:
    """Whether it ended; raises what it raised."""
    if not task.done():
        return False
    task.result()
    return True

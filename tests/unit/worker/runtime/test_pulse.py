"""The keeper's thread, with real threads and events and no waiting."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.fakes.clock import ManualClock
from tests.fakes.world import World
from worker.ports import Ports, Received
from worker.progress import Progress
from worker.runtime.held import Held, Stop
from worker.runtime.pulse import Pulse


def _held(world: World) -> Held:
    world.queues["bulk"].send("body")
    message = world.queues["bulk"].messages[0]
    message.receipt = "r"
    return Held(Received("bulk", "m", "r", "body"), Progress(world.clock.monotonic), world.clock.monotonic())


async def test_what_is_held_is_renewed_until_the_keeper_is_left_when_the_event_loop_hangs():
    world = World()
    worker = world.worker()
    held = _held(world)
    worker.keeper.take(held)
    ticks = threading.Semaphore(0)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Ports]:
        yield worker.ports

    with Pulse(worker.keeper, opened, world.clock, on_tick=ticks.release, on_death=lambda: None):
        # This blocks the event loop on purpose; the clock is turned by the keeper's own waits.
        for _ in range(200):
            assert ticks.acquire(timeout=10)
    assert len(world.queues["bulk"].hidden) >= 4
    world.close()


async def test_the_worker_is_told_when_the_keeper_dies():
    died = asyncio.Event()
    loop = asyncio.get_running_loop()
    world = World()

    @asynccontextmanager
    async def broken() -> AsyncIterator[Ports]:
        raise RuntimeError("no clients")
        yield world.worker().ports

    with Pulse(
        world.worker().keeper,
        broken,
        ManualClock(),
        on_tick=lambda: None,
        on_death=lambda: loop.call_soon_threadsafe(died.set) and None,
    ):
        await asyncio.wait_for(died.wait(), 10)
    world.close()


async def test_the_work_is_cancelled_when_another_thread_stops_it():
    world = World()
    held = _held(world)
    task = asyncio.ensure_future(asyncio.Event().wait())
    held.working(task)
    thread = threading.Thread(target=held.stop_work, args=(Stop.LOST,))
    thread.start()
    await asyncio.wait({task})
    thread.join()
    assert task.cancelled()
    assert not held.stop_work(Stop.INTERRUPTED)
    assert held.stop is Stop.LOST
    world.close()

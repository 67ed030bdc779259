"""ECS task protection from the keeper's thread: it is asked for, and holds up no beat."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from tests.fakes.world import HEARTBEAT_SECONDS, LEASE_SECONDS, TABLE, VISIBILITY_SECONDS, World
from worker.ports import AgentReply, Ports, Received
from worker.progress import Progress
from worker.runtime.held import Held
from worker.runtime.keeper import Keeper
from worker.runtime.protection import Protection
from worker.runtime.pulse import Pulse


@dataclass
class Agent:
    reply: AgentReply = field(default_factory=AgentReply)
    asked: list[tuple[bool, int | None]] = field(default_factory=list)
    hangs: bool = False

    async def protect(self, *, enabled: bool, minutes: int | None) -> AgentReply:
        self.asked.append((enabled, minutes))
        if self.hangs:
            await asyncio.Event().wait()
        return self.reply


def keeper_of(world: World, protection: Protection | None) -> Keeper:
    return Keeper(
        table=TABLE,
        clock=world.clock,
        lease_seconds=LEASE_SECONDS,
        visibility_seconds=VISIBILITY_SECONDS,
        heartbeat_seconds=HEARTBEAT_SECONDS,
        protection=protection,
    )


def held(world: World) -> Held:
    world.queues["bulk"].send("body")
    world.queues["bulk"].messages[0].receipt = "r"
    return Held(Received("bulk", "m", "r", "body"), Progress(world.clock.monotonic), world.clock.monotonic())


async def test_protection_is_on_while_a_message_is_held_and_off_when_none_is(world):
    protection, agent = Protection(3600), Agent()
    keeper, ports = keeper_of(world, protection), replace(world.worker().ports, agent=agent)
    await keeper.guard(ports)
    assert agent.asked == []
    one = held(world)
    keeper.take(one)
    await keeper.guard(ports)
    keeper.forget(one)
    for _ in range(3):
        await keeper.guard(ports)
        world.clock.turn(10)
    assert agent.asked == [(True, 10), (False, None)]


async def test_nothing_is_taken_when_the_deployment_is_blocked(world):
    protection = Protection(3600)
    keeper, ports = (
        keeper_of(world, protection),
        replace(world.worker().ports, agent=Agent(AgentReply(failure="DEPLOYMENT_BLOCKED"))),
    )
    keeper.take(held(world))
    await keeper.guard(ports)
    assert not protection.receiving


async def test_nothing_is_asked_outside_ecs(world):
    protection = Protection(3600)
    keeper = keeper_of(world, protection)
    keeper.take(held(world))
    await keeper.guard(world.worker().ports)
    assert protection.receiving


async def test_leases_are_kept_when_the_agent_hangs(world):
    agent = Agent(hangs=True)
    keeper = keeper_of(world, Protection(3600))
    keeper.take(held(world))
    ticks = threading.Semaphore(0)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Ports]:
        yield replace(world.worker().ports, agent=agent)

    with Pulse(keeper, opened, world.clock, on_tick=ticks.release, on_death=lambda: None):
        for _ in range(200):
            assert ticks.acquire(timeout=10)
    assert len(agent.asked) == 1
    assert len(world.queues["bulk"].hidden) >= 4

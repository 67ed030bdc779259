"""The whole loop: it starts what it receives, and a stop loses nothing, wherever it comes."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from haulier.contracts.states import JobState
from tests.fakes.work import GatedWork
from tests.fakes.world import VISIBILITY_SECONDS, World
from worker.errors import Throttled
from worker.runtime.circuit import Circuits
from worker.runtime.health import Health
from worker.runtime.intake import Intake
from worker.runtime.loop import Loop, Pace
from worker.runtime.protection import Protection
from worker.runtime.shutdown import ExitCode, StopRequest


class Running:
    """A loop over the world, and its stop request."""

    def __init__(
        self,
        world: World,
        tmp_path: Path,
        work: GatedWork | None = None,
        *,
        drain_seconds: float = 0,
        protection: Protection | None = None,
    ) -> None:
        for queue in world.queues.values():
            queue.poll = asyncio.Event()
        worker = world.worker(work)
        self.world = world
        self.changes: list[tuple[str, bool]] = []
        self.stop = StopRequest()
        self.loop = Loop(
            intake=Intake(4),
            circuits=Circuits(random=lambda: 0.5, on_change=lambda *change: self.changes.append(change)),
            protection=protection,
            ports=worker.ports,
            handler=worker.handler,
            stop=self.stop,
            health=Health(tmp_path / "health", world.clock),
            clock=world.clock,
            pace=Pace(drain_seconds=drain_seconds, visibility_seconds=VISIBILITY_SECONDS),
        )
        self.task = asyncio.create_task(self.loop.run())

    def end_polls(self) -> None:
        for queue in self.world.queues.values():
            assert queue.poll is not None
            queue.poll.set()

    async def ended(self) -> ExitCode:
        self.stop.ask(ExitCode.STOPPED, "test")
        self.end_polls()
        return await self.task


async def until(condition: Callable[[], bool]) -> None:
    """Lets the loop go on until it holds."""
    for _ in range(100_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to pass")


async def test_everything_that_waits_is_published_when_the_worker_runs(world, tmp_path):
    jobs = [world.submit(b"id\n%d\n" % n, key=f"incoming/{n}.csv", queue="bulk") for n in range(12)]
    running = Running(world, tmp_path, drain_seconds=30)
    await world.queues["bulk"].emptied.wait()
    assert await running.ended() is ExitCode.STOPPED
    assert {world.job(job.job_id).status for job in jobs} == {JobState.SUCCEEDED}


async def test_running_work_is_released_when_the_drain_budget_is_over(world, tmp_path):
    job = world.submit()
    work = GatedWork()
    running = Running(world, tmp_path, work)
    await work.started.wait()
    assert await running.ended() is ExitCode.STOPPED
    chunk = world.chunk(job.job_id)
    assert (chunk.attempts, chunk.releases, chunk.lease_attempt) == (0, 1, None)
    assert world.queues["standard"].hidden[-1] <= 2


async def test_running_work_is_finished_when_the_drain_budget_allows(world, tmp_path):
    job = world.submit()
    work = GatedWork()
    running = Running(world, tmp_path, work, drain_seconds=30)
    await work.started.wait()
    running.stop.ask(ExitCode.STOPPED, "test")
    running.end_polls()
    work.open.set()
    assert await running.task is ExitCode.STOPPED
    assert world.job(job.job_id).status is JobState.SUCCEEDED


async def test_running_work_is_released_at_once_when_a_second_signal_comes(world, tmp_path):
    job = world.submit()
    work = GatedWork()
    running = Running(world, tmp_path, work, drain_seconds=3600)
    await work.started.wait()
    running.stop.ask(ExitCode.STOPPED, "first")
    running.stop.hurry.set()
    running.end_polls()
    assert await running.task is ExitCode.STOPPED
    assert world.chunk(job.job_id).releases == 1


async def test_what_an_open_poll_brings_is_given_back_when_the_stop_came_first(world, tmp_path):
    running = Running(world, tmp_path, drain_seconds=30)
    await world.queues["standard"].asked.wait()
    running.stop.ask(ExitCode.STOPPED, "test")
    job = world.submit()
    running.end_polls()
    assert await running.task is ExitCode.STOPPED
    (message,) = world.queues["standard"].messages
    assert message.receives == 1
    assert message.visible_at <= world.clock.monotonic() + 2
    assert world.chunk(job.job_id) is None


async def test_the_worker_stops_when_a_newer_release_writes_messages(world, tmp_path):
    world.queues["priority"].send('{"version":9}')
    running = Running(world, tmp_path)
    await running.stop.requested.wait()
    running.end_polls()
    assert await running.task is ExitCode.NEWER_MESSAGES


async def test_the_worker_goes_on_when_a_queue_does_not_answer_once(world, tmp_path):
    world.queues["standard"].failing = 1
    job = world.submit()
    running = Running(world, tmp_path, drain_seconds=30)
    running.end_polls()
    await world.queues["standard"].emptied.wait()
    assert await running.ended() is ExitCode.STOPPED
    assert world.job(job.job_id).status is JobState.SUCCEEDED
    assert running.changes == [("sqs", True), ("sqs", False)]


async def test_nothing_is_received_while_ecs_wants_to_deploy(world, tmp_path):
    protection = Protection(3600)
    protection.receiving = False
    job = world.submit()
    running = Running(world, tmp_path, protection=protection)
    await until(lambda: world.clock.monotonic() > 1_800_000_100)
    assert not any(queue.asked.is_set() for queue in world.queues.values())
    protection.receiving = True
    running.end_polls()
    await world.queues["standard"].emptied.wait()
    assert await running.ended() is ExitCode.STOPPED
    assert world.job(job.job_id).status is JobState.SUCCEEDED


async def test_one_message_at_a_time_is_taken_when_a_service_was_out_until_it_is_well(world, tmp_path):
    """Eight chunks meet a store that throttles: a few fail, the rest stays in the queue, none is charged."""
    jobs = [world.submit(b"id\n%d\n" % n, key=f"incoming/{n}.csv") for n in range(8)]
    broken = GatedWork(Throttled("slow down", service="s3"), is_open=True)
    running = Running(world, tmp_path, broken)
    running.end_polls()
    await until(lambda: ("s3", True) in running.changes)
    received = sum(message.receives for message in world.queues["standard"].messages)
    assert 3 <= received < 8
    broken.error = None
    await until(lambda: ("s3", False) in running.changes)

    def all_are_done() -> bool:
        world.clock.turn(1)
        return not world.queues["standard"].messages

    await until(all_are_done)
    assert await running.ended() is ExitCode.STOPPED
    assert {world.job(job.job_id).status for job in jobs} == {JobState.SUCCEEDED}
    assert {world.chunk(job.job_id).attempts for job in jobs} == {1}


@pytest.mark.parametrize("first", [ExitCode.DUTY_DIED, ExitCode.STOPPED])
async def test_the_first_request_names_the_exit_code_when_several_come(first):
    stop = StopRequest()
    stop.ask(first, "first")
    stop.ask(ExitCode.NEWER_MESSAGES, "second")
    assert stop.code is first

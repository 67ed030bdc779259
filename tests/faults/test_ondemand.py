"""A long stream that is interrupted again and again goes where nothing interrupts it, and ends."""

import asyncio

import pytest

from haulier.contracts.dataset import DEFAULT_DATASET, QueueName
from haulier.contracts.messages import ChunkMessage
from haulier.contracts.run import Plan, Reading
from haulier.contracts.states import JobState
from tests.fakes.kill import Killed
from tests.fakes.work import GatedWork
from tests.fakes.world import CSV, INPUT, World
from worker.outcome import Finished, Interrupted, Moved, Outcome
from worker.runtime.held import Stop


async def interrupted(world: World, queue: QueueName = "standard") -> Outcome:
    """Takes the message, begins to work and is stopped."""
    work = GatedWork()
    worker = world.worker(work)
    (received,) = await world.queues[queue].receive(1, wait_seconds=0, visibility_seconds=90)
    held = worker.handler.take(received, world.clock.monotonic())
    task = asyncio.create_task(worker.handler.handle(held))
    # The task may die before it starts to work.
    await asyncio.wait({task, asyncio.ensure_future(work.started.wait())}, return_when=asyncio.FIRST_COMPLETED)
    if not work.started.is_set():
        work.started.set()
    held.stop_work(Stop.INTERRUPTED)
    outcome = await task
    world.clock.turn(5)
    return outcome


async def test_a_long_stream_released_five_times_still_ends(world):
    job = world.submit()
    assert await interrupted(world) == Interrupted()
    assert await interrupted(world) == Moved()
    assert not world.queues["standard"].messages
    for _ in range(3):
        assert await interrupted(world, "ondemand") == Interrupted()
    chunk = world.chunk(job.job_id)
    assert (chunk.attempts, chunk.releases) == (0, 5)
    assert await world.deliver(world.worker(), "ondemand") == [Finished("committed")]
    assert world.job(job.job_id).status is JobState.SUCCEEDED
    assert not world.letters.letters


async def test_the_token_and_the_group_go_with_the_message_when_it_moves(world):
    job = world.submit()
    world.queues["standard"].messages.clear()
    body = ChunkMessage(job_id=job.job_id, run=1, chunk=0, token="t").to_json()
    world.queues["standard"].send(body, "flights")
    await interrupted(world)
    await interrupted(world)
    (message,) = world.queues["ondemand"].messages
    assert (message.body, message.group) == (body, "flights")
    await world.deliver(world.worker(), "ondemand")
    assert world.tokens.answers == {"t": "success"}


def _chunk_of_many(world: World, chunk: int = 1) -> str:
    source = world.objects.put_source(INPUT, "incoming/a.csv", CSV)
    job = world.accept(source, dataset=DEFAULT_DATASET, queue="bulk", chunked=True)
    reading = Reading(type="csv", delimiter=",", quote='"', columns=("id", "name"), body_start=8)
    world.plan(job, Plan(reading=reading, size=len(CSV), chunk_bytes=-(-len(CSV) // 3), chunks=3))
    world.queues["bulk"].send(ChunkMessage(job_id=job.job_id, run=1, chunk=chunk).to_json())
    return job.job_id


async def test_a_range_of_a_large_object_stays_in_its_queue_however_often_it_is_released(world):
    _chunk_of_many(world)
    for _ in range(5):
        assert await interrupted(world, "bulk") == Interrupted()
    assert not world.queues["ondemand"].messages


async def test_the_join_of_a_run_moves_like_a_stream(world):
    _chunk_of_many(world, chunk=3)
    assert await interrupted(world, "bulk") == Interrupted()
    assert await interrupted(world, "bulk") == Moved()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_the_stream_ends_wherever_the_worker_dies_while_it_moves(world, after):
    reference = World()
    reference.submit()
    await interrupted(reference)
    reference.switch.arm(None)
    await interrupted(reference)
    calls = list(reference.switch.calls)
    reference.close()
    assert [name for name in calls if name.startswith("sqs send_message")]
    for at in range(len(calls)):
        killed = World()
        job = killed.submit()
        await interrupted(killed)
        killed.switch.arm(at, after=after)
        with pytest.raises(Killed):
            await interrupted(killed)
        killed.switch.arm(None)
        killed.clock.turn(100)
        outcomes = await killed.run_dry()
        told = f"killed at call {at} ({calls[at]})"
        assert Finished("committed") in outcomes, told
        assert killed.job(job.job_id).status is JobState.SUCCEEDED, told
        assert killed.chunk(job.job_id).lease_until is None, told
        assert not killed.letters.letters, told
        killed.close()

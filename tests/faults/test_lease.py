"""A lease that is lost, runs out, or cannot be renewed; work that stalls; a job that ends meanwhile."""

import asyncio
from dataclasses import replace

import pytest

from haulier.contracts.states import JobState
from haulier.jobs.calls import Call, drive
from haulier.jobs.verdicts import cancel
from haulier.jobs.writes import update
from tests.fakes.work import GatedWork
from tests.fakes.world import TABLE, Worker, World
from worker.errors import Throttled, Unreachable
from worker.outcome import Excused, Failed, Finished, Lost
from worker.ports import Ports
from worker.progress import Step
from worker.runtime.held import Held, Stop
from worker.runtime.keeper import LOOK_SECONDS


async def _start(world: World, work: GatedWork) -> tuple[Worker, Held, asyncio.Task]:
    worker = world.worker(work)
    (received,) = await world.queues["standard"].receive(1, wait_seconds=0, visibility_seconds=90)
    held = worker.handler.take(received, world.clock.monotonic())
    task = asyncio.create_task(worker.handler.handle(held))
    await work.started.wait()
    return worker, held, task


async def _beat(world: World, worker: Worker) -> None:
    worker.keeper.watch()
    await worker.keeper.beat(worker.keeper.due(), worker.ports)


async def test_the_lease_and_the_message_are_renewed_when_a_heartbeat_is_due(world):
    job = world.submit()
    worker, held, task = await _start(world, GatedWork())
    for _ in range(30):
        world.clock.turn(20)
        await _beat(world, worker)
    chunk = world.chunk(job.job_id)
    assert chunk.lease_until == world.clock.now_ms() + 90_000
    assert world.queues["standard"].messages[0].visible_at == world.clock.monotonic() + 90
    assert held.holds(world.clock.monotonic())
    held.stop_work(Stop.INTERRUPTED)
    await task


async def test_nothing_is_renewed_when_the_first_heartbeat_is_not_due_yet(world):
    world.submit()
    worker, held, task = await _start(world, GatedWork())
    world.clock.turn(19)
    assert worker.keeper.due() == []
    held.stop_work(Stop.INTERRUPTED)
    await task


async def test_the_work_is_cancelled_at_once_when_the_lease_is_another_s(world):
    job = world.submit()
    work = GatedWork()
    worker, _, task = await _start(world, work)
    chunk = world.chunk(job.job_id)
    world.perform_now(update(TABLE, job.job_id, chunk.sk, sets={"lease_attempt": "somebody-else"}))
    world.clock.turn(20)
    await _beat(world, worker)
    assert await task == Lost()
    assert work.cancelled == 1
    assert len(world.queues["standard"].messages) == 1


async def test_the_work_is_cancelled_at_once_when_the_job_is_cancelled(world):
    job = world.submit()
    work = GatedWork()
    worker, _, task = await _start(world, work)
    world.perform_now(update(TABLE, job.job_id, "r0001#c00000#0", sets={"token": "waiting"}))
    drive(cancel(TABLE, job.job_id, world.clock.now_ms()), world.perform_now)
    world.clock.turn(20)
    await _beat(world, worker)
    assert await task == Finished("job over")
    assert world.tokens.answers == {"waiting": "success"}
    assert work.cancelled == 1
    assert not world.queues["standard"].messages
    assert world.job(job.job_id).status is JobState.CANCELLED


@pytest.mark.parametrize("cancelled", [True, False])
async def test_a_cancelled_job_s_work_stops_before_its_next_beat(world, cancelled):
    job = world.submit()
    work = GatedWork()
    worker, _, task = await _start(world, work)
    if cancelled:
        drive(cancel(TABLE, job.job_id, world.clock.now_ms()), world.perform_now)
    world.clock.turn(LOOK_SECONDS)
    assert not worker.keeper.due()
    await worker.keeper.look(worker.ports)
    work.open.set()
    assert await task == Finished("job over" if cancelled else "committed")
    assert work.cancelled == cancelled


async def test_the_work_goes_on_when_a_look_at_its_job_finds_nothing_or_fails(world):
    world.submit()
    work = GatedWork()
    worker, _, task = await _start(world, work)
    for refused in (Throttled("not now", service="dynamodb"), None):
        world.clock.turn(LOOK_SECONDS)
        world.failing = lambda call, refused=refused: refused if call.operation == "batch_get_item" else None
        await worker.keeper.look(replace(worker.ports, perform=_unread) if refused is None else worker.ports)
    world.failing = None
    work.open.set()
    assert await task == Finished("committed")


async def _unread(call: Call) -> dict[str, object]:
    """DynamoDB's answer where it read none of the keys."""
    return {"Responses": {}, "UnprocessedKeys": call.params["RequestItems"]}


async def test_the_holder_stops_by_itself_when_no_beat_was_answered_until_its_lease_ran_out(world):
    job = world.submit()
    work = GatedWork()
    worker, held, task = await _start(world, work)

    async def silent(_):
        raise Unreachable("no answer")

    deaf = Ports(silent, worker.ports.queues, worker.ports.tokens)
    for _ in range(4):
        world.clock.turn(20)
        worker.keeper.watch()
        await worker.keeper.beat(worker.keeper.due(), deaf)
    assert held.stop is None
    world.clock.turn(10)
    worker.keeper.watch()
    outcome = await task
    assert isinstance(outcome, Excused)
    assert held.stop is Stop.EXPIRED
    assert work.cancelled == 1
    chunk = world.chunk(job.job_id)
    assert (chunk.attempts, chunk.outages, chunk.lease_until) == (0, 1, None)


async def test_nothing_of_the_chunk_is_touched_when_its_lease_ran_out_and_another_has_it(world):
    job = world.submit()
    worker, held, task = await _start(world, GatedWork())
    world.clock.turn(91)
    chunk = world.chunk(job.job_id)
    world.perform_now(update(TABLE, job.job_id, chunk.sk, sets={"lease_attempt": "somebody-else"}))
    worker.keeper.watch()
    assert await task == Lost()
    assert held.stop is Stop.EXPIRED
    assert world.chunk(job.job_id).attempts == 1


async def test_the_attempt_is_given_up_as_transient_when_a_stage_makes_no_progress(world):
    job = world.submit()
    work = GatedWork()
    worker, _, task = await _start(world, work)
    with work.progress.doing(Step.PROCESS):
        for _ in range(6):
            world.clock.turn(20)
            await _beat(world, worker)
        assert work.cancelled == 0
        world.clock.turn(1)
        await _beat(world, worker)
    outcome = await task
    assert isinstance(outcome, Failed)
    assert outcome.error.code == "stalled"
    chunk = world.chunk(job.job_id)
    assert chunk.attempts == 1
    assert chunk.lease_until is None
    assert chunk.failure.code == "stalled"


async def test_no_failure_is_counted_when_a_service_says_nothing_for_too_long(world):
    job = world.submit()
    work = GatedWork()
    worker, _, task = await _start(world, work)
    with work.progress.doing(Step.FETCH):
        for _ in range(4):
            world.clock.turn(20)
            await _beat(world, worker)
    outcome = await task
    assert isinstance(outcome, Excused)
    assert (outcome.error.code, outcome.service) == ("hung", "s3")
    chunk = world.chunk(job.job_id)
    assert (chunk.attempts, chunk.outages, chunk.lease_until) == (0, 1, None)


async def test_several_messages_are_renewed_in_one_call_when_one_is_due(world):
    for name in "abc":
        world.submit(key=f"incoming/{name}.csv")
    worker = world.worker()
    received = await world.queues["standard"].receive(3, wait_seconds=0, visibility_seconds=90)
    held = [worker.handler.take(one, world.clock.monotonic() + at) for at, one in enumerate(received)]
    world.clock.turn(20)
    await _beat(world, worker)
    assert world.queues["standard"].batches == [3]
    world.clock.turn(9)
    assert worker.keeper.due() == []
    for one in held:
        worker.keeper.forget(one)


async def test_the_work_goes_on_when_it_only_waits_for_the_next_stage(world):
    world.submit()
    work = GatedWork()
    worker, held, task = await _start(world, work)
    with work.progress.doing(Step.PROCESS):
        pass
    for _ in range(100):
        world.clock.turn(20)
        await _beat(world, worker)
    assert held.stop is None
    held.stop_work(Stop.INTERRUPTED)
    await task


async def test_the_work_goes_on_when_receipt_and_token_are_dead(world):
    job = world.submit()
    work = GatedWork()
    worker, held, task = await _start(world, work)
    held.token = "dead"
    world.tokens.dead.add("dead")
    world.queues["standard"].messages[0].receipt = "another delivery"
    for _ in range(2):
        world.clock.turn(20)
        await _beat(world, worker)
    assert held.receipt_dead
    assert held.token is None
    assert world.tokens.beats == ["dead"]
    work.open.set()
    assert await task == Finished("committed")
    assert world.job(job.job_id).status is JobState.SUCCEEDED


async def test_the_message_is_deleted_and_the_work_goes_on_when_the_wall_of_12_hours_is_near(world):
    job = world.submit()
    work = GatedWork()
    worker, held, task = await _start(world, work)
    while not held.message_gone:
        world.clock.turn(20)
        await _beat(world, worker)
    assert not world.queues["standard"].messages
    assert world.clock.monotonic() - held.received_at < 12 * 3600
    for _ in range(10):
        world.clock.turn(20)
        await _beat(world, worker)
    work.open.set()
    assert await task == Finished("committed")
    assert world.job(job.job_id).status is JobState.SUCCEEDED

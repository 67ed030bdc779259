"""A service throttles or fails: no chunk pays for it, nothing new is taken, and work goes on when it is well again."""

import asyncio
import json
from dataclasses import replace

import pytest

from haulier.contracts.keys import run_prefix
from haulier.contracts.limits import MAX_OUTAGES
from haulier.contracts.states import JobState
from haulier.jobs.calls import Call
from haulier.jobs.mend import mend
from haulier.jobs.times import iso
from tests.fakes.kill import Killed
from tests.fakes.work import GatedWork
from tests.fakes.world import World
from worker.errors import (
    BrokenStream,
    CallRefused,
    Hung,
    NotPermitted,
    Outage,
    ServiceFault,
    Stalled,
    Throttled,
    Transient,
    Unexpected,
    Unreachable,
)
from worker.outcome import Excused, Failed, Finished, Refused, Unclaimed


def failing(error: Exception) -> GatedWork:
    return GatedWork(error, is_open=True)


@pytest.mark.parametrize("kind", [Throttled, ServiceFault, NotPermitted, Unreachable, BrokenStream, Hung])
async def test_no_failure_is_counted_when_a_service_failed(world, kind):
    job = world.submit()
    worker = world.worker(failing(kind("not today", service="s3")))
    for n in range(1, 8):
        (outcome,) = await world.deliver(worker)
        assert isinstance(outcome, Excused)
        assert (outcome.outages, outcome.service) == (n, "s3")
        assert world.queues["standard"].hidden[-1] <= min(2**n, 900)
        world.clock.turn(1000)
    chunk = world.chunk(job.job_id)
    assert (chunk.attempts, chunk.outages, chunk.lease_attempt, chunk.failure.code) == (0, 7, None, kind.code)
    assert await world.run_dry() == [Finished("committed")]
    assert world.job(job.job_id).status is JobState.SUCCEEDED


async def test_what_a_try_left_is_gone_before_the_job_is_published_when_an_outage_ended_it(world):
    job = world.submit()
    left = f"{run_prefix(job.dataset, job.job_id, 1)}chunk-00000-left.jsonl"
    world.objects.outputs[left] = b"a rolled output that could not be deleted, since S3 was away"
    await world.deliver(world.worker(failing(Throttled("slow down", service="s3"))))
    world.clock.turn(1000)
    await world.run_dry()
    assert world.job(job.job_id).status is JobState.SUCCEEDED
    assert left not in world.objects.outputs


@pytest.mark.parametrize("gone", [False, True])
async def test_the_janitor_sends_no_copy_of_what_only_waits_for_its_next_try(world, gone):
    job = world.submit()
    world.clock.turn(3600)
    (received,) = await world.queues["standard"].receive(1, wait_seconds=0, visibility_seconds=90)
    worker = world.worker(failing(Throttled("slow down", service="s3")))
    held = worker.handler.take(received, world.clock.monotonic())
    held.message_gone = gone  # deleted at SQS's wall
    await worker.handler.handle(held)
    now_ms = world.clock.now_ms() + 800_000
    chunks = [world.chunk(job.job_id)]
    found = mend(
        replace(world.job(job.job_id), updated_at=iso(0)),
        chunks,
        execution=None,
        now_ms=now_ms,
        requeue_after_seconds=900,
    )
    assert bool(found) == gone


@pytest.mark.parametrize("kind", [CallRefused, Stalled, Unexpected])
async def test_the_failure_is_counted_when_it_is_the_chunk_s_own(world, kind):
    job = world.submit()
    (outcome,) = await world.deliver(world.worker(failing(kind("never"))))
    assert isinstance(outcome, Failed)
    assert world.chunk(job.job_id).attempts == 1


def test_every_error_that_may_pass_is_either_a_service_s_or_counted():
    kinds = {kind for kind in Transient.__subclasses__() if kind is not Outage}
    assert kinds == {CallRefused, Stalled, Unexpected}
    assert set(Outage.__subclasses__()) == {Throttled, ServiceFault, NotPermitted, Unreachable, BrokenStream, Hung}


async def test_a_job_ends_when_a_service_fails_its_chunk_whenever_it_is_tried(world):
    job = world.submit()
    worker = world.worker(failing(ServiceFault("500 for this object only", service="s3")))
    for _ in range(MAX_OUTAGES + 10):
        world.clock.turn(1000)
        if any(isinstance(outcome, Refused) for outcome in await world.deliver(worker)):
            break
    failed = world.job(job.job_id)
    assert failed.status is JobState.FAILED
    assert failed.error.code == "attempts_spent"
    assert "500 for this object only" in failed.error.message
    assert world.letters.reasons() == ["attempts_spent"]


async def test_one_count_says_when_it_is_enough_whatever_the_failures_were(world):
    """Two kills, a bug, a stall, an outage that is not counted, an interruption that is not: the fifth failure is the
    last.
    """
    job = world.submit()

    async def killed() -> None:
        world.switch.arm(6)
        with pytest.raises(Killed):
            await world.deliver(world.worker())
        world.switch.arm(None)

    async def tried(error: Exception) -> None:
        await world.deliver(world.worker(failing(error)))

    for step in (
        killed,
        lambda: tried(Unexpected("a bug")),
        lambda: tried(Throttled("slow down", service="s3")),
        killed,
        lambda: tried(Stalled("no progress")),
        lambda: tried(Unreachable("nobody home", service="dynamodb")),
    ):
        await step()
        world.clock.turn(1000)
    chunk = world.chunk(job.job_id)
    assert (chunk.attempts, chunk.outages) == (4, 2)
    assert world.job(job.job_id).status is JobState.RUNNING
    await tried(Unexpected("the fifth"))
    world.clock.turn(1000)
    await world.run_dry()
    assert world.job(job.job_id).error.code == "attempts_spent"
    assert "failed 5 times" in world.job(job.job_id).error.message


def no_table(call: Call) -> Exception | None:
    return Throttled("ThrottlingException", service="dynamodb") if call.service == "dynamodb" else None


async def test_no_attempt_is_made_when_the_table_does_not_answer_a_claim(world):
    job = world.submit()
    world.failing = no_table
    (outcome,) = await world.deliver(world.worker())
    assert isinstance(outcome, Unclaimed)
    assert outcome.service == "dynamodb"
    world.failing = None
    assert world.chunk(job.job_id) is None
    world.clock.turn(1000)
    await world.run_dry()
    assert world.job(job.job_id).status is JobState.SUCCEEDED


async def test_at_most_one_failure_is_counted_when_the_table_fails_while_a_chunk_is_worked_on(world):
    job = world.submit()
    work = GatedWork(Unreachable("s3 too", service="s3"))
    worker = world.worker(work)
    (received,) = await world.queues["standard"].receive(1, wait_seconds=0, visibility_seconds=90)
    task = asyncio.create_task(worker.handler.handle(worker.handler.take(received, world.clock.monotonic())))
    await work.started.wait()
    world.failing = no_table
    work.open.set()
    outcome = await task
    assert isinstance(outcome, Unclaimed)
    world.failing = None
    assert world.chunk(job.job_id).attempts == 1
    world.clock.turn(1000)
    await world.run_dry()
    assert world.job(job.job_id).status is JobState.SUCCEEDED


async def test_an_outage_is_measured_as_one_when_it_ends_a_try(world: World):
    world.submit()
    await world.deliver(world.worker(failing(Throttled("slow down", service="s3"))))
    line = json.loads(world.lines[0])
    assert (line["Outages"], line["ProcessingErrors"], line["ProcessingFailure"]) == (1, 1, 0)

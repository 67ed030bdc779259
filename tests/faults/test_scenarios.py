"""The scenarios that chaos meets by chance, each by name and step by step."""

import asyncio

from haulier.contracts.dataset import DEFAULT_DATASET
from haulier.contracts.messages import ChunkMessage
from haulier.contracts.run import Plan, Reading
from haulier.contracts.states import JobState
from haulier.jobs import lease
from haulier.jobs.calls import drive
from haulier.jobs.claim import AlreadyCommitted, Claimed, claim
from haulier.jobs.enqueue import Targets, enqueue
from haulier.jobs.finish import Ended, finish
from haulier.jobs.verdicts import cancel, retry
from tests.fakes.work import EMPTY, GatedWork
from tests.fakes.world import CSV, INPUT, OUTPUT, TABLE, Worker, World
from worker.outcome import Finished, HeldByOther, Lost
from worker.runtime.held import Held

BEYOND_THE_LEASE = 100


async def received_by(world: World, worker: Worker) -> Held:
    (received,) = await world.queues["standard"].receive(1, wait_seconds=0, visibility_seconds=90)
    return worker.handler.take(received, world.clock.monotonic())


async def frozen(world: World, work: GatedWork) -> asyncio.Task:
    """A worker that holds the chunk and does nothing more until `work` is opened: no beat, no commit."""
    worker = world.worker(work)
    task = asyncio.create_task(worker.handler.handle(await received_by(world, worker)))
    await work.started.wait()
    world.clock.turn(BEYOND_THE_LEASE)
    return task


def cut_in_two(world: World) -> str:
    """A job of two chunks, planned; returns its id."""
    source = world.objects.put_source(INPUT, "incoming/a.csv", CSV)
    job = world.accept(source, dataset=DEFAULT_DATASET, queue="standard", chunked=True)
    reading = Reading(type="csv", delimiter=",", quote='"', columns=("id", "name"), body_start=8)
    world.plan(job, Plan(reading=reading, size=len(CSV), chunk_bytes=len(CSV) // 2 + 1, chunks=2))
    return job.job_id


def claimed(world: World, job_id: str, attempt: str, *, chunk: int, round_: int = 0, message: str = "m"):
    travelling = ChunkMessage(job_id=job_id, run=1, chunk=chunk, round=round_)
    steps = claim(
        TABLE, travelling, attempt=attempt, message_id=message, worker=attempt, now_ms=world.clock.now_ms(),
        lease_seconds=90, max_attempts=5,
    )  # fmt: skip
    return drive(steps, world.perform_now)


def committed(world: World, job_id: str, attempt: str, first: int, following: int, *, chunk: int, round_: int = 0):
    report = EMPTY.model_copy(update={"first": first, "next": following, "input_bytes": following - first})
    holding = lease.Holding(job_id, 1, chunk, round_, attempt)
    return drive(lease.commit(TABLE, holding, report, now_ms=world.clock.now_ms()), world.perform_now)


async def test_the_chunk_is_worked_on_once_when_one_worker_gets_the_same_message_twice(world):
    job = world.submit()
    work = GatedWork()
    worker = world.worker(work)
    first = asyncio.create_task(worker.handler.handle(await received_by(world, worker)))
    await work.started.wait()
    world.queues["standard"].messages[0].visible_at = 0
    assert isinstance(await worker.handler.handle(await received_by(world, worker)), HeldByOther)
    work.open.set()
    assert await first == Finished("committed")
    assert len(work.attempts) == 1
    await world.run_dry()
    assert world.job(job.job_id).status is JobState.SUCCEEDED
    assert not world.queues["standard"].messages


async def test_a_claim_reads_on_when_dynamodb_left_all_keys_unread(world):
    job = world.submit()
    unread = []

    def perform(call):
        if call.operation == "batch_get_item" and not unread:
            unread.append(call)
            return {"Responses": {}, "UnprocessedKeys": call.params["RequestItems"]}
        return world.perform_now(call)

    steps = claim(
        TABLE, ChunkMessage(job_id=job.job_id, run=1, chunk=0), attempt="a", message_id="m", worker="w",
        now_ms=world.clock.now_ms(), lease_seconds=90, max_attempts=5,
    )  # fmt: skip
    assert isinstance(drive(steps, perform), Claimed)


async def test_the_newer_token_is_answered_when_the_backlog_outlasted_the_older_one_s_heartbeat(world):
    """Step Functions gave the first token up and sent the chunk again, while the first message still waited."""
    job = world.submit()
    world.queues["standard"].messages.clear()
    for token in ("given up", "newer"):
        world.queues["standard"].send(ChunkMessage(job_id=job.job_id, run=1, chunk=0, token=token).to_json())
    world.tokens.dead.add("given up")
    assert await world.deliver(world.worker()) == [Finished("committed"), Finished("already committed")]
    assert world.tokens.answers == {"newer": "success"}
    assert len(world.manifest(job.job_id).output_keys) == 1


async def test_a_frozen_worker_that_wakes_changes_nothing_when_another_committed_its_chunk(world):
    job = world.submit()
    work = GatedWork()
    sleeper = await frozen(world, work)
    assert await world.deliver(world.worker()) == [Finished("committed")]
    published = dict(world.objects.outputs)
    work.open.set()
    assert await sleeper in (Lost(), Finished("job over"))
    assert world.objects.outputs == published
    assert world.job(job.job_id).status is JobState.SUCCEEDED
    assert not world.queues["standard"].messages


async def test_a_frozen_worker_that_wakes_loses_when_the_job_still_runs_and_another_committed_its_chunk(world):
    job_id = cut_in_two(world)
    world.queues["standard"].send(ChunkMessage(job_id=job_id, run=1, chunk=0).to_json())
    work = GatedWork()
    sleeper = await frozen(world, work)
    claimed(world, job_id, "other", chunk=0)
    committed(world, job_id, "other", 8, 300, chunk=0)
    work.open.set()
    assert await sleeper == Lost()
    chunk = world.chunk(job_id)
    assert (chunk.committed_attempt, chunk.report.next) == ("other", 300)
    assert world.job(job_id).status is JobState.RUNNING


async def test_a_wrong_guess_is_not_published_when_it_was_committed_before_its_redo(world):
    job_id, end = cut_in_two(world), len(CSV)
    for chunk, (first, following) in enumerate([(8, 300), (310, end)]):
        claimed(world, job_id, f"a{chunk}", chunk=chunk)
        committed(world, job_id, f"a{chunk}", first, following, chunk=chunk)
    (redo,) = drive(finish(TABLE, OUTPUT, job_id, 1, world.clock.now_ms()), world.perform_now).proof.redos
    assert (redo.chunk, redo.round, redo.given) == (1, 1, 300)
    assert isinstance(claimed(world, job_id, "late", chunk=1, message="a copy"), AlreadyCommitted)
    claimed(world, job_id, "b", chunk=1, round_=1)
    committed(world, job_id, "b", 300, end, chunk=1, round_=1)
    assert committed(world, job_id, "late", 310, end, chunk=1) is lease.Beat.LOST
    assert drive(finish(TABLE, OUTPUT, job_id, 1, world.clock.now_ms()), world.perform_now) == Ended(JobState.SUCCEEDED)
    assert [(chunk.first, chunk.next) for chunk in world.manifest(job_id).chunks] == [(8, 300), (300, end)]


async def test_run_two_alone_is_published_when_a_worker_of_run_one_still_works(world):
    job = world.submit()
    work = GatedWork()
    worker = world.worker(work)
    old = asyncio.create_task(worker.handler.handle(await received_by(world, worker)))
    await work.started.wait()
    drive(cancel(TABLE, job.job_id, world.clock.now_ms()), world.perform_now)
    again = drive(retry(TABLE, job.job_id, world.clock.now_ms()), world.perform_now)
    drive(enqueue(TABLE, again, Targets(world.queue_urls), world.clock.now_ms()), world.perform_now)
    assert await world.deliver(world.worker()) == [Finished("committed")]
    work.open.set()
    assert await old == Finished("job over")
    done = world.job(job.job_id)
    assert (done.status, done.run, world.manifest(job.job_id).run) == (JobState.SUCCEEDED, 2, 2)
    assert not any("/run=1/" in key for key in world.objects.outputs)


async def test_a_letter_that_comes_back_is_only_acknowledged_when_its_job_is_final(world):
    job = world.submit()
    del world.objects.buckets[INPUT]["incoming/a.csv"]
    await world.deliver(world.worker())
    (letter,) = world.letters.letters
    world.queues["standard"].send(letter["MessageBody"])
    assert await world.deliver(world.worker()) == [Finished("job over")]
    assert world.job(job.job_id).status is JobState.FAILED
    assert len(world.letters.letters) == 1
    assert not world.queues["standard"].messages

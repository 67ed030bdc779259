"""What becomes of a message in every case the design names, with the real work over faked services."""

import asyncio

import pytest

from haulier.contracts.dataset import Dataset
from haulier.contracts.limits import MIB
from haulier.contracts.messages import ChunkMessage
from haulier.contracts.states import JobState
from haulier.jobs.calls import drive
from haulier.jobs.verdicts import cancel
from haulier.jobs.writes import update
from tests.fakes.work import GatedWork
from tests.fakes.world import CSV, INPUT, TABLE
from worker.errors import CallRefused
from worker.outcome import Failed, Finished, HeldByOther, Interrupted, Newer, Refused, Unreadable
from worker.runtime.held import Stop


async def test_a_job_of_one_chunk_is_published_when_its_message_is_handled(world):
    job = world.submit()
    assert await world.deliver(world.worker()) == [Finished("committed")]
    done = world.job(job.job_id)
    assert done.status is JobState.SUCCEEDED
    assert (done.read, done.written, done.rejected) == (51, 50, 1)
    manifest = world.manifest(job.job_id)
    assert world.objects.outputs[manifest.output_keys[0]].count(b"\n") == 50
    assert world.objects.metadata[manifest.output_keys[0]]["haulier-job"] == job.job_id
    assert not world.queues["standard"].messages


async def test_nothing_is_written_twice_when_the_message_is_delivered_twice(world):
    job = world.submit()
    message = world.queues["standard"].messages[0]
    world.queues["standard"].send(message.body)
    outcomes = await world.deliver(world.worker())
    assert outcomes == [Finished("committed"), Finished("already committed")]
    assert len(world.manifest(job.job_id).output_keys) == 1
    assert sum(".jsonl" in key and key.startswith("processed/") for key in world.objects.outputs) == 1


async def test_the_same_message_is_hidden_until_the_lease_ends_when_it_comes_back_early(world):
    world.submit()
    work = GatedWork()
    first = asyncio.create_task(world.deliver(world.worker(work)))
    await work.started.wait()
    world.queues["standard"].messages[0].visible_at = 0
    (outcome,) = await world.deliver(world.worker())
    assert isinstance(outcome, HeldByOther)
    assert 90 <= world.queues["standard"].hidden[-1] <= 90 + 5 + 5
    work.open.set()
    await first


async def test_the_token_is_kept_and_the_message_deleted_when_another_message_holds_the_chunk(world):
    job = world.submit()
    work = GatedWork()
    first = asyncio.create_task(world.deliver(world.worker(work)))
    await work.started.wait()
    world.queues["standard"].send(ChunkMessage(job_id=job.job_id, run=1, chunk=0, token="newer").to_json())
    assert await world.deliver(world.worker()) == [Finished("held elsewhere")]
    work.open.set()
    await first
    assert world.tokens.answers == {"newer": "success"}
    assert not world.queues["standard"].messages


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("not json", "invalid_message"),
        ('{"version":1}', "invalid_message"),
        (ChunkMessage(job_id="j" + "a" * 26, run=1, chunk=0).to_json(), "unknown_job"),
    ],
)
async def test_a_letter_says_why_when_the_message_names_no_job(world, body, reason):
    world.queues["bulk"].send(body, "group")
    (outcome,) = await world.deliver(world.worker(), "bulk")
    assert isinstance(outcome, Unreadable)
    assert world.letters.reasons() == [reason]
    assert world.letters.letters[0]["QueueUrl"] == "https://sqs/bulk-dlq"
    assert world.letters.letters[0]["MessageGroupId"] == "group"
    assert not world.queues["bulk"].messages


async def test_the_message_is_given_back_when_a_newer_release_wrote_it(world):
    world.queues["standard"].send('{"version":2,"anything":true}')
    (outcome,) = await world.deliver(world.worker())
    assert isinstance(outcome, Newer)
    assert world.queues["standard"].hidden[-1] <= 2
    assert len(world.queues["standard"].messages) == 1


async def test_the_job_fails_with_a_letter_when_its_object_is_gone(world):
    job = world.submit()
    del world.objects.buckets[INPUT]["incoming/a.csv"]
    (outcome,) = await world.deliver(world.worker())
    assert isinstance(outcome, Refused)
    failed = world.job(job.job_id)
    assert (failed.status, failed.error.code, failed.error.stage) == (JobState.FAILED, "source_gone", "read")
    assert world.letters.reasons() == ["source_gone"]
    assert not world.queues["standard"].messages


async def test_the_job_fails_and_no_bytes_mix_when_its_object_changes_under_it(world):
    job = world.submit(CSV * 1000)
    world.objects.buckets[INPUT]["incoming/a.csv"] = b"x" + (CSV * 1000)[1:]
    await world.deliver(world.worker())
    assert world.job(job.job_id).error.code == "source_changed"
    assert not any(key.startswith("processed/") for key in world.objects.outputs)


async def test_the_job_fails_when_its_bytes_are_nothing_we_read(world):
    job = world.submit(b"7z\xbc\xaf\x27\x1c" + bytes(200), key="incoming/a.csv")
    await world.deliver(world.worker())
    error = world.job(job.job_id).error
    assert (error.code, error.stage) == ("unsupported_content", "parse")


async def test_the_job_fails_when_the_dataset_does_not_fit_the_columns(world):
    dataset = Dataset.model_validate({"name": "d", "transforms": [{"derive": {"x": "no_such_column + 1"}}]})
    job = world.submit(dataset=dataset)
    await world.deliver(world.worker())
    assert world.job(job.job_id).status is JobState.FAILED
    assert world.job(job.job_id).error.stage == "transform"


async def test_the_failure_is_counted_and_the_message_backs_off_when_the_error_may_pass(world):
    job = world.submit()
    (outcome,) = await world.deliver(world.worker(GatedWork(CallRefused("no"), is_open=True)))
    assert isinstance(outcome, Failed)
    assert world.queues["standard"].hidden[-1] <= 2
    chunk = world.chunk(job.job_id)
    assert (chunk.attempts, chunk.lease_attempt, chunk.failure.code) == (1, None, "call_refused")
    assert world.job(job.job_id).status is JobState.RUNNING
    await world.run_dry()
    assert world.job(job.job_id).status is JobState.SUCCEEDED


async def test_a_letter_follows_at_once_when_the_last_failure_is_spent(world):
    job = world.submit()
    worker = world.worker(GatedWork(CallRefused("no such thing"), is_open=True), max_attempts=1)
    await world.deliver(worker)
    assert world.queues["standard"].hidden == [0]
    (outcome,) = await world.deliver(worker)
    assert isinstance(outcome, Refused)
    error = world.job(job.job_id).error
    assert error.code == "attempts_spent"
    assert "call_refused: no such thing" in error.message
    assert world.letters.reasons() == ["attempts_spent"]


async def test_a_bug_is_counted_like_any_failure_when_the_work_raises_what_nobody_foresaw(world):
    job = world.submit()
    (outcome,) = await world.deliver(world.worker(GatedWork(ZeroDivisionError("oops"), is_open=True)))
    assert isinstance(outcome, Failed)
    assert outcome.error.code == "unexpected"
    assert world.chunk(job.job_id).attempts == 1


async def test_no_failure_is_counted_when_the_work_is_interrupted(world):
    job = world.submit()
    work = GatedWork()
    worker = world.worker(work)
    (received,) = await world.queues["standard"].receive(1, wait_seconds=0, visibility_seconds=90)
    held = worker.handler.take(received, world.clock.monotonic())
    task = asyncio.create_task(worker.handler.handle(held))
    await work.started.wait()
    held.stop_work(Stop.INTERRUPTED)
    assert await task == Interrupted()
    chunk = world.chunk(job.job_id)
    assert (chunk.attempts, chunk.releases, chunk.lease_attempt) == (0, 1, None)
    assert world.queues["standard"].hidden[-1] <= 2


async def test_the_chunk_is_not_claimed_when_the_message_arrives_while_stopping(world):
    job = world.submit()
    worker = world.worker()
    (received,) = await world.queues["standard"].receive(1, wait_seconds=0, visibility_seconds=90)
    held = worker.handler.take(received, world.clock.monotonic())
    held.stop_work(Stop.INTERRUPTED)
    assert await worker.handler.handle(held) == Interrupted()
    assert world.chunk(job.job_id) is None


async def test_the_token_is_answered_and_the_message_deleted_when_the_job_is_over(world):
    job = world.submit()
    drive(cancel(TABLE, job.job_id, world.clock.now_ms()), world.perform_now)
    world.queues["standard"].send(ChunkMessage(job_id=job.job_id, run=1, chunk=0, token="t").to_json())
    outcomes = await world.deliver(world.worker())
    assert outcomes == [Finished("job over"), Finished("job over")]
    assert world.tokens.answers == {"t": "success"}
    assert not world.objects.outputs


async def test_older_and_newer_token_are_answered_when_the_chunk_was_committed_before(world):
    job = world.submit()
    await world.deliver(world.worker())
    world.perform_now(update(TABLE, job.job_id, "r0001#c00000#0", sets={"token": "in the item"}))
    world.queues["standard"].send(ChunkMessage(job_id=job.job_id, run=1, chunk=0, token="in the message").to_json())
    await world.deliver(world.worker())
    assert world.tokens.answers == {"in the message": "success", "in the item": "success"}


async def test_every_token_that_waits_is_told_when_the_job_fails(world):
    job = world.submit()
    world.queues["standard"].messages.clear()
    world.queues["standard"].send(ChunkMessage(job_id=job.job_id, run=1, chunk=0, token="t1").to_json())
    del world.objects.buckets[INPUT]["incoming/a.csv"]
    await world.deliver(world.worker())
    assert world.tokens.answers == {"t1": "failure source_gone"}


async def test_nothing_of_the_attempt_is_left_when_a_part_cannot_be_stored(world):
    line = b"%d," + b"x" * 1000 + b"\n"
    job = world.submit(b"id,text\n" + b"".join(line % n for n in range(30_000)))
    world.objects.failing_parts = {2}
    (outcome,) = await world.deliver(world.worker())
    assert isinstance(outcome, Failed)
    assert not world.objects.uploads
    assert not world.objects.outputs
    await world.run_dry()
    assert world.job(job.job_id).status is JobState.SUCCEEDED
    assert sum(output.bytes for chunk in world.manifest(job.job_id).chunks for output in chunk.outputs) > 30 * MIB

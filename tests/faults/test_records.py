"""Items of the table that this release cannot read: of a newer release, or of none."""

import json

import pytest

from haulier.contracts.messages import ChunkMessage
from haulier.contracts.run import ENGINE_REVISION
from haulier.contracts.states import JobState
from haulier.jobs.calls import drive
from haulier.jobs.items import chunk_sk, run_sk
from haulier.jobs.verdicts import cancel
from haulier.jobs.writes import update
from tests.fakes.world import TABLE, World
from worker.outcome import Finished, Newer, Refused


def change_pin(world: World, job_id: str, **changes: object) -> None:
    pin = json.loads(
        world.table.perform("get_item", {"Key": {"job_id": {"S": job_id}, "sk": {"S": run_sk(1)}}})["Item"]["pin"]["S"]
    )
    world.perform_now(update(TABLE, job_id, run_sk(1), sets={"pin": json.dumps({**pin, **changes})}))


@pytest.mark.parametrize(
    "changes",
    [
        {"schema_version": 2},
        {"a_field_of_tomorrow": 1},
        {"operation": "teleport"},
        {"engine_revision": ENGINE_REVISION + 1},
    ],
)
async def test_the_message_is_given_back_when_a_newer_release_accepted_the_run(world, changes):
    job = world.submit()
    change_pin(world, job.job_id, **changes)
    (outcome,) = await world.deliver(world.worker())
    assert isinstance(outcome, Newer)
    assert world.queues["standard"].hidden[-1] <= 2
    assert world.chunk(job.job_id) is None
    assert world.job(job.job_id).status is JobState.QUEUED


@pytest.mark.parametrize("pin", ["", "not json", "{}", '{"source":1}'])
async def test_the_job_fails_with_a_letter_when_its_run_is_damaged(world, pin):
    job = world.submit()
    world.perform_now(update(TABLE, job.job_id, run_sk(1), sets={"pin": pin}))
    (outcome,) = await world.deliver(world.worker())
    assert isinstance(outcome, Refused)
    failed = world.job(job.job_id)
    assert (failed.status, failed.error.code) == (JobState.FAILED, "invalid_record")
    assert "pin of" in failed.error.message
    assert world.letters.reasons() == ["invalid_record"]
    assert not world.queues["standard"].messages


async def test_the_job_fails_with_a_letter_when_its_chunk_is_damaged(world):
    job = world.submit()
    world.perform_now(update(TABLE, job.job_id, chunk_sk(1, 0, 0), sets={"failure": "?"}))
    world.queues["standard"].messages.clear()
    world.queues["standard"].send(ChunkMessage(job_id=job.job_id, run=1, chunk=0, token="t").to_json())
    await world.deliver(world.worker())
    assert world.job(job.job_id).error.code == "invalid_record"
    assert world.letters.reasons() == ["invalid_record"]
    assert world.tokens.answers == {"t": "failure invalid_record"}
    assert not world.queues["standard"].messages


async def test_a_damaged_run_of_a_job_that_is_over_is_nobodys_business(world):
    job = world.submit()
    drive(cancel(TABLE, job.job_id, world.clock.now_ms()), world.perform_now)
    world.perform_now(update(TABLE, job.job_id, run_sk(1), sets={"pin": "?"}))
    assert await world.deliver(world.worker()) == [Finished("job over")]


async def test_the_worker_stops_when_a_newer_release_has_a_state_it_does_not_know(world):
    job = world.submit()
    world.perform_now(update(TABLE, job.job_id, "job", sets={"status": "PAUSED"}))
    (outcome,) = await world.deliver(world.worker())
    assert isinstance(outcome, Newer)

"""A run's profile through the worker: chunks and redos give what one stream gives, and a kill changes nothing."""

import pytest

from haulier.contracts.dataset import Dataset
from haulier.contracts.states import JobState
from haulier.jobs.calls import drive
from haulier.jobs.finish import Ended
from haulier.jobs.writes import get_chunks
from tests.fakes import machine
from tests.fakes.kill import Killed
from tests.fakes.world import TABLE, World

DATASET = Dataset.model_validate(
    {
        "name": "d",
        "schema": {
            "columns": [
                {"name": "id", "type": "integer"},
                {"name": "price", "type": "decimal", "precision": 9, "scale": 2},
            ]
        },
    }
)
_NOTES = ('"a ""b"",\n1,2,"', "plain", '"x\n\n,y"', "", '"1,1.00,z\n2,2.00,z"')
_LIKE_RECORDS = '"' + "\n-7,7.00,z" * 1_500 + '"'
"""Whoever starts in the middle of it takes its lines for records."""


def _line(n: int) -> str:
    note = _LIKE_RECORDS if n == 300 else _NOTES[n % 5]
    return f"{n if n % 97 else 'bad'},{n % 50}.25,{note}{'' if note.endswith(chr(34)) else n}\n"


CSV = b"id,price,note\n" + "".join(map(_line, range(1, 1_500))).encode()


async def _sequential():
    world = World()
    job = world.submit(CSV, dataset=DATASET)
    await world.run_dry()
    found = world.manifest(job.job_id)
    world.close()
    return found


async def _chunked(chunk_bytes: int):
    world = World()
    job, wanted = machine.planned(world, CSV, key="incoming/a.csv", dataset=DATASET, chunk_bytes=chunk_bytes)
    assert await machine.run(world, job, wanted) == Ended(JobState.SUCCEEDED)
    found = world.manifest(job.job_id)
    chunks = drive(get_chunks(TABLE, job.job_id, 1), world.perform_now)
    world.close()
    return found, sum(item.round > 0 for item in chunks)


@pytest.mark.parametrize("chunk_bytes", [4096, 5_000, 17_001])
async def test_chunked_equals_sequential_when_guesses_are_wrong_and_chunks_redone(chunk_bytes):
    whole, (cut, redone) = await _sequential(), await _chunked(chunk_bytes)
    assert len(cut.chunks) > 1
    assert redone
    assert cut.profile == whole.profile
    columns = {column.name: column for column in whole.profile.columns}
    assert columns["id"].values == whole.written
    assert (columns["id"].min, columns["id"].max) == (1, 1499)
    assert columns["price"].distinct == pytest.approx(50, rel=4 * 0.0325)
    assert whole.profile.rejects == {"id": {"bad_type": 15}}


async def test_the_profile_is_the_same_when_a_worker_of_a_chunk_is_killed_at_any_call():
    expected = (await _chunked(17_001))[0].profile
    at = 0
    while True:
        world = World()
        job, wanted = machine.planned(world, CSV, key="incoming/a.csv", dataset=DATASET, chunk_bytes=17_001)
        machine.send(world, job, wanted[:1])
        world.switch.arm(at)
        try:
            await world.deliver(world.worker(), "bulk")
            killed = False
        except Killed:
            killed = True
        world.switch.arm(None)
        world.clock.turn(100)
        assert await machine.run(world, job, wanted) == Ended(JobState.SUCCEEDED)
        assert world.manifest(job.job_id).profile == expected, at
        world.close()
        if not killed:
            break
        at += 1
    assert at > 8

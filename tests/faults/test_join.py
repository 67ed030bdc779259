"""A run's join is killed, cancelled, frozen or doubled at every single call: what is published in the end is the one
object an undisturbed run publishes, and nothing of what it was made of is left.
"""

import copy
import gzip
import json
import re
from typing import Any

import pytest

from haulier.contracts.dataset import Dataset
from haulier.contracts.keys import attempt_of
from haulier.contracts.limits import MIB
from haulier.contracts.states import JobState
from haulier.jobs.calls import drive
from haulier.jobs.finish import Ended
from haulier.jobs.items import JobItem
from haulier.jobs.mend import Execution, SendAgain, mend
from haulier.jobs.verdicts import cancel
from haulier.jobs.writes import get_chunks
from tests.fakes import machine
from tests.fakes.kill import Killed
from tests.fakes.world import INPUT, TABLE, World
from tests.faults.system import System
from tests.faults.test_whole_job import _left_over as left_over
from worker.outcome import Finished, Lost

DATASET = Dataset.model_validate({"name": "d", "output": {"layout": "single", "format": "csv"}})
CSV = b"id,text\n" + b"".join(b"%d,%s\n" % (n, b"x" * 1000) for n in range(14_000))
CHUNK_BYTES = 6 * MIB
"""Two pieces that are copied and a small one that is fetched."""


def copied(world: World) -> World:
    """A world of its own that stands where this one stands."""
    other = World()
    other.clock.ms = world.clock.ms
    other.table.items = copy.deepcopy(world.table.items)
    other.objects.copy_of(world.objects)
    return other


@pytest.fixture(scope="module")
def join_is_due() -> tuple[World, JobItem, int]:
    """A world in which all chunks are committed and proven; made once, since every test begins with a copy."""
    import asyncio

    async def made() -> tuple[World, JobItem, int]:
        world = World()
        job, wanted = machine.planned(world, CSV, key="incoming/a.csv", dataset=DATASET, chunk_bytes=CHUNK_BYTES)
        await machine.run(world, job, wanted, until=len(wanted))
        world.close()
        return world, job, len(wanted)

    return asyncio.run(made())


def published(world: World) -> dict[str, Any]:
    """Names (without attempts) and contents; manifests without what differs between two honest runs."""
    found: dict[str, Any] = {}
    for key, body in world.objects.outputs.items():
        attempt = attempt_of(key)
        name = key.replace(attempt[1], "ATTEMPT") if attempt else key
        assert name not in found, f"two objects for {name}"
        found[name] = body
        if key.endswith("_manifest.json"):
            manifest = json.loads(body)
            del manifest["sealed_at"]
            for output in manifest["chunks"][-1]["outputs"]:
                output["key"] = "ATTEMPT"
            found[name] = manifest
    return found


async def to_the_end(world: World, job: JobItem, join: int) -> None:
    """The join's pass, and what the state machine does after it."""
    await world.deliver(world.worker(), "bulk")
    assert await machine.assemble(world, job) == Ended(JobState.SUCCEEDED)
    assert world.chunk(job.job_id, join).report is not None


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_the_same_object_is_published_when_the_join_or_the_seal_is_killed_at_any_call(join_is_due, after):
    base, job, join = join_is_due
    undisturbed = copied(base)
    machine.send(undisturbed, job, [(join, 0)])
    undisturbed.switch.arm(None)
    await to_the_end(undisturbed, job, join)
    calls, expected = list(undisturbed.switch.calls), published(undisturbed)
    undisturbed.close()
    assert any(call.startswith("copy_part") for call in calls)
    assert any(call.startswith("put_part") for call in calls)
    assert {"complete", "s3 delete_objects"} <= set(calls)
    assert sum("/chunk-" in name for name in expected) == 1

    for at, name in enumerate(calls):
        told = f"killed at call {at} ({name})"
        world = copied(base)
        machine.send(world, job, [(join, 0)])
        world.switch.arm(at, after=after)
        with pytest.raises(Killed):
            await to_the_end(world, job, join)
        world.switch.arm(None)
        world.clock.turn(100)
        await world.run_dry()
        assert await machine.assemble(world, job) == Ended(JobState.SUCCEEDED), told
        assert published(world) == expected, told
        assert not world.objects.uploads, told
        assert not world.letters.letters, told
        world.close()


async def test_one_object_is_published_when_a_frozen_joiner_wakes_up_after_another_has_taken_over(join_is_due):
    base, job, join = join_is_due
    world = copied(base)
    machine.send(world, job, [(join, 0)])
    frozen, woken = world.worker(), world.objects.complete
    outcomes = []

    async def freezes(*args: Any, **kwargs: Any) -> Any:
        """Its lease runs out before the completion; the other one joins, and this one completes after it."""
        world.objects.complete = woken
        world.clock.turn(200)
        machine.send(world, job, [(join, 0)])
        outcomes.extend(await world.deliver(world.worker(), "bulk"))
        return await woken(*args, **kwargs)

    world.objects.complete = freezes

    (late,) = await world.deliver(frozen, "bulk")

    assert (outcomes[0], type(late)) == (Finished("committed"), Lost)
    assert await machine.assemble(world, job) == Ended(JobState.SUCCEEDED)
    (output,) = world.manifest(job.job_id).output_keys
    assert world.chunk(job.job_id, join).report.outputs[0].key == output
    assert [key for key in world.objects.outputs if "/chunk-" in key] == [output]
    world.close()


async def test_nothing_is_joined_or_published_when_the_job_is_cancelled_before_the_join(join_is_due):
    base, job, join = join_is_due
    world = copied(base)
    drive(cancel(TABLE, job.job_id, world.clock.now_ms()), world.perform_now)
    machine.send(world, job, [(join, 0)])

    assert await world.deliver(world.worker(), "bulk") == [Finished("job over")]

    assert await machine.assemble(world, job) == Ended(JobState.CANCELLED)
    assert world.chunk(job.job_id, join) is None
    assert not any(key.endswith("_manifest.json") for key in world.objects.outputs)
    world.close()


async def test_the_join_is_enqueued_again_when_its_worker_died_and_its_message_is_gone(join_is_due):
    base, job, join = join_is_due
    world = copied(base)
    machine.send(world, job, [(join, 0)])
    world.switch.arm(8)
    with pytest.raises(Killed):
        await world.deliver(world.worker(), "bulk")
    world.switch.arm(None)
    world.queues["bulk"].messages.clear()
    world.clock.turn(2000)

    chunks = drive(get_chunks(TABLE, job.job_id, 1), world.perform_now)
    present = world.job(job.job_id)
    found = mend(present, chunks, execution=Execution.RUNNING, now_ms=world.clock.now_ms(), requeue_after_seconds=900)

    assert found == [SendAgain(join, 0, 0)]
    world.close()


async def test_the_join_alone_is_asked_for_when_the_run_is_assembled_again(join_is_due):
    base, job, join = join_is_due
    world = copied(base)

    assert await machine.assemble(world, job) == [(join, 0)]
    assert await machine.assemble(world, job) == [(join, 0)]

    assert world.job(job.job_id).status is JobState.RUNNING
    world.close()


_LINES = b"id,text\n" + b"".join(b"%d,text %d\n" % (n, n) for n in range(500))
"""Two chunks of 4 KiB."""
_CONFIG = b"match: [{prefix: incoming/}]\noutput: {layout: single, format: csv, compression: gzip}\n"


async def _whole_job(at: int | None, *, after: bool = False) -> System:
    system = System()
    system.objects.put_source(INPUT, "config/datasets/default.yaml", _CONFIG)
    system.arrives("incoming/a.csv", _LINES)
    system.switch.arm(at, after=after)
    await system.settle()
    system.close()
    return system


def _one_object(system: System) -> bytes:
    """The lines of the one object of the system's one job, without the time each was processed at."""
    (job,) = {job for job, sk in system.table.items if sk == "job"}
    (key,) = system.manifest(job).output_keys
    assert [other for other in system.objects.outputs if "/chunk-" in other] == [key]
    return re.sub(rb",[^,]*Z,", b",", gzip.decompress(system.objects.outputs[key]))


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_whole_job_ends_in_one_object_when_any_part_of_the_system_is_killed_at_any_call(after):
    undisturbed = await _whole_job(None)
    calls, expected = list(undisturbed.switch.calls), _one_object(undisturbed)
    assert expected.count(b"\n") == 501
    assert not any(left_over(undisturbed).values())
    for at, name in enumerate(calls):
        system = await _whole_job(at, after=after)
        told = f"killed at call {at} ({name})"
        assert system.kills == 1, told
        assert _one_object(system) == expected, told
        assert not any(left_over(system).values()), told

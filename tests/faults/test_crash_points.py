"""A worker is killed at every single call it makes, before and after the call takes effect; another comes, and what is
published in the end is what an undisturbed run publishes."""

import json
from typing import Any

import pytest

from haulier.contracts.keys import attempt_of
from haulier.contracts.states import JobState
from tests.fakes.kill import Killed
from tests.fakes.objects import FakeObjects
from tests.fakes.world import World
from worker.outcome import Finished

_LARGE = b"id,text\n" + b"".join(b"%d,%s\n" % (n, b"x" * 1000) for n in range(9_000)) + b"broken\n"
"""Over 8 MiB out: a multipart upload."""


def published(objects: FakeObjects) -> dict[str, Any]:
    """Names (without attempts) and contents; manifests without what differs between two honest runs."""
    published: dict[str, Any] = {}
    for key, body in objects.outputs.items():
        found = attempt_of(key)
        name = key.replace(found[1], "ATTEMPT") if found else key
        if key.endswith("_manifest.json"):
            manifest = json.loads(body)
            del manifest["sealed_at"]
            for chunk in manifest["chunks"]:
                for entry in [*chunk["outputs"], *([chunk["rejects"]] if "rejects" in chunk else [])]:
                    entry["key"] = "ATTEMPT"
            published[name] = manifest
        else:
            published[name] = body
    return published


async def _undisturbed(data: bytes) -> tuple[list[str], dict[str, Any]]:
    world = World()
    world.submit(data)
    world.switch.arm(None)
    assert await world.deliver(world.worker()) == [Finished("committed")]
    calls = list(world.switch.calls)
    world.close()
    return calls, published(world.objects)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("size", ["small", "multipart"])
async def test_the_job_succeeds_with_the_same_bytes_when_the_worker_is_killed_at_any_call(size, after):
    data = _LARGE if size == "multipart" else b"id,name\n1,ann\n2,bob\n3\n"
    calls, expected = await _undisturbed(data)
    assert len(calls) > 15
    for at, name in enumerate(calls):
        world = World()
        job = world.submit(data)
        world.switch.arm(at, after=after)
        with pytest.raises(Killed):
            await world.deliver(world.worker())
        world.switch.arm(None)
        world.clock.turn(100)
        await world.run_dry()
        told = f"killed at call {at} ({name})"
        assert world.job(job.job_id).status is JobState.SUCCEEDED, told
        assert published(world.objects) == expected, told
        assert not world.objects.uploads, told
        assert not world.letters.letters, told
        chunk = world.chunk(job.job_id)
        assert chunk is not None
        assert chunk.lease_until is None, told
        world.close()


async def test_the_job_succeeds_when_every_worker_is_killed_four_times_in_a_row(world):
    job = world.submit()
    for at in (6, 6, 6, 6):
        world.switch.arm(at)
        with pytest.raises(Killed):
            await world.deliver(world.worker())
        world.clock.turn(100)
    world.switch.arm(None)
    await world.run_dry()
    assert world.job(job.job_id).status is JobState.SUCCEEDED


async def test_the_job_fails_with_a_letter_when_workers_die_of_it_as_often_as_it_may(world):
    job = world.submit()
    for _ in range(5):
        world.switch.arm(6)
        with pytest.raises(Killed):
            await world.deliver(world.worker())
        world.clock.turn(100)
    world.switch.arm(None)
    await world.run_dry()
    failed = world.job(job.job_id)
    assert failed.status is JobState.FAILED
    assert failed.error is not None
    assert failed.error.code == "attempts_spent"
    assert world.letters.reasons() == ["attempts_spent"]
    assert any(key.startswith("failed/") for key in world.objects.outputs)

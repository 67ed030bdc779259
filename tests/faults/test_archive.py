"""A worker dies at any call while it reads a zip, or the zip is overwritten between its directory and its members."""

import pytest

from haulier.contracts.dataset import Dataset
from haulier.contracts.states import JobState
from tests.fakes.kill import Killed
from tests.fakes.world import INPUT, World
from tests.fakes.zips import Entry, make_zip
from worker.records.zip_directory import TAIL_BYTES

_MEMBERS = [Entry("1.csv", b"a,b\n1,2\n"), Entry("2.csv", b"b,a\n3,4\nbad\n", 0, descriptor=True), Entry("3.csv")]
_PADDED = [*_MEMBERS, Entry("4.csv", b"a,b\n" + b"5,six\n" * 30_000, 0)]
_CSV = Dataset.model_validate({"name": "d", "enrich": ["_record_offset"], "output": {"format": "csv"}})


def _published(world: World, job_id: str) -> list[bytes]:
    manifest = world.manifest(job_id)
    return [world.objects.outputs[key] for key in (*manifest.output_keys, *manifest.rejects_keys)]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_the_same_objects_are_published_when_the_worker_is_killed_at_any_call(after):
    archive = make_zip(_MEMBERS)
    calm = World()
    job = calm.submit(archive, key="incoming/a.zip", dataset=_CSV)
    calm.switch.arm(None)
    await calm.deliver(calm.worker())
    calls, expected = list(calm.switch.calls), _published(calm, job.job_id)
    assert len(expected) == 3
    calm.close()
    for at, name in enumerate(calls):
        world = World()
        job = world.submit(archive, key="incoming/a.zip", dataset=_CSV)
        world.switch.arm(at, after=after)
        with pytest.raises(Killed):
            await world.deliver(world.worker())
        world.switch.arm(None)
        world.clock.turn(100)
        await world.run_dry()
        assert world.job(job.job_id).status is JobState.SUCCEEDED, name
        assert _published(world, job.job_id) == expected, name
        listed = {*world.manifest(job.job_id).output_keys, *world.manifest(job.job_id).rejects_keys}
        written = {key for key in world.objects.outputs if "/chunk-" in key}
        assert written == listed, name
        world.close()


@pytest.mark.parametrize("at", [0, 30, 50, len(make_zip(_PADDED)) - 9])
async def test_members_are_whole_when_the_stream_breaks_anywhere(world, at):
    job = world.submit(make_zip(_PADDED), key="incoming/a.zip")
    world.objects.breaks = [at, None, 10, 3, None]
    await world.deliver(world.worker())
    await world.run_dry()
    assert world.job(job.job_id).status is JobState.SUCCEEDED
    assert world.manifest(job.job_id).written == 30_002


async def test_the_job_fails_with_source_changed_when_the_zip_is_overwritten_after_its_head_was_read(
    world, monkeypatch
):
    archive = make_zip(_PADDED)
    assert len(archive) > TAIL_BYTES
    job = world.submit(archive, key="incoming/a.zip")
    get, seen = world.objects.get, []

    async def overwritten(source, start, end, **how):
        if seen:
            world.objects.buckets[INPUT]["incoming/a.zip"] = make_zip(_MEMBERS)
        seen.append(start)
        return await get(source, start, end, **how)

    monkeypatch.setattr(world.objects, "get", overwritten)
    await world.deliver(world.worker())
    assert len(seen) == 2
    assert world.job(job.job_id).error.code == "source_changed"

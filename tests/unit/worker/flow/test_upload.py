import pytest

from haulier.contracts.limits import MAX_PART_BYTES, MAX_PARTS, MIB, MIN_PART_BYTES
from tests.fakes.clock import ManualClock
from tests.fakes.kill import Switch
from tests.fakes.objects import FakeObjects
from worker.errors import OutputTooLarge, Transient
from worker.flow.budget import Budget
from worker.flow.upload import Upload, part_bytes
from worker.ports import Target
from worker.progress import Progress

TARGET = Target("processed/x", "text/csv", {"haulier-job": "j"})


def _upload(objects: FakeObjects, *, budget: int = 1 << 30, max_parts: int = MAX_PARTS) -> Upload:
    return Upload(objects, TARGET, Progress(ManualClock().monotonic), Budget(budget), max_parts=max_parts)


@pytest.mark.parametrize("budget", [0, 1 << 30])
@pytest.mark.parametrize("sizes", [[3], [8 * MIB], [8 * MIB - 1, 1, 1], [30 * MIB], [1 * MIB] * 20, [5 * MIB] * 5])
async def test_the_object_holds_exactly_what_was_written_when_it_is_finished(sizes, budget):
    objects = FakeObjects(Switch())
    upload = _upload(objects, budget=budget)
    data = b"".join(bytes([at]) * size for at, size in enumerate(sizes))
    for at, size in enumerate(sizes):
        await upload.write(bytes([at]) * size)
    stored = await upload.finish(7)
    assert objects.outputs[TARGET.key] == data
    assert (stored.key, stored.bytes, stored.records) == (TARGET.key, len(data), 7)
    assert objects.metadata[TARGET.key] == {"haulier-job": "j"}
    assert not objects.uploads


async def test_a_single_put_is_made_when_the_object_is_smaller_than_a_part():
    switch = Switch()
    upload = _upload(FakeObjects(switch))
    await upload.write(b"x" * 100)
    await upload.finish(1)
    assert switch.calls == [f"put {TARGET.key}"]


async def test_nothing_is_left_when_an_upload_is_discarded():
    objects = FakeObjects(Switch())
    upload = _upload(objects)
    await upload.write(b"x" * 20 * MIB)
    assert objects.uploads
    await upload.discard()
    assert not objects.uploads
    assert not objects.outputs


async def test_a_finished_object_is_deleted_when_its_attempt_is_discarded():
    objects = FakeObjects(Switch())
    upload = _upload(objects)
    await upload.write(b"x" * 20 * MIB)
    await upload.finish(1)
    await upload.discard()
    assert not objects.outputs


async def test_the_error_reaches_the_writer_when_a_part_cannot_be_stored():
    objects = FakeObjects(Switch())
    objects.failing_parts = {1}
    budget = Budget(1 << 30)
    upload = Upload(objects, TARGET, Progress(ManualClock().monotonic), budget)
    with pytest.raises(Transient):
        await upload.write(b"x" * 80 * MIB)
    await upload.discard()
    assert not objects.uploads
    assert budget.left == 1 << 30


async def test_the_output_is_full_before_its_parts_run_out():
    upload = _upload(FakeObjects(Switch()), max_parts=12)
    assert not upload.full
    await upload.write(b"x" * 16 * MIB)
    assert upload.full
    await upload.close()


async def test_an_object_is_refused_when_it_needs_more_parts_than_there_may_be():
    upload = _upload(FakeObjects(Switch()), max_parts=2)
    with pytest.raises(OutputTooLarge):
        await upload.write(b"x" * 24 * MIB)
    await upload.close()


def test_parts_grow_and_stay_legal_when_an_object_is_as_large_as_it_may_be():
    sizes = [part_bytes(number) for number in range(1, MAX_PARTS + 1)]
    assert sizes == sorted(sizes)
    assert MIN_PART_BYTES <= sizes[0] < sizes[-1] == MAX_PART_BYTES
    assert sum(sizes) > 290 * 1024 * MIB

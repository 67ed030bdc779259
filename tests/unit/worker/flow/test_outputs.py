import pytest

from haulier.contracts.limits import MIB
from tests.fakes.clock import ManualClock
from tests.fakes.kill import Switch
from tests.fakes.objects import FakeObjects
from worker.flow.budget import Budget
from worker.flow.outputs import Outputs
from worker.flow.threads import Threads
from worker.ports import Target
from worker.progress import Progress
from worker.records.block import Processed, Tally


class Naming:
    def output(self, number: int, suffix: str, content_type: str) -> Target:
        return Target(f"{number}{suffix}", content_type)

    def rejects(self) -> Target:
        return Target("rejects", "application/x-ndjson")


class Lines:
    suffix = ".txt"
    content_type = "text/plain"

    def feed(self, processed: Processed) -> bytes:
        return processed.payload

    def finish(self) -> bytes:
        return b"footer"


def _processed(written: int, payload: bytes, rejects: bytes = b"") -> Processed:
    rejected = rejects.count(b"\n")
    return Processed(payload, rejects, Tally(written + rejected, written, rejected, 0))


@pytest.fixture
def rig():
    objects, threads = FakeObjects(Switch()), Threads()
    made = Outputs(
        naming=Naming(),
        encoder=Lines,
        store=objects,
        threads=threads,
        progress=Progress(ManualClock().monotonic),
        budget=Budget(1 << 30),
        max_parts=13,
    )
    yield made, objects
    threads.close()


async def test_the_output_goes_on_in_the_next_object_when_one_is_full(rig):
    outputs, objects = rig
    for _ in range(5):
        await outputs.write(_processed(10, b"x" * 13 * MIB), 13 * MIB)
    written, rejects = await outputs.finish()
    assert [(one.key, one.records) for one in written] == [("0.txt", 20), ("1.txt", 20), ("2.txt", 10)]
    assert rejects is None
    assert all(objects.outputs[one.key].endswith(b"xfooter") for one in written)
    assert sum(one.bytes for one in written) == 5 * 13 * MIB + 3 * len(b"footer")


async def test_nothing_is_written_when_no_record_passed(rig):
    outputs, objects = rig
    await outputs.write(_processed(0, b""), 5)
    assert await outputs.finish() == ((), None)
    assert not objects.outputs


async def test_rejects_have_an_object_of_their_own_when_there_are_any(rig):
    outputs, objects = rig
    await outputs.write(_processed(0, b"", b"{}\n{}\n"), 5)
    await outputs.write(_processed(1, b"one", b"{}\n"), 5)
    written, rejects = await outputs.finish()
    assert (rejects.key, rejects.records) == ("rejects", 3)
    assert objects.outputs == {"0.txt": b"onefooter", "rejects": b"{}\n{}\n{}\n"}
    assert [one.records for one in written] == [1]


async def test_nothing_is_left_when_the_attempt_is_discarded(rig):
    outputs, objects = rig
    await outputs.write(_processed(1, b"x" * 40 * MIB, b"{}\n"), 40 * MIB)
    await outputs.write(_processed(1, b"x" * 20 * MIB), 20 * MIB)
    await outputs.discard()
    assert not objects.outputs
    assert not objects.uploads

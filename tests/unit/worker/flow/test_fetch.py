from contextlib import aclosing

import pytest

from haulier.contracts.source import Source
from tests.fakes.clock import ManualClock
from tests.fakes.kill import Switch
from tests.fakes.objects import FakeBody, FakeObjects
from worker.errors import BrokenStream, RangesIgnored, SourceChanged, SourceGone
from worker.flow.budget import Budget
from worker.flow.fetch import RESUMES, Fetcher
from worker.ports import Reply
from worker.progress import Progress

DATA = bytes(n * 7 % 251 for n in range(1_000_003))


class Rig:
    def __init__(self, *, version: str | None = None, budget: int = 1 << 30) -> None:
        self.clock = ManualClock()
        self.objects = FakeObjects(Switch())
        self.source = self.objects.put_source("in", "k", DATA, version)
        self.budget = Budget(budget)
        self.fetcher = Fetcher(self.objects, self.clock, self.budget, part_bytes=100_000, window=4)

    async def read(self, start: int = 0, end: int = len(DATA), source: Source | None = None) -> bytes:
        progress = Progress(self.clock.monotonic)
        async with aclosing(self.fetcher.stream(source or self.source, start, end, progress)) as pieces:
            return b"".join([piece async for piece in pieces])


@pytest.mark.parametrize(("start", "end"), [(0, len(DATA)), (1, 2), (99_999, 100_001), (123_456, 765_432), (5, 5)])
async def test_exactly_the_range_is_given_on_in_order_when_parts_are_fetched_side_by_side(start, end):
    rig = Rig()
    assert await rig.read(start, end) == DATA[start:end]
    assert rig.budget.left == 1 << 30


async def test_one_part_after_another_is_fetched_when_the_budget_is_used_up():
    rig = Rig(budget=0)
    assert await rig.read() == DATA
    assert [start for start, _, _ in rig.objects.asked] == list(range(0, len(DATA), 100_000))


async def test_reading_goes_on_at_the_byte_when_the_stream_breaks():
    rig = Rig()
    rig.objects.breaks = [70_000, None, 1, None, 0]
    assert await rig.read() == DATA
    assert (70_000, 100_000, False) in rig.objects.asked
    assert len(rig.clock.slept) == 3


async def test_the_attempt_fails_when_the_stream_breaks_without_a_byte_more_often_than_it_may():
    rig = Rig()
    rig.objects.breaks = [0] * 100
    with pytest.raises(BrokenStream):
        await rig.read(0, 100_000)
    assert len(rig.objects.asked) == RESUMES + 1


async def test_reading_goes_on_for_ever_when_every_break_comes_after_some_bytes():
    rig = Rig()
    rig.objects.breaks = [1000] * 50
    assert await rig.read(0, 40_000) == DATA[:40_000]


async def test_the_version_is_left_out_when_the_server_ignores_the_range_that_names_one():
    rig = Rig(version="v1")
    rig.objects.ignores_ranges = True
    assert await rig.read(100, 300_000) == DATA[100:300_000]
    assert not rig.objects.asked[-1][2]
    asked = len(rig.objects.asked)
    await rig.read(100, 200)
    assert rig.objects.asked[asked:] == [(100, 200, False)]


async def test_the_version_is_named_when_the_server_answers_ranges():
    rig = Rig(version="v1")
    assert await rig.read(10, 20) == DATA[10:20]
    assert rig.objects.asked == [(10, 20, True)]


async def test_the_whole_object_is_accepted_without_a_content_range_when_all_of_it_was_asked_for():
    rig = Rig(version="v1")
    rig.objects.ignores_ranges = True
    rig.fetcher = Fetcher(rig.objects, rig.clock, rig.budget, part_bytes=len(DATA))
    assert await rig.read() == DATA
    assert rig.objects.asked == [(0, len(DATA), True)]


@pytest.mark.parametrize("content_range", ["bytes 0-9/1000003", "bytes 10-30/1000003", "nonsense", None])
async def test_the_job_fails_when_the_storage_answers_another_range(content_range):
    rig = Rig()

    async def wrong(source: Source, start: int, end: int, *, by_version: bool) -> Reply:
        return Reply(content_range, 10, source.etag, FakeBody(DATA[start:end]))

    rig.objects.get = wrong
    with pytest.raises(RangesIgnored):
        await rig.read(10, 20)


@pytest.mark.parametrize(
    ("etag", "content_range"), [("other", "bytes 10-19/1000003"), (None, "bytes 10-19/77")], ids=["etag", "size"]
)
async def test_the_job_fails_when_the_answer_is_of_another_object(etag, content_range):
    rig = Rig()
    body = FakeBody(DATA[10:20])

    async def other(source: Source, start: int, end: int, *, by_version: bool) -> Reply:
        return Reply(content_range, 10, etag, body)

    rig.objects.get = other
    with pytest.raises(SourceChanged):
        await rig.read(10, 20)
    assert body.closed


async def test_nothing_is_tried_again_when_the_object_is_gone():
    rig = Rig()
    gone = rig.source.model_copy(update={"key": "nowhere"})
    with pytest.raises(SourceGone):
        await rig.read(source=gone)
    assert rig.clock.slept == []


async def test_parts_in_flight_end_and_give_their_bytes_back_when_the_reader_stops_early():
    rig = Rig()
    progress = Progress(rig.clock.monotonic)
    async with aclosing(rig.fetcher.stream(rig.source, 0, len(DATA), progress)) as pieces:
        await anext(pieces)
    assert rig.budget.left == 1 << 30
    assert progress.stalled() is None

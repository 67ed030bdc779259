"""A join by itself: what is asked of S3, how much at once, and what an error leaves."""

import asyncio
from typing import Any

import pytest

from haulier.contracts.limits import MIB, TIB
from haulier.contracts.report import OutputObject
from tests.fakes.clock import ManualClock
from tests.fakes.kill import Switch
from tests.fakes.objects import FakeObjects, etag_of
from worker.errors import NotPermitted, OutputTooLarge, SourceForbidden, Transient
from worker.flow.budget import Budget
from worker.flow.fetch import Fetcher
from worker.flow.join import COPIES, Join
from worker.ports import Part, Target
from worker.progress import Progress, Step

TARGET = Target("joined", "text/csv")


class Copying(FakeObjects):
    """Copies end when `open` is set. Counts how many are under way, and the most there ever were; `begun` is set when
    there are `awaited` of them.
    """

    def __init__(self, awaited: int = 1) -> None:
        super().__init__(Switch())
        self.awaited = awaited
        self.open = asyncio.Event()
        self.begun = asyncio.Event()
        self.now = self.most = 0
        self.fails_at: int | None = None

    async def copy_part(self, *args: Any, **kwargs: Any) -> Part:
        self.now += 1
        self.most = max(self.most, self.now)
        if self.now == self.awaited:
            self.begun.set()
        try:
            if args[2] == self.fails_at:
                raise Transient("SlowDown")
            await self.open.wait()
            return await super().copy_part(*args, **kwargs)
        finally:
            self.now -= 1


def stored(objects: FakeObjects, *bodies: bytes) -> list[OutputObject]:
    """Objects that are there, as reports name them."""
    for at, body in enumerate(bodies):
        objects.overwrite(f"piece-{at}", body)
    named = enumerate(bodies)
    return [OutputObject(key=f"piece-{at}", bytes=len(one), records=1, etag=etag_of(one)) for at, one in named]


def a_join(objects: FakeObjects, progress: Progress | None = None) -> Join:
    fetcher = Fetcher(objects, ManualClock(), Budget(64 * MIB))
    return Join(store=objects, fetcher=fetcher, progress=progress or Progress(lambda: 0.0))


async def test_copies_go_on_side_by_side_and_no_more_than_may_be() -> None:
    objects = Copying(awaited=COPIES)
    pieces = stored(objects, *[bytes([at]) * 5 * MIB for at in range(COPIES + 1)])
    task = asyncio.create_task(a_join(objects).run(TARGET, pieces))
    await objects.begun.wait()
    objects.open.set()

    joined = await task

    assert objects.most == COPIES
    assert (joined.bytes, joined.records) == (len(objects.outputs["joined"]), COPIES + 1)
    assert objects.outputs["joined"] == b"".join(objects.outputs[piece.key] for piece in pieces)


async def test_a_copy_is_waited_for_as_long_as_the_server_may_take() -> None:
    objects, progress = Copying(), Progress(lambda: now)
    now = 0.0
    task = asyncio.create_task(a_join(objects, progress).run(TARGET, stored(objects, b"x" * 5 * MIB)))
    await objects.begun.wait()
    now = 599.0
    patient = progress.stalled()
    now = 601.0
    stalled = progress.stalled()
    objects.open.set()
    await task

    assert (patient, stalled) == (None, Step.COPY)


async def test_no_copy_is_left_behind_when_one_fails_or_the_work_is_cancelled() -> None:
    objects = Copying()
    pieces = stored(objects, *[bytes([at]) * 5 * MIB for at in range(6)])
    objects.fails_at = 3
    join = a_join(objects)
    task = asyncio.create_task(join.run(TARGET, pieces))
    await objects.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert objects.now == 0

    objects.open.set()
    again = a_join(objects)
    with pytest.raises(Transient):
        await again.run(TARGET, pieces)
    assert objects.now == 0

    for each in (join, again):
        await each.discard()
    assert not objects.uploads
    assert "joined" not in objects.outputs


async def test_nothing_is_begun_when_one_object_cannot_hold_the_pieces() -> None:
    objects = FakeObjects(Switch())
    pieces = [OutputObject(key="piece", bytes=49 * TIB, records=1, etag="e")]

    with pytest.raises(OutputTooLarge, match="set the dataset's layout to chunks and retry") as caught:
        await a_join(objects).run(TARGET, pieces)

    assert caught.value.code == "output_too_large"
    assert not objects.uploads


async def test_a_missing_right_is_the_operators_matter_when_a_piece_may_not_be_read(monkeypatch) -> None:
    objects = FakeObjects(Switch())
    pieces = stored(objects, b"small")

    async def forbidden(*_: object, **__: object) -> None:
        raise SourceForbidden("AccessDenied")

    monkeypatch.setattr(objects, "get", forbidden)

    with pytest.raises(NotPermitted):
        await a_join(objects).run(TARGET, pieces)


async def test_the_lead_comes_first_when_there_is_one() -> None:
    objects = FakeObjects(Switch())
    pieces = stored(objects, b"1\n", b"", b"2\n" * 8 * MIB, b"3\n")

    await a_join(objects).run(TARGET, pieces, lead=b"n\n")

    assert objects.outputs["joined"] == b"n\n1\n" + b"2\n" * 8 * MIB + b"3\n"
    assert [key for key, _, _ in objects.copied] == ["piece-2"]

from dataclasses import replace
from typing import Any

import pytest

from haulier.contracts.dataset import DEFAULT_DATASET
from haulier.contracts.limits import ASSUMED_BYTES_PER_SECOND
from haulier.contracts.run import Plan, RunPin
from haulier.contracts.source import Source
from haulier.jobs.items import ChunkItem, RunItem
from haulier.jobs.ondemand import expected_seconds, is_long, must_move, queue_of_plan

PIN = RunPin(
    source=Source(bucket="b", key="k", size=1, etag="e"), dataset=DEFAULT_DATASET, accepted_at_ms=0, chunked=True,
    queue="bulk", threshold_bytes=1, chunk_bytes=1, stack_ondemand_after_seconds=60,
)  # fmt: skip
CHUNK = ChunkItem(job_id="j", run=1, chunk=0, round=0)


def planned(chunks: int, size: int = 100, **pin: Any) -> tuple[RunItem, Plan]:
    plan = Plan(size=size, chunk_bytes=-(-size // chunks), chunks=chunks)
    return RunItem("j", 1, PIN.model_copy(update=pin), plan), plan


@pytest.mark.parametrize(
    ("run", "chunk", "long"),
    [
        (RunItem("j", 1, PIN), CHUNK, True),
        (planned(1)[0], CHUNK, True),
        (planned(3)[0], CHUNK, False),
        (planned(3)[0], replace(CHUNK, round=1, given=5), False),
        (planned(3)[0], replace(CHUNK, round=1, given=5, end=99), True),
        (planned(3)[0], replace(CHUNK, chunk=3), True),
    ],
    ids=["no plan", "the only one", "a range", "a redo of a range", "a redo of a span", "a join"],
)
def test_a_chunk_is_long_when_nothing_bounds_it(run: RunItem, chunk: ChunkItem, long: bool) -> None:
    assert is_long(run, chunk) is long


@pytest.mark.parametrize(
    ("releases", "queue", "moves"),
    [(1, "standard", False), (2, "standard", True), (2, "priority", True), (5, "bulk", True), (5, "ondemand", False)],
)
def test_a_long_chunk_moves_at_its_second_release_and_never_out_of_the_on_demand_queue(
    releases: int, queue: str, moves: bool
) -> None:
    assert must_move(RunItem("j", 1, PIN), CHUNK, releases=releases, queue=queue) is moves
    assert not must_move(planned(3)[0], CHUNK, releases=releases, queue=queue)


def test_an_hour_is_some_seventy_gigabytes() -> None:
    assert expected_seconds(3600 * ASSUMED_BYTES_PER_SECOND) == 3600


@pytest.mark.parametrize(
    ("chunks", "seconds", "wanted", "queue"),
    [(1, 61, None, "ondemand"), (1, 60, None, "bulk"), (9, 61, None, "bulk"), (1, 61, "priority", "bulk")],
)
def test_a_run_the_planner_found_to_be_one_long_stream_goes_to_on_demand_workers(
    chunks: int, seconds: int, wanted: Any, queue: str
) -> None:
    run, plan = planned(chunks, seconds * ASSUMED_BYTES_PER_SECOND, wanted_queue=wanted)
    assert queue_of_plan(run, plan, "bulk") == queue

"""Which jobs are told of as stalled."""

from dataclasses import replace

import pytest

from haulier.contracts.batch import BatchProgress
from haulier.contracts.states import FINAL, JobState
from haulier.jobs.items import ChunkItem, JobItem
from haulier.jobs.stalled import stalled
from haulier.jobs.times import iso

NOW = 1_800_000_000_000
AFTER = 3600.0
LONG_AGO = NOW - 3_600_001
JOB = JobItem(
    job_id="j" + "a" * 26, status=JobState.RUNNING, run=1, dataset="d", bucket="b", key="k", size=1,
    accepted_at_ms=LONG_AGO, updated_at=iso(LONG_AGO), created_at=iso(LONG_AGO), chunked=False, queue="standard",
)  # fmt: skip
CHUNK = ChunkItem(job_id=JOB.job_id, run=1, chunk=0, round=0)


def told(job: JobItem, *chunks: ChunkItem) -> bool:
    return stalled(job, chunks, now_ms=NOW, after_seconds=AFTER)


@pytest.mark.parametrize("state", JobState)
def test_every_open_job_is_stalled_when_nothing_of_it_moved_for_so_long(state: JobState) -> None:
    assert told(replace(JOB, status=state)) is (state not in FINAL)


@pytest.mark.parametrize(
    ("ahead", "stands_still"),
    [({}, True), ({"WAITING": 1, "FAILED": 2}, True), ({"WAITING": 1, "RUNNING": 1}, False), ({"QUEUED": 3}, False)],
)
def test_a_batch_is_not_stalled_while_members_are_at_work(ahead: dict[str, int], stands_still: bool) -> None:
    batch = replace(JOB, operation="batch", progress=BatchProgress(listed=3, ahead=ahead))
    assert told(batch) is stands_still


def test_a_job_is_not_stalled_when_its_state_changed_since() -> None:
    assert not told(replace(JOB, updated_at=iso(LONG_AGO + 1)))


@pytest.mark.parametrize(
    ("chunk", "stands_still"),
    [
        (CHUNK, True),
        (replace(CHUNK, lease_until=NOW + 60_000), False),
        (replace(CHUNK, lease_until=LONG_AGO), True),
        (replace(CHUNK, committed_at=iso(NOW - 1000)), False),
        (replace(CHUNK, committed_at=iso(LONG_AGO)), True),
        (replace(CHUNK, enqueued_at_ms=NOW - 1000, enqueues=9), True),
    ],
)
def test_a_job_moves_when_a_chunk_is_held_or_committed_but_not_when_it_is_sent_again(
    chunk: ChunkItem, stands_still: bool
) -> None:
    assert told(JOB, CHUNK, chunk) is stands_still

"""The janitor's table: which job it finds, what it does."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulier.contracts.report import ChunkReport
from haulier.contracts.states import JobState
from haulier.jobs.announce import event_id
from haulier.jobs.items import ChunkItem, JobItem
from haulier.jobs.mend import (
    Announce,
    Clean,
    Enqueue,
    Execution,
    Finish,
    Restart,
    SendAgain,
    mend,
    requeue_wait_seconds,
)
from haulier.jobs.times import iso

NOW = 1_800_000_000_000
AFTER = 900.0
JOB = JobItem(
    job_id="j" + "a" * 26,
    status=JobState.QUEUED,
    run=1,
    dataset="d",
    bucket="b",
    key="k",
    size=1,
    accepted_at_ms=NOW,
    updated_at=iso(NOW),
    created_at=iso(NOW),
    chunked=False,
    queue="standard",
)
CHUNK = ChunkItem(job_id=JOB.job_id, run=1, chunk=0, round=0)
DONE = ChunkReport(first=0, next=1, read=0, written=0, rejected=0, filtered=0, input_bytes=1)


def aged(seconds: float, **changes) -> JobItem:
    return replace(JOB, updated_at=iso(round(NOW - seconds * 1000)), **changes)


def told(seconds: float, **changes) -> JobItem:
    job = aged(seconds, **changes)
    return replace(job, announced=event_id(job))


@pytest.mark.parametrize(
    ("chunked", "releases", "end", "queue"),
    [
        (False, 0, None, None), (False, 1, None, None), (False, 2, None, "ondemand"), (False, 9, None, "ondemand"),
        (True, 9, None, None), (True, 2, 100, "ondemand"), (True, 1, 100, None),
    ],
)  # fmt: skip
def test_a_long_chunk_that_was_interrupted_is_sent_again_to_on_demand_workers(chunked, releases, end, queue):
    job = aged(10_000, status=JobState.RUNNING, chunked=chunked)
    chunk = replace(CHUNK, releases=releases, end=end)
    execution = Execution.RUNNING if chunked else None
    assert mend(job, [chunk], execution=execution, now_ms=NOW, requeue_after_seconds=AFTER) == [
        SendAgain(0, 0, 0, queue)
    ]


@pytest.mark.parametrize(
    ("job", "chunks", "execution", "expected"),
    [
        (aged(1, status=JobState.ACCEPTED), [], None, []),
        (aged(61, status=JobState.ACCEPTED), [], None, [Enqueue()]),
        (aged(100), [], None, []),
        (aged(901), [], None, [SendAgain(0, 0, 0)]),
        (aged(901, enqueues=2), [], None, []),
        (aged(1801, enqueues=2), [], None, [SendAgain(0, 0, 2)]),
        (aged(9000, status=JobState.RUNNING), [replace(CHUNK, lease_until=NOW + 1)], None, []),
        (aged(9000, status=JobState.RUNNING), [replace(CHUNK, lease_until=NOW - 100_000)], None, []),
        (aged(9000, status=JobState.RUNNING), [replace(CHUNK, lease_until=NOW - 901_000)], None, [SendAgain(0, 0, 0)]),
        (aged(9000, status=JobState.RUNNING), [CHUNK], None, [SendAgain(0, 0, 0)]),
        (aged(61, status=JobState.RUNNING), [replace(CHUNK, report=DONE)], None, [Finish()]),
        (aged(9, status=JobState.RUNNING), [replace(CHUNK, report=DONE)], None, []),
        (aged(61, status=JobState.SEALED), [], None, [Finish()]),
        (aged(9, status=JobState.SEALED), [], None, []),
        (aged(9000, chunked=True), [], Execution.RUNNING, []),
        (aged(61, chunked=True), [], Execution.GONE, [Restart()]),
        (aged(9, chunked=True), [], Execution.GONE, []),
        (aged(9000, chunked=True, restarts=1, enqueued_at_ms=NOW - 60_000), [], Execution.GONE, []),
        (aged(9000, chunked=True, restarts=1, enqueued_at_ms=NOW - 901_000), [], Execution.GONE, [Restart()]),
        (aged(9000, chunked=True, restarts=3, enqueued_at_ms=NOW - 901_000), [], Execution.GONE, []),
        # The last one ran for a day, as those of a long batch do.
        (aged(61, chunked=True, restarts=9, enqueued_at_ms=NOW - 86_400_000), [], Execution.GONE, [Restart()]),
        (aged(9, chunked=True, restarts=9, enqueued_at_ms=NOW - 86_400_000), [], Execution.GONE, []),
        (
            aged(9000, chunked=True, status=JobState.RUNNING),
            [replace(CHUNK, report=DONE), replace(CHUNK, chunk=1, lease_until=NOW - 901_000)],
            Execution.RUNNING,
            [SendAgain(1, 0, 0)],
        ),
        (aged(116, status=JobState.FAILED), [], None, [Clean()]),
        (aged(116, status=JobState.FAILED, cleaned_at="then"), [], None, []),
        (aged(114, status=JobState.FAILED), [], None, []),
        (aged(181, status=JobState.FAILED, cleaned_at="then"), [], None, [Announce()]),
        (aged(181, status=JobState.FAILED), [], None, [Announce(), Clean()]),
        (told(181, status=JobState.FAILED), [], None, [Clean()]),
        (told(181, status=JobState.FAILED, cleaned_at="then"), [], None, []),
        (aged(9, status=JobState.SUCCEEDED), [], None, []),
    ],
)
def test_the_janitor_does_what_the_table_says(job, chunks, execution, expected):
    assert mend(job, chunks, execution=execution, now_ms=NOW, requeue_after_seconds=AFTER) == expected


@given(
    status=st.sampled_from(sorted(JobState)), chunked=st.booleans(), execution=st.sampled_from([*Execution]),
    lease=st.none() | st.integers(0, NOW - 10**8), committed=st.booleans(), enqueues=st.integers(0, 50),
)  # fmt: skip
def test_no_job_is_left_alone_for_ever(status, chunked, execution, lease, committed, enqueues):
    """Whatever a job looks like, once nobody is on it for a day something is done, unless its execution runs."""
    job = aged(86_400, status=status, chunked=chunked, enqueues=enqueues)
    chunk = replace(CHUNK, lease_until=lease, report=DONE if committed else None, enqueues=enqueues)
    done = mend(job, [chunk], execution=execution, now_ms=NOW, requeue_after_seconds=AFTER)
    committed_and_running = chunked and committed and execution is Execution.RUNNING and not job.final
    assert done or (committed_and_running and status is not JobState.SEALED)


@given(st.integers(0, 1000))
def test_copies_on_a_long_queue_grow_with_the_logarithm_of_the_wait(enqueues):
    assert AFTER <= requeue_wait_seconds(enqueues, AFTER) <= 6 * 3600
    assert requeue_wait_seconds(enqueues + 1, AFTER) >= requeue_wait_seconds(enqueues, AFTER)

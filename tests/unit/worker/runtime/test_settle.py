import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulier.contracts.events import JobError
from haulier.contracts.limits import SQS_VISIBILITY_WALL_SECONDS
from haulier.jobs.items import JobItem
from worker.outcome import (
    Failed,
    Finished,
    HeldByOther,
    Interrupted,
    Lost,
    Newer,
    Refused,
    Unclaimed,
    Unreadable,
)
from worker.runtime.settle import Bury, Delete, Leave, ShowAfter, settle

ERROR = JobError(stage="read", code="x", message="y")
JOB = JobItem(
    job_id="j", status="RUNNING", run=1, dataset="d", bucket="b", key="k", size=1, accepted_at_ms=0,
    updated_at="", created_at="", chunked=False, queue="standard",
)  # fmt: skip


@pytest.mark.parametrize(
    ("outcome", "settlement"),
    [
        (Finished("done"), Delete()),
        (Unreadable(ERROR), Bury(ERROR, None)),
        (Refused(JOB, ERROR), Bury(ERROR, JOB)),
        (Failed(ERROR, 1), ShowAfter(1)),
        (Failed(ERROR, 5, spent=True), ShowAfter(0)),
        (Unclaimed(ERROR, 3), ShowAfter(4)),
        (HeldByOther(60_000), ShowAfter(68)),
        (Interrupted(), ShowAfter(1)),
        (Newer(ERROR), ShowAfter(1)),
        (Lost(), Leave()),
    ],
)
def test_the_message_becomes_what_the_table_says_when_it_ends_so(outcome, settlement):
    assert settle(outcome, now_ms=0, random=0.5) == settlement


@given(st.integers(0, 2**45), st.integers(0, 2**45), st.floats(0, 1, exclude_max=True))
def test_a_message_is_hidden_for_a_time_sqs_allows_when_another_holds_it(until, now, random):
    settlement = settle(HeldByOther(until), now_ms=now, random=random)
    assert isinstance(settlement, ShowAfter)
    assert 1 <= settlement.seconds <= SQS_VISIBILITY_WALL_SECONDS


@given(st.integers(1, 200), st.floats(0, 1, exclude_max=True))
def test_a_message_is_hidden_at_most_five_minutes_when_it_failed(failures, random):
    settlement = settle(Failed(ERROR, failures), now_ms=0, random=random)
    assert isinstance(settlement, ShowAfter)
    assert 0 <= settlement.seconds <= 300

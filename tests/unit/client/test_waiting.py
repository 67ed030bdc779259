import pytest

from haulier.client.errors import NotFound, TimedOut
from haulier.client.waiting import Patience, wait, watch
from haulier.contracts.states import JobState
from tests.unit.client.fakes import JOB


def test_waiting_ends_with_the_jobs_end(stack):
    stack.job(status="RUNNING")
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 3:
            stack.job(status="SUCCEEDED")

    found = wait(stack.connection, JOB, Patience(poll_seconds=0.5, sleep=sleep))
    assert found.job.status == JobState.SUCCEEDED
    assert slept == [0.5] * 3


def test_a_job_that_is_over_is_looked_at_once(stack):
    stack.job(status="FAILED")
    assert len(list(watch(stack.connection, JOB))) == 1


def test_patience_ends(stack):
    stack.job(status="RUNNING")
    clock = iter(range(100))
    patience = Patience(timeout_seconds=5, monotonic=lambda: float(next(clock)), sleep=lambda _: None)
    with pytest.raises(TimedOut, match="still RUNNING after 5 s"):
        wait(stack.connection, JOB, patience)


def test_a_job_that_is_not_there_is_not_waited_for(stack):
    with pytest.raises(NotFound):
        wait(stack.connection, JOB)

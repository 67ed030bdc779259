import pytest

from haulier.client.redrive import Discard, Keep, Resend, Retry, decide
from haulier.contracts.messages import ChunkMessage
from haulier.contracts.states import JobState
from tests.unit.client.fakes import JOB

BODY = ChunkMessage(job_id=JOB, run=1, chunk=0).to_json()


def test_an_event_goes_back_to_intake(stack):
    assert decide("intake", "anything", None) == Resend("intake", "intake takes the event in again")


def test_a_job_that_failed_in_the_same_run_is_retried(stack):
    found = decide("standard", BODY, stack.job(status="FAILED"))
    assert isinstance(found, Retry)
    assert found.job_id == JOB


def test_a_letter_of_an_earlier_run_is_discarded(stack):
    assert isinstance(decide("standard", BODY, stack.job(status="FAILED", run=2)), Discard)


def test_an_open_jobs_letter_goes_to_the_jobs_own_queue(stack):
    found = decide("standard", BODY, stack.job(status="RUNNING", queue="bulk"))
    assert isinstance(found, Resend)
    assert found.queue == "bulk"


def test_a_letter_nobody_can_read_is_kept(stack):
    assert isinstance(decide("bulk", "nonsense", None), Keep)


def test_a_newer_releases_letter_is_sent_to_whoever_can_read_it(stack):
    found = decide("bulk", BODY.replace('"version":1', '"version":2'), None)
    assert isinstance(found, Resend)
    assert found.queue == "bulk"


def test_a_letter_of_a_job_the_table_does_not_know_is_kept(stack):
    assert isinstance(decide("standard", BODY, None), Keep)


@pytest.mark.parametrize("state", JobState)
def test_every_state_has_a_decision_and_only_open_jobs_get_the_message_again(stack, state):
    found = decide("standard", BODY, stack.job(status=state))
    open_ = state in (JobState.ACCEPTED, JobState.QUEUED, JobState.RUNNING)
    assert isinstance(found, Resend) == open_


def test_a_letter_with_a_reason_is_kept_while_its_job_is_open_since_its_worker_is_about_to_fail_it(stack):
    found = decide("standard", BODY, stack.job(status="RUNNING"), "truncated")
    assert isinstance(found, Keep)
    assert "in a moment" in found.why

from dataclasses import replace

import pytest

from haulier.contracts.states import JobState
from haulier.jobs.announce import announcement, event_id
from tests.unit.jobs.test_mend import JOB

DONE = replace(JOB, status=JobState.SUCCEEDED, read=3, written=2, rejected=1)


def test_a_new_job_and_each_transition_are_told():
    assert announcement(None, JOB, "out").state == JobState.QUEUED
    told = announcement(JOB, DONE, "out")
    assert (told.event_id, told.read, told.written, told.rejected) == (f"{JOB.job_id}-r0001-SUCCEEDED", 3, 2, 1)
    assert told.manifest == f"s3://out/processed/d/{JOB.job_id}/run=1/_manifest.json"


def test_the_next_run_is_another_event():
    again = replace(DONE, run=2)
    assert announcement(DONE, again, "out").event_id != event_id(DONE)


@pytest.mark.parametrize("changed", [{"enqueues": 3}, {"announced": "x"}, {"cleaned_at": "then"}])
def test_a_change_that_is_no_transition_is_not_told(changed):
    assert announcement(DONE, replace(DONE, **changed), "out") is None


def test_an_end_nobody_noted_is_told_again_when_the_janitor_asks():
    asked = replace(DONE, announce_again="now")
    assert announcement(DONE, asked, "out").event_id == event_id(DONE)
    assert announcement(asked, replace(asked, cleaned_at="then"), "out") is None
    noted = replace(asked, announced=event_id(DONE))
    assert announcement(replace(noted, announce_again=None), noted, "out") is None
    assert announcement(JOB, replace(JOB, announce_again="now"), "out") is None


def test_an_end_that_was_told_is_not_told_again_when_its_item_comes_back_from_a_backup():
    told = replace(DONE, announced=event_id(DONE))
    assert announcement(None, told, "out") is None
    assert announcement(JOB, told, "out") is None
    assert announcement(None, replace(told, run=2), "out").event_id == event_id(replace(DONE, run=2))

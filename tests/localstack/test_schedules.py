"""What runs by the clock, invoked by hand: LocalStack keeps schedules and never fires them."""

import json

import pytest

from tests.stack.conftest import Stack
from tests.stack.test_quality import (
    subscriber,
    test_a_day_that_is_not_over_is_refused,
    test_a_job_of_today_is_counted_tomorrow_with_what_its_record_says,
    test_a_week_of_days_is_reported_and_the_unusual_one_is_told,
)
from tests.stack.test_schedules import (
    forged,
    test_an_input_whose_event_never_came_is_processed_after_all,
    test_records_of_old_jobs_are_in_the_archive_and_read_back,
    test_the_clean_up_removes_what_an_ended_job_left_and_nothing_of_an_open_one,
    test_they_are_all_there_in_a_group_of_their_own,
)

__all__ = [
    "forged",
    "subscriber",
    "test_a_day_that_is_not_over_is_refused",
    "test_a_job_of_today_is_counted_tomorrow_with_what_its_record_says",
    "test_a_week_of_days_is_reported_and_the_unusual_one_is_told",
    "test_an_input_whose_event_never_came_is_processed_after_all",
    "test_records_of_old_jobs_are_in_the_archive_and_read_back",
    "test_the_clean_up_removes_what_an_ended_job_left_and_nothing_of_an_open_one",
    "test_they_are_all_there_in_a_group_of_their_own",
]


@pytest.mark.parametrize("schedule", ["janitor", "cleanup", "reconcile", "archive", "quality"])
def test_what_a_schedule_would_invoke_does_its_work(stack: Stack, schedule: str):
    """The function and the input that the schedule names."""
    found = stack.clients["scheduler"].get_schedule(
        Name=stack.names.schedule(schedule), GroupName=stack.names.schedule_group
    )
    target = found["Target"]

    answer = stack.clients["lambda"].invoke(FunctionName=target["Arn"], Payload=target["Input"].encode())

    assert "FunctionError" not in answer, answer["Payload"].read()
    assert isinstance(json.loads(answer["Payload"].read()), dict)

"""What starts a job, and what does not: tests of the embedded stack. Events of the bucket come in `test_files`."""

import pytest

from tests.stack.conftest import Stack
from tests.stack.test_intake import (
    BAD,
    test_a_request_on_the_bus_starts_a_job_and_the_same_cause_finds_it,
    test_each_record_of_one_event_starts_its_job,
    test_the_key_chooses_the_queue_where_the_dataset_is_silent,
    test_the_same_event_twice_is_one_job_and_an_older_one_is_superseded,
    test_what_cannot_be_processed_is_rejected_with_the_reason,
)
from tests.stack.test_intake import (
    test_a_bad_event_ends_in_the_intake_dlq_and_the_good_ones_pass as a_bad_event_ends_in_the_intake_dlq,
)

__all__ = [
    "test_a_request_on_the_bus_starts_a_job_and_the_same_cause_finds_it",
    "test_each_record_of_one_event_starts_its_job",
    "test_the_key_chooses_the_queue_where_the_dataset_is_silent",
    "test_the_same_event_twice_is_one_job_and_an_older_one_is_superseded",
    "test_what_cannot_be_processed_is_rejected_with_the_reason",
]


def test_a_bad_event_ends_in_the_intake_dlq_and_the_good_ones_pass(
    stack: Stack, name: str, monkeypatch: pytest.MonkeyPatch
):
    """LocalStack takes the quotes off a body that is a JSON string, so that one is left out."""
    monkeypatch.setattr("tests.stack.test_intake.BAD", [body for body in BAD if body != '"text"'])
    a_bad_event_ends_in_the_intake_dlq(stack, name)

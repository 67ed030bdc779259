"""After all other tests (it is sorted last): every job is final, nothing is in flight, no upload is open."""

from tests.stack.conftest import Stack, wait_until
from tests.stack.test_nothing_is_left import (
    test_every_job_is_final,
    test_no_lease_is_held,
    test_no_message_is_left_in_a_work_queue,
)
from tests.stack.test_schedules import invoke, uploads

__all__ = [
    "test_every_job_is_final",
    "test_no_lease_is_held",
    "test_no_message_is_left_in_a_work_queue",
]


def test_the_janitor_ends_its_rounds_with_nothing_to_do(stack: Stack):
    """Each minute on AWS; here by hand."""

    def cleaned() -> bool:
        invoke(stack, "janitor")
        return all(job.cleaned_at and job.announced for job in stack.jobs())

    wait_until(cleaned, "the janitor's work on every job", seconds=400)
    assert not uploads(stack)

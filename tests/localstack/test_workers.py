"""Workers that are killed and stopped in the middle of a chunk, and jobs cancelled under them: tests of the embedded
stack. LocalStack keeps the time of task tokens, which the embedded emulator does not.
"""

from haulier.contracts.states import JobState
from tests.stack.conftest import Stack
from tests.stack.test_chunks import sequential
from tests.stack.test_lifecycle import (
    LARGE,
    a_busy_worker,
    chunked,
    test_a_cancelled_job_publishes_nothing_and_its_messages_are_consumed,
    test_a_failed_job_is_run_again_with_the_dataset_as_it_is_then,
    test_a_message_nobody_wrote_ends_in_the_dlq_with_its_reason,
    test_a_worker_killed_in_the_middle_costs_a_chunk_and_nothing_else,
    test_a_worker_stopped_in_the_middle_gives_back_what_it_cannot_finish,
)
from tests.stack.test_one_chunk import without_added

__all__ = [
    "test_a_cancelled_job_publishes_nothing_and_its_messages_are_consumed",
    "test_a_failed_job_is_run_again_with_the_dataset_as_it_is_then",
    "test_a_message_nobody_wrote_ends_in_the_dlq_with_its_reason",
    "test_a_worker_killed_in_the_middle_costs_a_chunk_and_nothing_else",
    "test_a_worker_stopped_in_the_middle_gives_back_what_it_cannot_finish",
]


def test_a_source_overwritten_under_its_job_is_read_in_the_version_its_event_named(stack: Stack, name: str):
    """As on AWS. Events of the embedded emulator name no version, so there the older job fails (`source_changed`)."""
    job = chunked(stack, name)
    a_busy_worker(stack, job)
    newer = stack.succeed(f"incoming/{name}/large.csv", b"n,text\n1,new\n", seconds=240)
    older = stack.final(job.job_id, seconds=240)
    assert older.status == JobState.SUCCEEDED, older.error
    assert without_added(stack.records(older)) == sequential(LARGE)
    assert without_added(stack.records(newer)) == [{"n": "1", "text": "new"}]

"""The inequalities between numbers that two sides must agree on."""

from haulier.contracts import limits


def test_three_beats_fit_into_a_lease_and_into_a_visibility():
    assert limits.HEARTBEAT_SECONDS * 3 < limits.LEASE_SECONDS
    assert limits.HEARTBEAT_SECONDS * 3 < limits.VISIBILITY_SECONDS


def test_a_message_that_comes_back_finds_its_lease_free_but_for_the_skew():
    assert limits.LEASE_SECONDS <= limits.VISIBILITY_SECONDS
    assert limits.CLOCK_SKEW_SECONDS < limits.HEARTBEAT_SECONDS


def test_drain_open_poll_and_settling_end_within_the_stop_timeout_fargate_allows():
    assert limits.DRAIN_SECONDS + limits.LONG_POLL_SECONDS + limits.SETTLE_SECONDS < limits.STOP_TIMEOUT_SECONDS
    assert limits.STOP_TIMEOUT_SECONDS <= 120


def test_the_receive_backstop_lies_far_above_the_failure_count():
    assert limits.MAX_RECEIVES >= 10 * limits.MAX_ATTEMPTS
    assert limits.MAX_RECEIVES <= 1000


def test_a_dead_letter_outlives_the_work_queue_it_came_from():
    assert limits.DLQ_RETENTION_SECONDS > limits.WORK_RETENTION_SECONDS
    assert limits.DLQ_RETENTION_SECONDS <= 14 * 86400


def test_the_largest_output_fits_into_its_parts_and_a_part_is_legal():
    assert limits.MIN_PART_BYTES <= limits.DEFAULT_PART_BYTES <= limits.MAX_PART_BYTES
    assert limits.MAX_PART_BYTES <= 5 * limits.GIB


def test_a_job_record_lives_longer_than_its_execution_name_is_taken():
    assert limits.JOB_TTL_SECONDS > limits.EXECUTION_NAME_DAYS * 86400


def test_a_token_outlasts_the_wait_before_work_is_enqueued_again():
    assert limits.TOKEN_HEARTBEAT_SECONDS > limits.REQUEUE_CEILING_SECONDS
    assert limits.TOKEN_HEARTBEAT_SECONDS < limits.TOKEN_TIMEOUT_SECONDS


def test_the_children_of_the_largest_job_fit_into_one_result():
    assert limits.MAX_CHUNKS * len("{},") < limits.CHILD_RESULT_BYTES


def test_the_plan_of_the_largest_object_still_has_chunks_one_worker_can_take():
    assert limits.MAX_OBJECT_BYTES / limits.MAX_CHUNKS < 6 * limits.GIB

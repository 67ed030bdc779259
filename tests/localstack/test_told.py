"""What the world is told: rules, topics, the results queue, alarms, metrics. Tests of the embedded stack."""

from tests.stack.conftest import Stack
from tests.stack.test_events import (
    queue,
    test_subscribers_choose_by_attributes,
    test_the_sample_rule_on_file_type_chooses_tables,
)
from tests.stack.test_events import (
    test_people_and_assembler_are_told_of_an_execution_that_ended_badly as of_an_execution_that_ended_badly,
)
from tests.stack.test_lifecycle import test_every_end_is_told_on_the_results_queue_once
from tests.stack.test_watching import (
    test_an_alarm_that_rings_is_heard_by_who_subscribed,
    test_every_dead_letter_queue_there_is_has_its_alarm_and_it_tells_the_alerts_topic,
    test_the_end_of_a_job_and_the_janitor_s_round_are_measured,
    watch,
)

__all__ = [
    "queue",
    "test_an_alarm_that_rings_is_heard_by_who_subscribed",
    "test_every_dead_letter_queue_there_is_has_its_alarm_and_it_tells_the_alerts_topic",
    "test_every_end_is_told_on_the_results_queue_once",
    "test_subscribers_choose_by_attributes",
    "test_the_end_of_a_job_and_the_janitor_s_round_are_measured",
    "test_the_sample_rule_on_file_type_chooses_tables",
    "watch",
]


def test_people_and_assembler_are_told_of_an_execution_that_failed(stack: Stack, name: str, queue: tuple[str, str]):
    """LocalStack loses the order to stop one in its first moment, so nothing is said here of one that was stopped."""
    of_an_execution_that_ended_badly(stack, name, queue, "FAILED")

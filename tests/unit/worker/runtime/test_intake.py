from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulier.contracts.dataset import WORK_QUEUES
from haulier.contracts.limits import LONG_POLL_SECONDS
from worker.runtime.intake import PATIENT_WORK, Ask, Intake


def test_every_queue_has_a_long_poll_of_its_own_when_the_worker_is_idle():
    intake = Intake(8)
    asks = intake.next_asks()
    assert {(ask.queue, ask.count, ask.wait_seconds) for ask in asks} == {
        ("priority", 1, LONG_POLL_SECONDS),
        ("standard", 1, LONG_POLL_SECONDS),
        ("bulk", 1, LONG_POLL_SECONDS),
        ("ondemand", 1, LONG_POLL_SECONDS),
    }
    assert intake.free == 4
    assert intake.next_asks() == []


def test_a_queue_is_asked_for_all_that_is_free_when_it_had_all_it_was_asked_for():
    intake = Intake(8)
    asks = {ask.queue: ask for ask in intake.next_asks()}
    intake.answered(asks["standard"], 1)
    assert intake.next_asks() == [Ask("standard", 4, 0)]


def test_nothing_is_asked_for_when_no_slot_is_free():
    intake = Intake(2)
    for ask in intake.next_asks():
        intake.answered(ask, 1)
    assert intake.free == 0
    assert intake.next_asks() == []


def test_a_slot_stays_free_of_bulk_when_only_bulk_has_messages():
    intake = Intake(4)
    running = 0
    for _ in range(20):
        for ask in intake.next_asks():
            taken = ask.count if ask.queue == "bulk" else 0
            running += taken
            intake.answered(ask, taken)
    assert running == 3


def test_turns_follow_the_weights_when_slots_are_scarce_and_every_queue_is_full():
    intake = Intake(2)
    turns = Counter()
    held = []
    for _ in range(1000):
        for ask in intake.next_asks():
            intake.answered(ask, ask.count)
            turns[ask.queue] += ask.count
            held.append(ask.queue)
        intake.ended(held.pop(0))
    assert turns["priority"] > turns["standard"] > turns["bulk"] > 50


@given(st.integers(2, 32), st.lists(st.tuples(st.integers(0, 10), st.integers(0, 2)), max_size=200))
def test_never_more_is_taken_than_there_are_slots_when_anything_happens(slots, events):
    intake = Intake(slots)
    polls: list[Ask] = []
    running: list[str] = []
    for answer, kind in events:
        polls += intake.next_asks()
        assert len(running) + sum(ask.count for ask in polls) <= slots
        assert len({ask.queue for ask in polls}) == len(polls)
        if kind and polls:
            ask = polls.pop(0)
            received = min(answer, ask.count)
            intake.answered(ask, received)
            running += [ask.queue] * received
        elif running:
            intake.ended(running.pop(0))
        assert running.count("bulk") + running.count("ondemand") < slots
    if not running and not polls:
        assert intake.next_asks()


def made_hot(intake: Intake, queue: str) -> None:
    """Lets every poll come back empty but those of one queue, until that queue had all it was asked for."""
    while True:
        for ask in intake.next_asks():
            intake.answered(ask, ask.count if ask.queue == queue else 0)
            if ask.queue == queue:
                return


def test_nobody_waits_on_an_empty_queue_before_one_with_messages_has_its_turn():
    intake = Intake(2, ("priority", "standard", "bulk"))
    made_hot(intake, "bulk")
    intake.ended("bulk")
    for _ in range(20):
        turn = intake.next_asks()
        assert "bulk" in {ask.queue for ask in turn} or {ask.wait_seconds for ask in turn} == {0}
        for ask in turn:
            received = ask.count if ask.queue == "bulk" else 0
            intake.answered(ask, received)
            for _ in range(received):
                intake.ended("bulk")


def test_no_poll_that_waits_holds_the_one_slot_of_bulk_and_on_demand_work_before_bulk_has_its_turn():
    intake = Intake(2)
    made_hot(intake, "bulk")
    intake.ended("bulk")
    for _ in range(40):
        turn = intake.next_asks()
        assert {ask.wait_seconds for ask in turn if ask.queue in PATIENT_WORK} <= {0}
        for ask in turn:
            received = ask.count if ask.queue == "bulk" else 0
            intake.answered(ask, received)
            for _ in range(received):
                intake.ended("bulk")


def test_only_the_queues_that_are_served_are_asked():
    asks = Intake(4, ("priority", "standard", "bulk")).next_asks()
    assert {ask.queue for ask in asks} == {"priority", "standard", "bulk"}


@pytest.mark.parametrize("queues", [("ondemand",), ("bulk",), ("bulk", "ondemand")])
def test_no_slot_stays_empty_when_nothing_else_is_served(queues):
    intake = Intake(3, queues)
    running = 0
    for _ in range(20):
        for ask in intake.next_asks():
            running += ask.count
            intake.answered(ask, ask.count)
    assert running == 3


@given(st.integers(0, 3), st.integers(2, 16), st.lists(st.integers(0, 10), max_size=60))
def test_no_more_is_asked_for_than_is_allowed(allowance, slots, answers):
    intake = Intake(slots)
    polls: list[Ask] = []
    for answer in answers:
        polls += intake.next_asks(allowance)
        assert sum(ask.count for ask in polls) <= allowance
        assert all(ask.wait_seconds <= 1 for ask in polls)
        if polls:
            intake.answered(polls.pop(0), min(answer, 1))


def test_polls_that_were_open_before_count_when_the_allowance_shrinks():
    intake = Intake(8)
    assert len(intake.next_asks()) == 4
    assert intake.next_asks(1) == []


def test_every_queue_has_its_turn_when_one_message_is_allowed_at_a_time():
    intake, asked = Intake(8), Counter()
    for _ in range(44):
        (ask,) = intake.next_asks(1)
        asked[ask.queue] += 1
        intake.answered(ask, 0)
    assert set(asked) == set(WORK_QUEUES)


def test_polls_wait_while_the_queue_with_messages_may_have_no_further_slot():
    intake = Intake(2)
    made_hot(intake, "bulk")
    for _ in range(10):
        for ask in intake.next_asks():
            assert ask.wait_seconds == 1
            intake.answered(ask, 0)

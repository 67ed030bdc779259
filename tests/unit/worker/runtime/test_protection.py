import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.ports import AgentReply
from worker.runtime.protection import BLOCKED, MINUTES, NO_SERVICE, Ask, Protection

LONGEST = 6 * 3600.0
ON, OFF = Ask(enabled=True, minutes=MINUTES), Ask(enabled=False)
DONE = AgentReply()


def protected(now: float = 0.0) -> Protection:
    protection = Protection(LONGEST)
    assert protection.decide(now, busy=True) == ON
    protection.answered(ON, DONE, now)
    return protection


def test_nothing_is_asked_while_the_worker_is_idle():
    protection = Protection(LONGEST)
    assert protection.decide(0, busy=False) is None
    assert protection.receiving


def test_protection_is_asked_for_at_once_when_work_begins_and_renewed_at_half_time():
    protection = protected()
    assert protection.decide(1, busy=True) is None
    assert protection.decide(299, busy=True) is None
    assert protection.decide(300, busy=True) == ON


def test_protection_is_given_up_a_moment_after_the_work_ended():
    protection = protected()
    assert protection.decide(5, busy=False) is None
    assert protection.decide(14, busy=False) is None
    assert protection.decide(15, busy=False) == OFF
    protection.answered(OFF, DONE, 15)
    assert protection.decide(16, busy=False) is None
    assert protection.decide(17, busy=True) == ON


def test_a_burst_of_small_files_is_one_protection():
    protection = protected()
    assert not any(protection.decide(second, busy=second % 2 == 0) for second in range(1, 250))


def test_nothing_new_is_taken_for_a_minute_when_a_deployment_is_blocked():
    protection = Protection(LONGEST)
    protection.answered(protection.decide(0, busy=True), AgentReply(failure=BLOCKED), 0)
    assert not protection.receiving
    assert protection.decide(59, busy=True) is None
    assert not protection.receiving
    assert protection.decide(60, busy=True) == ON
    assert protection.receiving


def test_work_is_taken_again_when_the_block_is_a_minute_old_and_the_worker_idle():
    protection = Protection(LONGEST)
    protection.answered(protection.decide(0, busy=True), AgentReply(failure=BLOCKED), 0)
    assert protection.decide(30, busy=False) is None
    assert not protection.receiving
    assert protection.decide(61, busy=False) is None
    assert protection.receiving


def test_work_goes_on_and_it_is_asked_again_later_when_the_agent_is_in_trouble():
    protection = Protection(LONGEST)
    protection.answered(protection.decide(0, busy=True), AgentReply(trouble="HTTP 504"), 0)
    assert protection.receiving
    assert protection.decide(29, busy=True) is None
    assert protection.decide(30, busy=True) == ON


def test_protection_that_may_have_come_to_pass_is_given_up_when_its_answer_was_lost():
    protection = Protection(LONGEST)
    protection.answered(protection.decide(0, busy=True), AgentReply(trouble="TimeoutError"), 0)
    assert protection.decide(31, busy=False) is None
    assert protection.decide(45, busy=False) == OFF


def test_nothing_is_asked_any_more_when_the_task_belongs_to_no_service():
    protection = Protection(LONGEST)
    protection.answered(protection.decide(0, busy=True), AgentReply(failure=NO_SERVICE), 0)
    assert protection.receiving
    assert protection.decide(10_000, busy=True) is None


def run(protection: Protection, start: float, end: float, *, busy: bool = True) -> list[tuple[float, Ask]]:
    """Each second's decisions, all granted."""
    asked, now = [], start
    while now < end:
        ask = protection.decide(now, busy=busy)
        if ask is not None:
            protection.answered(ask, DONE, now)
            asked.append((now, ask))
        now += 10
    return asked


def test_protection_lapses_and_nothing_new_is_taken_when_it_lasted_as_long_as_it_may():
    protection = Protection(LONGEST)
    asked = run(protection, 0, LONGEST)
    assert protection.receiving
    last, ask = asked[-1]
    assert last + ask.minutes * 60 <= LONGEST + 60
    assert run(protection, LONGEST, LONGEST + 3600) == []
    assert not protection.receiving


def test_protection_begins_anew_when_what_ran_has_ended_after_the_longest_time():
    protection = Protection(LONGEST)
    run(protection, 0, LONGEST + 10)
    # It is given up at once: nothing is taken before.
    assert run(protection, LONGEST + 20, LONGEST + 40, busy=False) == [(LONGEST + 20, OFF)]
    assert protection.receiving
    assert protection.decide(LONGEST + 50, busy=True) == ON


@given(
    st.lists(
        st.tuples(
            st.floats(0.5, 900),
            st.booleans(),
            st.sampled_from(
                [DONE, AgentReply(failure=BLOCKED), AgentReply(failure="MISSING"), AgentReply(trouble="x")]
            ),
        ),
        max_size=200,
    )
)
def test_protection_that_was_granted_never_reaches_further_than_the_longest_time_and_a_minute(events):
    protection, now, since, until = Protection(3600), 0.0, None, 0.0
    for passed, busy, reply in events:
        now += passed
        ask = protection.decide(now, busy=busy)
        if not busy and now >= until:
            since = None  # it lapsed, and nothing runs
        if ask is None:
            continue
        protection.answered(ask, reply, now)
        if reply == DONE and not ask.enabled:
            since, until = None, 0.0
        if ask.enabled and (reply == DONE or reply.trouble):
            until = now + ask.minutes * 60
        if ask.enabled and reply == DONE:
            assert 1 <= ask.minutes <= MINUTES
            since = now if since is None else since
            assert now + ask.minutes * 60 <= since + 2 * 3600


@pytest.mark.parametrize("reply", [DONE, AgentReply(failure=BLOCKED), AgentReply(trouble="x")])
def test_an_idle_worker_receives_in_the_end_whatever_was_answered(reply):
    protection = Protection(LONGEST)
    protection.answered(protection.decide(0, busy=True), reply, 0)
    now = 0.0
    while now < 3600:
        ask = protection.decide(now, busy=False)
        if ask is not None:
            protection.answered(ask, reply, now)
        now += 10
    assert protection.receiving

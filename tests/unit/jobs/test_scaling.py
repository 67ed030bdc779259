import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulier.jobs.scaling import ScalingPolicy, desired_workers

counts = st.integers(min_value=0, max_value=200_000)
policies = st.builds(
    lambda least, more, each: ScalingPolicy(min_workers=least, max_workers=least + more, messages_per_worker=each),
    st.integers(0, 50),
    st.integers(0, 500),
    st.integers(1, 100),
)


@given(counts, counts, counts, policies)
def test_the_answer_always_lies_within_the_policy(backlog: int, in_flight: int, running: int, policy: ScalingPolicy):
    assert policy.min_workers <= desired_workers(backlog, in_flight, running, policy) <= policy.max_workers


@given(counts, counts, st.integers(0, 500), policies)
def test_nobody_is_stopped_while_something_waits(backlog: int, in_flight: int, running: int, policy: ScalingPolicy):
    running = min(max(running, policy.min_workers), policy.max_workers)
    if backlog:
        assert desired_workers(backlog, in_flight, running, policy) >= running


@given(counts, st.integers(0, 500), policies)
def test_workers_go_one_at_a_time_and_never_below_what_is_in_flight(
    in_flight: int, running: int, policy: ScalingPolicy
):
    running = min(max(running, policy.min_workers), policy.max_workers)
    desired = desired_workers(0, in_flight, running, policy)
    assert desired >= running - 1
    assert desired * policy.messages_per_worker >= min(in_flight, policy.max_workers * policy.messages_per_worker)


@given(counts, counts, counts, st.integers(0, 500), policies)
def test_more_work_never_asks_for_fewer_workers(backlog: int, more: int, in_flight: int, running: int, policy):
    smaller = desired_workers(backlog, in_flight, running, policy)
    assert desired_workers(backlog + more, in_flight, running, policy) >= smaller


@given(policies)
def test_an_empty_queue_ends_at_the_least_number(policy: ScalingPolicy):
    running = policy.max_workers
    for _ in range(policy.max_workers + 1):
        running = desired_workers(0, 0, running, policy)
    assert running == policy.min_workers


@pytest.mark.parametrize(
    ("backlog", "in_flight", "running", "desired"),
    [
        (0, 0, 0, 0),
        (1, 0, 0, 1),
        (5, 0, 0, 3),
        (0, 4, 2, 2),
        (4, 4, 2, 4),
        (1_000, 0, 1, 8),
        (0, 0, 5, 4),
        (0, 3, 5, 4),
        (1, 0, 5, 5),
    ],
)
def test_one_message_wakes_and_idleness_shrinks(backlog: int, in_flight: int, running: int, desired: int):
    policy = ScalingPolicy(min_workers=0, max_workers=8, messages_per_worker=2)
    assert desired_workers(backlog, in_flight, running, policy) == desired


@pytest.mark.parametrize(("least", "most", "each"), [(-1, 1, 1), (2, 1, 1), (0, 1, 0)])
def test_an_impossible_policy_is_refused(least: int, most: int, each: int):
    with pytest.raises(ValueError, match=r"must be at least|does not hold"):
        ScalingPolicy(min_workers=least, max_workers=most, messages_per_worker=each)

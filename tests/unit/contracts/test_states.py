import pytest

from haulier.contracts.states import FINAL, OPEN, TRANSITIONS, WORKABLE, JobState, may_become, may_precede


def test_every_state_has_its_row():
    assert set(TRANSITIONS) == set(JobState)
    assert set(JobState) == OPEN | FINAL


def test_every_open_state_can_reach_success():
    for state in OPEN:
        reached = {state}
        while True:
            further = set().union(*(TRANSITIONS[s] for s in reached)) | reached
            if further == reached:
                break
            reached = further
        assert JobState.SUCCEEDED in reached


def test_a_sealed_job_can_only_succeed():
    assert TRANSITIONS[JobState.SEALED] == {JobState.SUCCEEDED}


def test_a_rejected_job_stays_rejected():
    assert not TRANSITIONS[JobState.REJECTED]


@pytest.mark.parametrize("state", sorted(WORKABLE))
def test_work_can_be_cancelled_and_can_fail(state):
    assert may_become(state, JobState.CANCELLED)
    assert may_become(state, JobState.FAILED)


def test_predecessors_are_the_inverse_of_the_table():
    for state in JobState:
        assert may_precede(state) == [s for s in JobState if may_become(s, state)]

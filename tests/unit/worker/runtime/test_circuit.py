import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulier.contracts.events import JobError
from worker.outcome import (
    Excused,
    Failed,
    Finished,
    HeldByOther,
    Interrupted,
    Lost,
    Moved,
    Newer,
    Refused,
    Unclaimed,
    Unreadable,
)
from worker.runtime.circuit import TERMS, Circuit, Circuits, State, Terms, evidence

ERROR = JobError(stage="read", code="x", message="y")
PATIENT = Terms(failures=3, base_seconds=4, ceiling_seconds=60, trial_seconds=10)
ALMOST_ONE = 0.999999


def opened(terms: Terms = PATIENT, at: float = 0.0) -> Circuit:
    circuit = Circuit(terms)
    for _ in range(terms.failures):
        circuit.failed(at, ALMOST_ONE)
    return circuit


def test_a_circuit_opens_when_as_many_failed_in_a_row_as_its_terms_say():
    circuit = Circuit(PATIENT)
    circuit.failed(0, ALMOST_ONE)
    circuit.failed(0, ALMOST_ONE)
    assert circuit.state(0) is State.CLOSED
    circuit.failed(0, ALMOST_ONE)
    assert circuit.state(0) is State.OPEN


def test_a_circuit_stays_closed_when_a_success_comes_between():
    circuit = Circuit(PATIENT)
    for _ in range(10):
        circuit.failed(0, ALMOST_ONE)
        circuit.failed(0, ALMOST_ONE)
        circuit.succeeded(0)
    assert circuit.state(0) is State.CLOSED


def test_a_circuit_is_half_open_when_its_wait_is_over_and_closed_by_the_first_success():
    circuit = opened()
    assert circuit.state(3.9) is State.OPEN
    assert circuit.state(4.1) is State.HALF_OPEN
    circuit.succeeded(4.1)
    assert circuit.state(4.1) is State.CLOSED


def test_each_failed_trial_doubles_the_wait_up_to_the_ceiling():
    circuit, now, waits = opened(), 0.0, []
    for _ in range(8):
        start = now
        while circuit.state(now) is State.OPEN:
            now += 0.5
        waits.append(now - start)
        circuit.failed(now, ALMOST_ONE)
    assert waits == [4, 8, 16, 32, 60, 60, 60, 60]


def test_what_ends_while_a_circuit_is_open_says_nothing_new():
    circuit = opened()
    circuit.succeeded(1)
    circuit.failed(1, ALMOST_ONE)
    assert circuit.state(3.9) is State.OPEN
    assert circuit.state(4.1) is State.HALF_OPEN


def test_the_count_begins_anew_when_a_circuit_was_closed():
    circuit = opened()
    circuit.succeeded(5)
    circuit.failed(5, ALMOST_ONE)
    circuit.failed(5, ALMOST_ONE)
    assert circuit.state(5) is State.CLOSED


@given(
    st.lists(st.tuples(st.sampled_from("fst"), st.floats(0, 100), st.floats(0, 1, exclude_max=True)), max_size=60),
    st.sampled_from(sorted(TERMS)),
)
def test_a_circuit_always_closes_again_when_its_service_is_well(events, service):
    circuit, now = Circuit(TERMS[service]), 0.0
    for kind, passed, random in events:
        now += passed
        if kind == "f":
            circuit.failed(now, random)
        elif kind == "s":
            circuit.succeeded(now)
        else:
            circuit.taken(now)
    now += TERMS[service].ceiling_seconds + TERMS[service].trial_seconds
    assert circuit.state(now) is not State.OPEN
    assert circuit.may_take(now)
    circuit.succeeded(now)
    assert circuit.state(now) is State.CLOSED


def circuits(changes: list[tuple[str, bool]] | None = None) -> Circuits:
    told = changes if changes is not None else []
    return Circuits(random=lambda: ALMOST_ONE, on_change=lambda service, is_open: told.append((service, is_open)))


def test_nothing_is_taken_when_one_service_failed_several_chunks():
    changes: list[tuple[str, bool]] = []
    all_ = circuits(changes)
    for _ in range(3):
        assert all_.allowance(0) is None
        all_.settled(0, Excused(ERROR, 1, "s3"))
    assert all_.allowance(0) == 0
    assert all_.broken() == ["s3"]
    assert changes == [("s3", True)]


def test_an_answered_poll_does_not_close_what_reads_opened():
    all_ = circuits()
    for _ in range(3):
        all_.settled(0, Excused(ERROR, 1, "s3"))
    all_.polled(0, 0)
    assert all_.allowance(0) == 0


def test_one_message_each_ten_seconds_is_taken_in_half_open_until_one_is_committed():
    changes: list[tuple[str, bool]] = []
    all_ = circuits(changes)
    for _ in range(3):
        all_.settled(0, Excused(ERROR, 1, "s3"))
    assert all_.allowance(6) == 1
    all_.polled(6, 0)
    assert all_.allowance(6) == 1
    all_.polled(6, 1)
    assert all_.allowance(6) == 0
    assert all_.allowance(16) == 1
    all_.settled(17, Finished("committed"))
    assert all_.allowance(17) is None
    assert changes == [("s3", True), ("s3", False)]


def test_one_poll_that_fails_is_enough_and_one_that_is_answered_too():
    all_ = circuits()
    all_.poll_failed(0)
    assert all_.allowance(0) == 0
    assert all_.allowance(2.5) == 1
    all_.polled(2.5, 0)
    assert all_.allowance(2.5) is None


def test_an_outage_of_one_poison_object_opens_nothing_while_other_chunks_are_committed():
    all_ = circuits()
    for _ in range(50):
        all_.settled(0, Excused(ERROR, 1, "s3"))
        all_.settled(0, Finished("committed"))
    assert all_.allowance(0) is None


@pytest.mark.parametrize(
    ("outcome", "worked", "failed"),
    [
        (Finished("committed"), {"dynamodb", "s3", "stepfunctions"}, None),
        (Finished("already committed"), {"dynamodb", "stepfunctions"}, None),
        (Finished("job over"), {"dynamodb"}, None),
        (Refused(None, ERROR), {"dynamodb"}, None),  # type: ignore[arg-type]
        (Failed(ERROR, 1), {"dynamodb"}, None),
        (HeldByOther(1), {"dynamodb"}, None),
        (Excused(ERROR, 1, "s3"), {"dynamodb"}, "s3"),
        (Excused(ERROR, 1, "dynamodb"), set(), "dynamodb"),
        (Excused(ERROR, 1), {"dynamodb"}, None),
        (Unclaimed(ERROR, 1, "dynamodb"), set(), "dynamodb"),
        (Unclaimed(ERROR, 1), set(), None),
        (Unreadable(ERROR), set(), None),
        (Lost(), set(), None),
        (Interrupted(), set(), None),
        (Moved(), set(), None),
        (Newer(ERROR), set(), None),
    ],
)
def test_an_outcome_is_evidence_for_the_services_it_needed(outcome, worked, failed):
    found, broken = evidence(outcome)
    assert (set(found), broken) == (worked, failed)

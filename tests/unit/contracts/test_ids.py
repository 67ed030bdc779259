import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulier.contracts.ids import execution_name, is_job_id, job_id, new_attempt_id, shard_of
from haulier.contracts.limits import INDEX_SHARDS

SOURCE = {"bucket": "b", "key": "k", "version": "v"}


def test_the_same_cause_gives_the_same_job():
    again = dict(reversed(SOURCE.items()))
    assert job_id(source=SOURCE, operation="records", dataset="d", cause="") == job_id(
        source=again, operation="records", dataset="d", cause=""
    )


@pytest.mark.parametrize(
    "other",
    [
        {"source": SOURCE | {"version": "w"}},
        {"source": SOURCE | {"key": "k2"}},
        {"operation": "transfer"},
        {"dataset": "e"},
        {"cause": "x"},
    ],
)
def test_another_source_operation_dataset_or_cause_gives_another_job(other):
    base = {"source": SOURCE, "operation": "records", "dataset": "d", "cause": ""}
    assert job_id(**base) != job_id(**(base | other))


@given(st.text(), st.text())
def test_no_two_fields_run_into_each_other(first, second):
    one = job_id(source={"key": first, "bucket": second}, operation="", dataset="", cause="")
    two = job_id(source={"key": first + second, "bucket": ""}, operation="", dataset="", cause="")
    assert is_job_id(one)
    assert (one == two) == (second == "")


@given(st.integers(1, 9999), st.integers(0, 10**13), st.integers(0, 10**6))
def test_an_execution_name_is_legal_and_stable(run, accepted, restart):
    job = job_id(source=SOURCE, operation="records", dataset="d", cause="")
    name = execution_name(job, run, accepted, restart)
    assert len(name) <= 80
    assert name == execution_name(job, run, accepted, restart)
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_attempts_are_never_the_same():
    assert len({new_attempt_id() for _ in range(100)}) == 100


@given(st.text())
def test_a_shard_is_one_of_the_index(job):
    assert 0 <= shard_of(job) < INDEX_SHARDS

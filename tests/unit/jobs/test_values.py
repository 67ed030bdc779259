"""Attribute values, times, backoff and sequencers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulier.contracts.events import JobError
from haulier.jobs.accept import pad_sequencer
from haulier.jobs.attributes import decode, encode
from haulier.jobs.backoff import backoff
from haulier.jobs.calls import (
    AlreadyExists,
    Call,
    ConditionFailed,
    NotFound,
    TransactionFailed,
    drive,
    drive_async,
    refusal,
)
from haulier.jobs.letters import letter
from haulier.jobs.times import iso, parse_iso

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(scalars, lambda c: st.lists(c) | st.dictionaries(st.text(), c))


@given(values)
def test_a_value_survives_the_table(value):
    assert decode(encode(value)) == value


def test_what_an_item_cannot_hold_is_refused():
    with pytest.raises(TypeError, match="bytes"):
        encode(b"x")


@given(st.integers(0, 4_000_000_000_000), st.integers(0, 4_000_000_000_000))
def test_times_survive_and_sort_as_text(one, two):
    assert parse_iso(iso(one)) == one
    assert (iso(one) < iso(two)) == (one < two)


@given(st.integers(0, 10**6), st.floats(0, 1, exclude_max=True))
def test_a_wait_is_never_longer_than_its_ceiling(failures, random):
    assert 0 <= backoff(failures, random) <= 300


def test_the_longest_waits_double():
    assert [backoff(n, 0.5, base_seconds=2) for n in (1, 2, 3)] == [1, 2, 4]


def test_sequencers_compare_as_hexadecimal_padded_on_the_right():
    assert pad_sequencer("0055AED6DCD90281E5") < pad_sequencer("0055aed6dcd90281e6")
    assert pad_sequencer("00") < pad_sequencer("0001")


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        ({"Error": {"Code": "ConditionalCheckFailedException"}, "Item": {"a": {"S": "x"}}}, ConditionFailed),
        ({"Error": {"Code": "ExecutionAlreadyExists", "Message": "m"}}, AlreadyExists),
        ({"Error": {"Code": "NoSuchKey", "Message": "m"}}, NotFound),
        (
            {
                "Error": {"Code": "TransactionCanceledException"},
                "CancellationReasons": [{"Code": "None"}, {"Code": "ConditionalCheckFailed"}],
            },
            TransactionFailed,
        ),
    ],
)
def test_an_answer_of_the_protocol_is_told_from_an_accident(response, kind):
    assert isinstance(refusal(response), kind)


@pytest.mark.parametrize(
    "response",
    [
        {"Error": {"Code": "ThrottlingException"}},
        {},
        {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": [{"Code": "TransactionConflict"}]},
    ],
)
def test_an_accident_is_no_answer(response):
    assert refusal(response) is None


def ask_twice():
    first = yield Call("s3", "one")
    try:
        yield Call("s3", "two", {"first": first})
    except NotFound:
        return "refused"
    return "answered"


@pytest.mark.parametrize("there", [True, False])
async def test_both_drivers_send_answers_and_throw_refusals(there):
    asked = []

    def perform(call):
        asked.append((call.operation, dict(call.params)))
        if call.operation == "two" and not there:
            raise NotFound
        return call.operation

    async def perform_async(call):
        return perform(call)

    expected = "answered" if there else "refused"
    assert drive(ask_twice(), perform) == expected
    assert await drive_async(ask_twice(), perform_async) == expected
    assert asked == [("one", {}), ("two", {"first": "one"})] * 2


def test_a_letter_holds_only_what_sqs_takes():
    call = letter("q", "body \x01 \ud800", JobError(stage="read", code="gone", message="key a\x01.csv is gone"))
    assert call.params["MessageBody"] == "body ? ?"
    assert call.params["MessageAttributes"]["error_message"]["StringValue"] == "key a?.csv is gone"


def test_a_reason_is_cut_to_what_a_person_reads():
    error = JobError(stage="intake", code="invalid_dataset", message="x" * 10**6)
    assert len(error.message) <= 2000
    assert error.message.endswith("characters more)")
    assert JobError.model_validate_json(error.to_json()) == error

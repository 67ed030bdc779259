import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.envelopes import StorageEvent, open_envelope
from haulier.contracts.errors import InvalidEvent
from haulier.contracts.events import JobRequested
from tests.unit.dispatcher.builders import INPUT, created, notified, requested

NATIVE = {"Records": [notified("incoming/a+b%2Bc%25d/%C3%BC.csv")]}
DECODED = "incoming/a b+c%d/ü.csv"
JOB = "jabcdefghijklmnopqrstuvwxyz"


def in_sns(body: Any) -> dict[str, Any]:
    return {"Type": "Notification", "TopicArn": "arn:t", "Message": json.dumps(body)}


def in_sns_record(body: Any) -> dict[str, Any]:
    return {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": json.dumps(body)}}]}


def in_sqs_record(body: Any) -> dict[str, Any]:
    return {"Records": [{"eventSource": "aws:sqs", "messageId": "m", "body": json.dumps(body)}]}


def bare(body: Any) -> Any:
    return body


WRAPPINGS = [
    bare,
    in_sns,
    in_sns_record,
    in_sqs_record,
    json.dumps,
    lambda body: in_sqs_record(in_sns(body)),
    lambda body: in_sns(in_sqs_record(body)),
    lambda body: json.dumps(in_sns(in_sns(body))),
]


@pytest.mark.parametrize("wrap", WRAPPINGS)
def test_a_native_key_is_decoded_exactly_once_when_its_envelope_is_wrapped(wrap: Any) -> None:
    opened = open_envelope(json.dumps(wrap(NATIVE)))

    assert opened.arrivals == (StorageEvent(INPUT, DECODED, 5, "e1", None, "01"),)
    assert opened.problems == ()


@pytest.mark.parametrize("wrap", WRAPPINGS)
@pytest.mark.parametrize(
    "key", ["incoming/a b.csv", "incoming/a+b.csv", "incoming/50%25 a%20.csv", "incoming/日本/ü😀.csv"]
)
def test_an_eventbridge_key_is_left_as_it_is_when_its_envelope_is_wrapped(wrap: Any, key: str) -> None:
    event = created(key, etag="e2", **{"version-id": "v7"})

    opened = open_envelope(json.dumps(wrap(event)))

    assert opened.arrivals == (StorageEvent(INPUT, key, 5, "e2", "v7", "01"),)


@pytest.mark.parametrize(
    "detail",
    [
        {"bucket": INPUT, "key": "anything/a+b%20.csv", "dataset": "flights", "queue": "bulk", "cause": "c"},
        {"job_id": JOB},
    ],
)
@pytest.mark.parametrize("wrap", WRAPPINGS)
def test_a_request_is_read_when_its_envelope_is_wrapped(wrap: Any, detail: dict[str, str]) -> None:
    assert open_envelope(json.dumps(wrap(requested(**detail)))).arrivals == (JobRequested(**detail),)


NOTHING = [
    {"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-11-21T09:30:00.000Z", "Bucket": INPUT},
    {"Records": []},
    {"Records": [notified("k", event="ObjectRemoved:Delete")]},
    {"Records": [notified("k", event="s3:ObjectRemoved:DeleteMarkerCreated")]},
    {"Records": [notified("k", event="ObjectRestore:Completed"), notified("k", event="ObjectTagging:Put")]},
    {"source": "aws.s3", "detail-type": "Object Deleted", "detail": {}},
    {"source": "aws.s3", "detail-type": "Object Restore Completed", "detail": {}},
    {"source": "aws.s3", "detail-type": "Object Tags Added", "detail": {}},
]


@pytest.mark.parametrize("body", NOTHING)
@pytest.mark.parametrize("wrap", WRAPPINGS)
def test_nothing_arrives_when_the_event_is_no_creation(wrap: Any, body: Any) -> None:
    opened = open_envelope(json.dumps(wrap(body)))

    assert (opened.arrivals, opened.problems) == ((), ())


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("3", "a JSON int"),
        ("null", "not an object"),
        ("[]", "a JSON list"),
        ("{}", "neither an S3 notification"),
        (json.dumps({"hello": 1}), "its fields are: hello"),
        (json.dumps({"Records": 3}), "Records is a JSON int"),
        (json.dumps({"Records": [3]}), "a record is a JSON int"),
        (json.dumps({"Records": [{"eventSource": "aws:kinesis"}]}), "'aws:kinesis'"),
        (json.dumps({"Records": [{"s3": {}}]}), "eventName is missing"),
        (json.dumps({"Records": [{"eventName": "ObjectCreated:Put", "s3": 1}]}), "s3 is int"),
        (json.dumps({"Records": [notified("%FF%FE")]}), "not URL-encoded UTF-8"),
        (json.dumps({"Records": [notified("")]}), "s3.object.key is empty"),
        (json.dumps({"Records": [notified("a" * 1025)]}), "1025 bytes"),
        (json.dumps(created("\ud800")), "not Unicode"),
        (json.dumps(created("k", sequencer=7)), "sequencer is int"),
        (json.dumps({"source": "aws.s3", "detail-type": "Object Created"}), "detail is missing"),
        (json.dumps({"source": "aws.ec2", "detail-type": "x", "detail": {}}), "'aws.ec2'"),
        (json.dumps({"source": "haulier", "detail-type": "Job State Changed", "detail": {}}), "Job Requested"),
        (json.dumps(requested(bucket="b")), "give bucket and key"),
        (json.dumps(requested(job_id=JOB, key="k", bucket="b")), "stands alone"),
        (json.dumps(requested(bucket="b", key="k", colour="red")), "colour"),
        (json.dumps({"Type": "Notification"}), "holds a missing"),
        (json.dumps({"Type": "Notification", "Message": "hello"}), "not JSON"),
        (json.dumps({"Type": "SubscriptionConfirmation", "TopicArn": "arn:t"}), "arn:t asks to confirm"),
    ],
)
def test_a_body_is_refused_with_its_reason_when_it_is_no_envelope(body: str, reason: str) -> None:
    opened = open_envelope(body)

    assert opened.arrivals == ()
    assert [reason in str(problem) for problem in opened.problems] == [True]
    assert all(isinstance(problem, InvalidEvent) for problem in opened.problems)


def test_envelopes_are_refused_when_they_are_nested_too_deep() -> None:
    body: Any = NATIVE
    for _ in range(7):
        body = in_sns(body)

    assert "nested more than" in str(open_envelope(json.dumps(body)).problems[0])


def test_good_records_are_read_when_one_beside_them_is_bad() -> None:
    body = {"Records": [notified("one"), {"eventSource": "aws:x"}, notified("two"), notified("%FF")]}

    opened = open_envelope(json.dumps(body))

    assert [arrival.key for arrival in opened.arrivals] == ["one", "two"]
    assert len(opened.problems) == 2


FIELDS = [
    *("Records", "s3", "object", "bucket", "key", "name", "eventName", "detail", "detail-type", "source", "Type"),
    *("Message", "Sns", "body", "Event", "size", "sequencer", "job_id", "version-id", "etag", "eTag", "TopicArn"),
]
VALUES = ["ObjectCreated:Put", "aws.s3", "haulier", "Object Created", "Job Requested", "Notification", '{"Records":[]}']
words = st.sampled_from(FIELDS)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(VALUES)
nested = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(words | st.text(max_size=3), inner, max_size=5)
        | inner.map(json.dumps)
    ),
    max_leaves=25,
)


@given(nested)
def test_nothing_is_raised_when_the_body_is_any_json(value: Any) -> None:
    opened = open_envelope(json.dumps(value))

    assert all(isinstance(problem, InvalidEvent) for problem in opened.problems)
    assert all(isinstance(arrival, StorageEvent | JobRequested) for arrival in opened.arrivals)


@given(st.text())
def test_nothing_is_raised_when_the_body_is_any_text(body: str) -> None:
    open_envelope(body)

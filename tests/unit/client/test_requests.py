import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulier.client import requests
from haulier.client.errors import BadAddress, HaulierError, NotFound, Refused
from haulier.client.requests import cancel, keys_under, parse_uri, prepare, retry, submit
from haulier.contracts.errors import InvalidDataset
from haulier.contracts.events import JobRequested
from haulier.contracts.keys import dataset_key
from haulier.contracts.states import JobState
from haulier.jobs import verdicts
from haulier.jobs.items import POINTER_SK, pointer_id
from tests.unit.client.fakes import JOB

KEY = "incoming/flights/a.csv"
FLIGHTS = b"match:\n  - prefix: incoming/flights/\n"


@pytest.fixture
def bucket(stack) -> str:
    stack.s3.objects[stack.connection.input_bucket, KEY] = b"a\n1\n"
    return stack.connection.input_bucket


@given(st.from_regex(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", fullmatch=True), st.text(min_size=1))
def test_an_address_is_split_and_its_key_left_as_it_is(bucket, key):
    assert parse_uri(f"s3://{bucket}/{key}") == (bucket, key)


@pytest.mark.parametrize("uri", ["", "a.csv", "s3://bucket", "s3://bucket/", "https://bucket/key", "s3://B_/k"])
def test_what_is_no_address_is_refused(uri):
    with pytest.raises(BadAddress) as told:
        parse_uri(uri)
    assert "s3://BUCKET/KEY" in told.value.hint


def test_the_dataset_is_matched_by_key_and_named_in_the_event(stack, bucket):
    stack.s3.objects[bucket, dataset_key("flights")] = FLIGHTS
    request = prepare(stack.connection, bucket, KEY)
    submit(stack.connection, request, queue="bulk")
    (entry,) = stack.events.entries
    detail = JobRequested.model_validate_json(entry["Detail"])
    assert (request.dataset, detail.dataset, detail.queue, detail.key) == ("flights", "flights", "bulk", KEY)
    assert (entry["EventBusName"], entry["DetailType"]) == ("haulier-t", "Job Requested")


def test_the_same_request_is_the_same_job_and_another_cause_another(stack, bucket):
    ids = [prepare(stack.connection, bucket, KEY, cause=cause).job_id for cause in ("", "", "again")]
    assert ids[0] == ids[1] != ids[2]


def test_an_object_that_has_its_job_is_said_to_have_it(stack, bucket):
    stack.job(prepare(stack.connection, bucket, KEY).job_id, status="FAILED")
    assert prepare(stack.connection, bucket, KEY).state == JobState.FAILED


def test_the_job_of_the_objects_own_event_is_found_though_its_id_is_another(stack, bucket):
    etag = prepare(stack.connection, bucket, KEY).source.etag
    stack.job(JOB, status="SUCCEEDED", key=KEY)
    pointed = {"job_id": pointer_id(bucket, KEY), "sk": POINTER_SK, "current_job": JOB, "etag": etag}
    stack.dynamodb.hold(pointed)
    found = prepare(stack.connection, bucket, KEY)
    assert (found.job_id, found.state) == (JOB, JobState.SUCCEEDED)
    assert prepare(stack.connection, bucket, KEY, cause="again").job_id != JOB


def test_what_is_not_there_or_not_ours_is_refused(stack, bucket):
    with pytest.raises(NotFound, match="no object"):
        prepare(stack.connection, bucket, "incoming/none.csv")
    with pytest.raises(NotFound, match="no dataset none"):
        prepare(stack.connection, bucket, KEY, dataset="none")
    with pytest.raises(Refused, match="input bucket"):
        prepare(stack.connection, "another-bucket", KEY)


def test_a_broken_dataset_must_be_mended_before_a_key_is_matched(stack, bucket):
    stack.s3.objects[bucket, dataset_key("broken")] = b"match: 7\n"
    with pytest.raises(InvalidDataset, match="--dataset"):
        prepare(stack.connection, bucket, KEY)
    assert prepare(stack.connection, bucket, KEY, dataset="default").dataset == "default"


def test_folders_placeholders_are_no_objects(stack, bucket):
    stack.s3.objects[bucket, "incoming/flights/"] = b""
    assert list(keys_under(stack.connection, "incoming/")) == [KEY]


def test_what_haulier_wrote_into_the_same_bucket_is_no_input(stack, bucket):
    stack.s3.objects[bucket, "processed/default/j/run=1/chunk-00000.jsonl"] = b"{}\n"
    assert list(keys_under(stack.connection, "")) == [KEY]


def test_a_bus_that_refuses_is_told(stack, bucket):
    stack.events.refuse = True
    with pytest.raises(HaulierError, match="did not take the request"):
        submit(stack.connection, prepare(stack.connection, bucket, KEY))


@pytest.mark.parametrize(("stored", "given"), [(FLIGHTS, "flights"), (None, None)])
def test_a_retry_takes_the_dataset_as_it_is_now_and_asks_for_the_job(stack, bucket, monkeypatch, stored, given):
    if stored:
        stack.s3.objects[bucket, dataset_key("flights")] = stored
    job = stack.job(status="FAILED", dataset="flights")
    taken = []

    def fake(_table, _job, _now, *, dataset):
        taken.append(dataset.name if dataset else None)
        return job
        yield

    monkeypatch.setattr(requests.verdicts, "retry", fake)
    assert retry(stack.connection, JOB).job_id == JOB
    assert taken == [given]
    assert json.loads(stack.events.entries[0]["Detail"])["job_id"] == JOB


def test_what_a_jobs_state_does_not_allow_is_refused_in_words(stack, monkeypatch):
    stack.job(status="RUNNING")
    with pytest.raises(Refused, match="RUNNING"):
        retry(stack.connection, JOB)
    assert stack.events.entries == []

    def fake(*_):
        raise verdicts.NotAllowed("it is SEALED")
        yield

    monkeypatch.setattr(requests.verdicts, "cancel", fake)
    with pytest.raises(Refused, match="SEALED"):
        cancel(stack.connection, JOB)


@pytest.mark.parametrize("act", [retry, cancel])
def test_a_job_that_is_not_there_is_not_found(stack, act):
    with pytest.raises(NotFound):
        act(stack.connection, JOB)

"""Every envelope users have, and every bad input, through the deployed dispatcher."""

import json
from urllib.parse import quote_plus

import pytest

from haulier.contracts.states import JobState
from tests.stack.conftest import wait_until

CSV = b"a,b\n1,2\n"


def notification(
    bucket: str, key: str, etag: str, size: int, *, sequencer: str = "FF" * 8, event: str = "ObjectCreated:Put"
) -> dict:
    """S3's own notification: keys are URL-encoded in it."""
    entity = {
        "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
        "object": {"key": quote_plus(key), "size": size, "eTag": etag, "sequencer": sequencer},
    }
    return {"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": event, "s3": entity}


def bridged(bucket: str, key: str, etag: str, size: int, *, detail_type: str = "Object Created") -> dict:
    """S3 through EventBridge: keys are as they are."""
    described = {"key": key, "size": size, "etag": etag, "sequencer": "FF" * 8}
    return {
        "version": "0",
        "id": "e",
        "source": "aws.s3",
        "detail-type": detail_type,
        "detail": {"version": "0", "bucket": {"name": bucket}, "object": described, "reason": "PutObject"},
    }


def in_sns(body: dict) -> dict:
    return {"Type": "Notification", "TopicArn": "arn:aws:sns:us-east-1:000000000000:t", "Message": json.dumps(body)}


def in_sqs(body: dict) -> dict:
    return {"Records": [{"body": json.dumps(body), "messageId": "m", "eventSource": "aws:sqs"}]}


ENVELOPES = {
    "eventbridge": bridged,
    "native": lambda *at: {"Records": [notification(*at)]},
    "native in sns": lambda *at: in_sns({"Records": [notification(*at)]}),
    "eventbridge in sns": lambda *at: in_sns(bridged(*at)),
    "native in sqs": lambda *at: in_sqs({"Records": [notification(*at)]}),
    "native in sns in sqs": lambda *at: in_sqs(in_sns({"Records": [notification(*at)]})),
}


def put_unheard(stack, key: str) -> tuple[str, str, str, int]:
    """Puts an object and lets its own event pass, so that the envelope under test is the second to tell of it."""
    etag = stack.put(key, CSV)
    stack.final(stack.pointed(key, etag).job_id)
    return stack.info.input_bucket, key, etag, len(CSV)


@pytest.mark.parametrize("envelope", ENVELOPES)
def test_an_envelope_is_understood(stack, name, envelope):
    at = put_unheard(stack, f"incoming/{name}/a.csv")
    known = {job.job_id for job in stack.jobs_of(at[1])}
    stack.send_to_intake(ENVELOPES[envelope](*at))
    (second,) = wait_until(lambda: [j for j in stack.jobs_of(at[1]) if j.job_id not in known], "the second event's job")
    assert stack.final(second.job_id).status == JobState.SUCCEEDED


def test_each_record_of_one_event_starts_its_job(stack, name):
    ats = [put_unheard(stack, f"incoming/{name}/{n}.csv") for n in range(3)]
    stack.send_to_intake({"Records": [notification(*at, sequencer="FF" * 8) for at in ats]})
    for at in ats:
        wait_until(lambda at=at: len(stack.jobs_of(at[1])) == 2, f"both jobs of {at[1]}")


@pytest.mark.parametrize(
    "file", ["with space.csv", "a+b.csv", "100%25.csv", "50%.csv", "漢字 Zoë.csv", "quote'\"&.csv"]
)
def test_a_key_is_decoded_exactly_once(stack, name, file):
    job = stack.succeed(f"incoming/{name}/{file}", CSV)
    assert job.key == f"incoming/{name}/{file}"
    at = (job.bucket, job.key, job.etag, job.size)
    stack.send_to_intake({"Records": [notification(*at, sequencer="FF" * 8)]})
    again = wait_until(lambda: [j for j in stack.jobs_of(job.key) if j.job_id != job.job_id], "the native event's job")
    assert stack.final(again[0].job_id).status == JobState.SUCCEEDED


def test_the_same_event_twice_is_one_job_and_an_older_one_is_superseded(stack, name):
    at = put_unheard(stack, f"incoming/{name}/a.csv")
    for _ in range(3):
        stack.send_to_intake({"Records": [notification(*at, sequencer="FF" * 8)]})
    stack.send_to_intake({"Records": [notification(*at, sequencer="0001")]})
    jobs = wait_until(lambda: found if len(found := stack.jobs_of(at[1])) >= 3 else None, "three jobs")
    ends = {job.sequencer or "none": stack.final(job.job_id) for job in jobs}
    assert len(jobs) == 3
    assert sorted(job.status for job in ends.values()) == ["REJECTED", "SUCCEEDED", "SUCCEEDED"]
    assert [job.error.code for job in ends.values() if job.error] == ["superseded"]


def test_an_event_for_bytes_that_were_overwritten_is_superseded(stack, name):
    bucket, key, _, size = put_unheard(stack, f"incoming/{name}/a.csv")
    stack.send_to_intake({"Records": [notification(bucket, key, "0" * 32, size, sequencer="FF" * 8)]})
    found = wait_until(
        lambda: [j for j in stack.jobs_of(key) if j.status == JobState.REJECTED], "the stale event's job"
    )
    assert found[0].error.code == "superseded"


REFUSED = {
    "empty.csv": (b"", "empty"),
    "picture.png": (b"\x89PNG\r\n", "type"),
    "archive.7z": (b"7z\xbc\xaf", "type"),
}


@pytest.mark.parametrize("file", REFUSED)
def test_what_cannot_be_processed_is_rejected_with_the_reason(stack, name, file):
    body, told = REFUSED[file]
    job = stack.process(f"incoming/{name}/{file}", body)
    assert (job.status, job.error.stage) == (JobState.REJECTED, "intake")
    assert told in job.error.code or told in job.error.message


@pytest.fixture
def strict_intake(stack):
    """The deployed intake with a small ceiling and an excluded suffix, as a deployment may set them."""
    function = stack.names.function("intake")
    before = stack.clients["lambda"].get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    strict = before | {"HAULIER_MAX_OBJECT_BYTES": "1000", "HAULIER_EXCLUDED_SUFFIXES": ".partial.csv"}
    stack.clients["lambda"].update_function_configuration(FunctionName=function, Environment={"Variables": strict})
    yield
    stack.clients["lambda"].update_function_configuration(FunctionName=function, Environment={"Variables": before})


def test_what_the_settings_refuse_is_rejected_with_the_reason(stack, name, strict_intake):
    large = stack.process(f"incoming/{name}/large.csv", b"a,b\n" + b"1,2\n" * 1000)
    assert (large.status, large.error.code) == (JobState.REJECTED, "too_large")
    partial = stack.process(f"incoming/{name}/x.partial.csv", CSV)
    assert (partial.status, partial.error.code) == (JobState.REJECTED, "excluded")


def test_an_unreadable_dataset_rejects_what_it_would_own_and_nothing_else(stack, name):
    stack.put_dataset(name, f"match: [{{prefix: incoming/{name}/}}]\nqueue: fast\n")
    job = stack.process(f"incoming/{name}/a.csv", CSV)
    assert (job.status, job.error.code) == (JobState.REJECTED, "invalid_dataset")
    assert "line 2" in job.error.message
    stack.succeed(f"incoming/other-{name}/a.csv", CSV)
    stack.s3.delete_object(Bucket=stack.info.input_bucket, Key=f"config/datasets/{name}.yaml")


IGNORED = {
    "test event": lambda at: {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": at[0]},
    "delete": lambda at: {"Records": [notification(*at, event="ObjectRemoved:Delete", sequencer="FF" * 8)]},
    "bridged delete": lambda at: bridged(*at, detail_type="Object Deleted"),
    "our own output": lambda at: {"Records": [notification(at[0], "processed/d/j/run=1/chunk.jsonl", "e", 1)]},
    "a folder": lambda at: {"Records": [notification(at[0], "incoming/folder/", "e", 0)]},
    "another prefix": lambda at: {"Records": [notification(at[0], "elsewhere/a.csv", "e", 5)]},
}


def test_what_is_none_of_our_business_starts_nothing_and_is_no_error(stack, name):
    at = put_unheard(stack, f"incoming/{name}/a.csv")
    before = {job.job_id for job in stack.jobs()}
    for body in IGNORED.values():
        stack.send_to_intake(body(at))
    # One queue, in order or not: when an event sent last has its job, give the others their turn by emptiness.
    last = put_unheard(stack, f"incoming/{name}/last.csv")
    url = stack.queue_url(stack.names.queue("intake"))
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    wait_until(
        lambda: set(stack.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()) == {"0"},
        "an empty intake queue",
    )
    assert {job.key for job in stack.jobs() if job.job_id not in before} == {last[1]}
    assert not [m for m in stack.letters(stack.names.dlq("intake")) if name in m["Body"]]


BAD = [
    "not json",
    "[]",
    "{}",
    '{"Records": [{"s3": {}}]}',
    '{"Records": 5}',
    '{"detail-type": "Object Created"}',
    '"text"',
]


def test_a_bad_event_ends_in_the_intake_dlq_and_the_good_ones_pass(stack, name):
    for body in BAD:
        stack.send_to_intake(body)
    stack.succeed(f"incoming/{name}/good.csv", CSV)
    found: list[dict] = []

    def all_there() -> bool:
        found.extend(stack.letters(stack.names.dlq("intake")))
        return {message["Body"] for message in found} >= set(BAD)

    wait_until(all_there, "every bad event in the intake DLQ", seconds=180)


def test_a_request_on_the_bus_starts_a_job_and_the_same_cause_finds_it(stack, name):
    key = put_unheard(stack, f"incoming/{name}/a.csv")[1]
    version = stack.s3.head_object(Bucket=stack.info.input_bucket, Key=key)["VersionId"]
    detail = {
        "bucket": stack.info.input_bucket, "key": key, "version_id": version, "cause": "monday", "queue": "priority",
    }  # fmt: skip
    for _ in range(2):
        answer = stack.clients["events"].put_events(
            Entries=[{
                "Source": "haulier", "DetailType": "Job Requested", "Detail": json.dumps(detail),
                "EventBusName": stack.names.bus,
            }]
        )  # fmt: skip
        assert answer["FailedEntryCount"] == 0
    jobs = wait_until(lambda: [j for j in stack.jobs_of(key) if j.cause == "monday"], "the requested job")
    job = stack.final(jobs[0].job_id)
    assert (job.status, job.queue, len(jobs)) == (JobState.SUCCEEDED, "priority", 1)


@pytest.mark.parametrize(("folder", "queue"), [("priority", "priority"), ("batch", "bulk"), ("x", "standard")])
def test_the_key_chooses_the_queue_where_the_dataset_is_silent(stack, name, folder, queue):
    assert stack.succeed(f"incoming/{name}/{folder}/a.csv", CSV).queue == queue

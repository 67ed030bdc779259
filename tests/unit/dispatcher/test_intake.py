import json
from typing import Any

import pytest

from haulier.contracts.ids import execution_name
from haulier.contracts.messages import decode_message
from haulier.contracts.run import RunPin
from haulier.contracts.states import JobState
from haulier.jobs.writes import job_becomes
from tests.unit.dispatcher.builders import (
    INPUT,
    MACHINE,
    NOW,
    TABLE,
    an_intake,
    created,
    failed,
    notified,
    records,
    requested,
)
from tests.unit.dispatcher.cloud import Cloud, Died

KEY = "incoming/a.csv"


def the_job(cloud: Cloud) -> dict[str, Any]:
    (job,) = cloud.rows("job")
    return job


def the_error(cloud: Cloud) -> dict[str, str]:
    job = the_job(cloud)
    assert job["status"] == "REJECTED"
    assert cloud.sent == []
    return json.loads(job["error"])


def test_a_small_object_is_queued_when_its_event_arrives() -> None:
    cloud = Cloud()
    etag = cloud.put(INPUT, KEY, b"a,b\n1,2\n")

    answer = an_intake(cloud).batch(records(created(KEY, etag=etag)))

    job = the_job(cloud)
    assert failed(answer) == []
    assert (job["status"], job["queue"], job["chunked"], job["dataset"]) == ("QUEUED", "standard", False, "default")
    (message,) = cloud.sent
    assert message["QueueUrl"] == "https://queue/standard"
    assert decode_message(message["MessageBody"]).job_id == job["job_id"]
    pin = RunPin.model_validate_json(cloud.rows("r0001")[0]["pin"])
    assert (pin.source.key, pin.source.size, pin.source.etag, pin.accepted_at_ms) == (KEY, 8, etag, NOW)


def test_a_large_object_starts_an_execution_when_its_event_arrives() -> None:
    cloud = Cloud()
    etag = cloud.put(INPUT, KEY, b"a,b\n1,2\n", size=10_000)

    an_intake(cloud, CHUNK_THRESHOLD_BYTES="8192", CHUNK_BYTES="4096").batch(records(created(KEY, etag=etag)))

    job = the_job(cloud)
    assert (job["status"], job["queue"], job["chunked"]) == ("QUEUED", "bulk", True)
    name = execution_name(job["job_id"], 1, NOW)
    assert list(cloud.executions) == [f"{MACHINE.replace(':stateMachine:', ':execution:')}:{name}"]
    assert cloud.sent == []


def test_one_job_is_made_when_its_event_arrives_in_two_envelopes() -> None:
    cloud = Cloud()
    etag = cloud.put(INPUT, KEY, b"x")
    native = {"Records": [notified(KEY, eTag=etag)]}
    sns = {"Type": "Notification", "Message": json.dumps(native)}

    an_intake(cloud).batch(records(created(KEY, etag=etag), sns, native))

    assert the_job(cloud)["status"] == "QUEUED"
    assert len(cloud.sent) == 1


@pytest.mark.parametrize(
    "event",
    [
        created("processed/a.csv"),
        created("incoming/folder/"),
        created("elsewhere/a.csv"),
        created("config/datasets/a.yaml"),
        created(KEY, bucket="another"),
    ],
)
def test_nothing_happens_when_an_event_is_not_about_input(event: Any) -> None:
    cloud = Cloud()

    assert failed(an_intake(cloud).batch(records(event))) == []
    assert cloud.calls == ["list_objects_v2"]


@pytest.mark.parametrize(("body", "size", "code"), [(b"", None, "empty"), (b"x", 2000, "too_large")])
def test_an_object_is_rejected_with_the_reason_when_it_is_not_admitted(
    body: bytes, size: int | None, code: str
) -> None:
    cloud = Cloud()
    etag = cloud.put(INPUT, KEY, body, size)

    an_intake(cloud, MAX_OBJECT_BYTES="1000").batch(records(created(KEY, etag=etag)))

    error = the_error(cloud)
    assert (error["stage"], error["code"]) == ("intake", code)
    assert KEY in error["message"]


@pytest.mark.parametrize("there", [True, False])
def test_a_job_is_superseded_when_its_object_is_another_or_gone(there: bool) -> None:
    cloud = Cloud()
    if there:
        cloud.put(INPUT, KEY, b"newer")

    assert failed(an_intake(cloud).batch(records(created(KEY, etag="older")))) == []

    error = the_error(cloud)
    assert error["code"] == "superseded"
    assert ("written again" if there else "deleted") in error["message"]


def test_the_older_event_is_superseded_when_events_arrive_out_of_order() -> None:
    cloud = Cloud()
    etag = cloud.put(INPUT, KEY, b"x")
    intake = an_intake(cloud)

    intake.batch(records(created(KEY, etag=etag, sequencer="0A")))
    intake.batch(records(created(KEY, etag=etag, sequencer="09")))
    intake.batch(records(created(KEY, etag=etag, sequencer="0A1")))

    states = sorted((job.get("sequencer", "-"), job["status"]) for job in cloud.rows("job"))
    assert states == [("-", "REJECTED"), ("0A", "QUEUED"), ("0A1", "QUEUED")]
    assert len(cloud.sent) == 2


def test_what_is_there_now_has_its_job_where_every_event_has_the_same_sequencer() -> None:
    """As LocalStack's have. The same bytes again are a duplicate for all that anybody can tell."""
    cloud = Cloud()
    intake = an_intake(cloud)
    older = cloud.put(INPUT, KEY, b"x")
    intake.batch(records(created(KEY, etag=older, **{"version-id": "1"})))
    newer = cloud.put(INPUT, KEY, b"y")

    intake.batch(records(created(KEY, etag=newer, **{"version-id": "2"})))
    intake.batch(records(created(KEY, etag=newer, **{"version-id": "3"})))

    assert sorted(job["status"] for job in cloud.rows("job")) == ["QUEUED", "QUEUED", "REJECTED"]
    assert {job["etag"] for job in cloud.rows("job") if job["status"] == "QUEUED"} == {older, newer}


def test_a_job_is_rejected_when_its_dataset_is_broken() -> None:
    cloud = Cloud()
    cloud.put(INPUT, "config/datasets/flights.yaml", b"match: [{prefix: incoming/}]\nqueue: slow\n")
    etag = cloud.put(INPUT, KEY, b"x")

    an_intake(cloud).batch(records(created(KEY, etag=etag)))

    error = the_error(cloud)
    assert error["code"] == "invalid_dataset"
    assert "flights: line 2: queue" in error["message"]
    assert the_job(cloud)["dataset"] == "flights"


def test_a_dataset_applies_when_it_was_put_before_the_object() -> None:
    cloud = Cloud()
    etag = cloud.put(INPUT, KEY, b"x")
    intake = an_intake(cloud)
    intake.batch(records(created("elsewhere/a")))
    cloud.put(INPUT, "config/datasets/flights.yaml", b"match: [{prefix: incoming/}]\nqueue: priority\n")

    intake.batch(records(created(KEY, etag=etag)))

    job = the_job(cloud)
    assert (job["dataset"], job["queue"]) == ("flights", "priority")


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"bucket": INPUT, "key": "gone.csv"}, "not_found"),
        ({"bucket": "another", "key": KEY}, "bucket_not_allowed"),
        ({"bucket": INPUT, "key": "processed/a.csv"}, "own_key"),
        ({"bucket": INPUT, "key": KEY, "dataset": "unheard-of"}, "unknown_dataset"),
    ],
)
def test_a_request_is_rejected_with_the_reason_when_it_cannot_be_met(request_: Any, code: str) -> None:
    cloud = Cloud()
    cloud.put(INPUT, KEY, b"x")

    assert failed(an_intake(cloud).batch(records(requested(**request_)))) == []

    assert the_error(cloud)["code"] == code


def test_a_request_makes_a_job_for_each_cause_when_it_names_any_key() -> None:
    cloud = Cloud()
    cloud.put(INPUT, "anywhere/a.csv", b"x")
    ask = {"bucket": INPUT, "key": "anywhere/a.csv", "queue": "bulk"}
    intake = an_intake(cloud)

    intake.batch(records(requested(**ask), requested(**ask), requested(**ask, cause="again")))

    assert [(job["status"], job["queue"]) for job in cloud.rows("job")] == [("QUEUED", "bulk")] * 2


def test_an_accepted_job_is_enqueued_when_a_request_names_it() -> None:
    cloud = Cloud()
    etag = cloud.put(INPUT, KEY, b"x")
    intake = an_intake(cloud)
    intake.batch(records(created(KEY, etag=etag)))
    job = the_job(cloud)["job_id"]
    cloud.perform(job_becomes(TABLE, job, 1, JobState.ACCEPTED, NOW, sources=(JobState.QUEUED,)))
    cloud.sent.clear()

    intake.batch(records(requested(job_id=job), requested(job_id=job)))

    assert len(cloud.sent) == 1
    assert the_job(cloud)["status"] == "QUEUED"


def test_only_the_bad_record_fails_when_a_batch_holds_one() -> None:
    cloud = Cloud()
    etag = cloud.put(INPUT, KEY, b"x")

    answer = an_intake(cloud).batch(records("not json", created(KEY, etag=etag), requested(job_id="j" + "a" * 26)))

    assert failed(answer) == ["m0", "m2"]
    assert the_job(cloud)["status"] == "QUEUED"


def test_a_bad_record_becomes_a_letter_when_there_is_a_queue_for_it() -> None:
    cloud = Cloud()
    etag = cloud.put(INPUT, KEY, b"x")
    mixed = {"Records": [notified(KEY, eTag=etag), {"eventSource": "aws:\ud800"}]}

    answer = an_intake(cloud, INTAKE_DLQ_URL="https://queue/dlq").batch(records("not json", mixed))

    assert failed(answer) == []
    letters = [sent for sent in cloud.sent if sent["QueueUrl"] == "https://queue/dlq"]
    assert [sent["MessageBody"] for sent in letters] == ["not json", json.dumps(mixed)]
    attributes = {name: value["StringValue"] for name, value in letters[0]["MessageAttributes"].items()}
    assert (attributes["error_type"], attributes["error_stage"]) == ("invalid_event", "intake")
    assert "not JSON" in attributes["error_message"]
    assert the_job(cloud)["status"] == "QUEUED"


def test_a_bad_record_comes_back_when_its_letter_cannot_be_sent() -> None:
    cloud = Cloud(broken={"send_message": TimeoutError("no answer")})

    assert failed(an_intake(cloud, INTAKE_DLQ_URL="https://queue/dlq").batch(records("not json"))) == ["m0"]


def test_a_record_comes_back_whole_when_one_of_its_arrivals_meets_an_accident() -> None:
    cloud = Cloud(broken={"head_object": TimeoutError("no answer")})

    answer = an_intake(cloud, INTAKE_DLQ_URL="https://queue/dlq").batch(
        records({"Records": [notified(KEY), {"eventSource": "aws:x"}]}, {"Event": "s3:TestEvent"})
    )

    assert failed(answer) == ["m0"]
    assert cloud.sent == []


def test_every_record_is_taken_in_when_threads_share_a_batch() -> None:
    cloud = Cloud()
    bodies = [created(f"incoming/{at}.csv", etag=cloud.put(INPUT, f"incoming/{at}.csv", b"x")) for at in range(10)]

    answer = an_intake(cloud, threads=4).batch(records(*bodies, "bad"))

    assert failed(answer) == ["m10"]
    assert [job["status"] for job in cloud.rows("job")] == ["QUEUED"] * 10


@pytest.mark.parametrize("size", [8, 10_000])
@pytest.mark.parametrize("moment", ["die_before", "die_after"])
def test_one_job_is_enqueued_at_least_once_when_intake_dies_at_any_call(moment: str, size: int) -> None:
    at = 0
    while True:
        cloud = Cloud()
        etag = cloud.put(INPUT, KEY, b"x", size=size)
        setattr(cloud, moment, at)
        event = records(created(KEY, etag=etag))
        try:
            an_intake(cloud, CHUNK_THRESHOLD_BYTES="8192").batch(event)
        except Died:
            pass
        else:
            break
        # The next delivery meets another process, later.
        assert failed(an_intake(cloud, CHUNK_THRESHOLD_BYTES="8192", now_ms=NOW + 360_000).batch(event)) == []
        job = the_job(cloud)
        assert job["status"] == "QUEUED"
        assert len(cloud.rows("r0001")) == 1
        handed_over = cloud.executions if size == 10_000 else cloud.sent
        assert len(handed_over) in ((1,) if size == 10_000 else (1, 2))
        at += 1
    assert at >= 5

import json
from typing import Any

import pytest

from haulier.contracts.events import JobChanged, JobError
from haulier.contracts.states import JobState
from haulier.jobs.attributes import encode_item
from tests.unit.dispatcher.builders import a_notifier, failed
from tests.unit.dispatcher.cloud import Cloud

JOB = "j" + "a" * 26


def a_job(state: str, **more: Any) -> dict[str, Any]:
    values = {
        "job_id": JOB, "sk": "job", "status": state, "run": 1, "dataset": "flights", "bucket": "b", "key": "k",
        "size": 3, "accepted_at_ms": 1, "updated_at": "2026-11-21T09:30:00.000Z", "queue": "standard",
        "created_at": "2026-11-21T09:30:00.000Z", "chunked": False, **more,
    }  # fmt: skip
    return encode_item(values)


def a_change(new: dict[str, Any], old: dict[str, Any] | None = None, number: str = "1") -> dict[str, Any]:
    keys = {name: new[name] for name in ("job_id", "sk")}
    images = {"NewImage": new} | ({"OldImage": old} if old else {})
    return {"eventName": "MODIFY" if old else "INSERT", "dynamodb": {"Keys": keys, "SequenceNumber": number, **images}}


def tell(cloud: Cloud, *changes: dict[str, Any]) -> list[str]:
    for change in changes:
        new = change["dynamodb"].get("NewImage")
        if new:
            cloud.items[new["job_id"]["S"], new["sk"]["S"]] = new
    return failed(a_notifier(cloud).batch(list(changes)))


def test_bus_queue_and_topic_are_told_when_a_job_succeeds() -> None:
    cloud = Cloud()
    new = a_job("SUCCEEDED", file_type="csv", read=3, written=2, rejected=1)

    assert tell(cloud, a_change(new, a_job("SEALED"))) == []

    (event,) = cloud.events
    assert (event["Source"], event["DetailType"], event["EventBusName"]) == ("haulier", "Job State Changed", "the-bus")
    told = JobChanged.model_validate_json(event["Detail"])
    assert (told.state, told.read, told.manifest) == (
        JobState.SUCCEEDED, 3, f"s3://the-output/processed/flights/{JOB}/run=1/_manifest.json",
    )  # fmt: skip
    (result,) = cloud.sent
    assert (result["MessageGroupId"], result["MessageDeduplicationId"]) == ("flights", f"{JOB}-r0001-SUCCEEDED")
    (message,) = cloud.published
    assert message["TopicArn"] == "arn:completed"
    assert {name: value["StringValue"] for name, value in message["MessageAttributes"].items()} == {
        "state": "SUCCEEDED",
        "dataset": "flights",
        "file_type": "csv",
        "environment": "test",
    }
    assert event["Detail"] == result["MessageBody"] == message["Message"]
    assert cloud.job(JOB)["announced"] == told.event_id


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED", "REJECTED"])
def test_the_failed_topic_is_told_when_a_job_ends_in_any_other_way(state: str) -> None:
    cloud = Cloud()
    error = JobError(stage="read", code="source_changed", message="m").to_json()

    tell(cloud, a_change(a_job(state, error=error), None if state == "REJECTED" else a_job("RUNNING")))

    assert [message["TopicArn"] for message in cloud.published] == ["arn:failed"]
    assert json.loads(cloud.sent[0]["MessageBody"])["error"]["code"] == "source_changed"


@pytest.mark.parametrize("state", ["ACCEPTED", "QUEUED", "RUNNING", "SEALED"])
def test_only_the_bus_is_told_when_a_job_is_on_its_way(state: str) -> None:
    cloud = Cloud()

    tell(cloud, a_change(a_job(state)))

    assert [json.loads(event["Detail"])["state"] for event in cloud.events] == [state]
    assert cloud.calls == ["put_events"]


@pytest.mark.parametrize(
    "change",
    [
        a_change(a_job("FAILED", announced="e"), a_job("FAILED")),
        a_change({"job_id": {"S": JOB}, "sk": {"S": "r0001"}}),
        a_change({"job_id": {"S": "object#1"}, "sk": {"S": "pointer"}}),
        {"eventName": "REMOVE", "dynamodb": {"Keys": {"sk": {"S": "job"}}, "SequenceNumber": "1", "OldImage": {}}},
    ],
)
def test_nobody_is_told_when_a_change_is_no_transition(change: dict[str, Any]) -> None:
    cloud = Cloud()

    assert tell(cloud, change) == []
    assert cloud.calls == []


def test_the_first_record_that_fails_is_named_and_the_rest_left_when_one_cannot_be_told() -> None:
    cloud = Cloud()
    broken = a_change({"job_id": {"S": JOB}, "sk": {"S": "job"}}, number="2")

    kept = tell(cloud, a_change(a_job("QUEUED"), number="1"), broken, a_change(a_job("RUNNING"), number="3"))

    assert kept == ["2"]
    assert [json.loads(event["Detail"])["state"] for event in cloud.events] == ["QUEUED"]


def test_a_record_comes_back_when_the_bus_refuses_the_event() -> None:
    cloud = Cloud()
    refused = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure", "ErrorMessage": "m"}]}
    cloud._events_put_events = lambda **_: refused  # type: ignore[method-assign]

    assert tell(cloud, a_change(a_job("SUCCEEDED"), a_job("SEALED"), "7")) == ["7"]
    assert cloud.published == []


def test_the_note_is_left_out_when_the_job_was_started_again() -> None:
    cloud = Cloud()
    change = a_change(a_job("FAILED"), a_job("RUNNING"))
    cloud.items[JOB, "job"] = a_job("ACCEPTED", run=2)

    assert failed(a_notifier(cloud).batch([change])) == []
    assert "announced" not in cloud.job(JOB)
    assert len(cloud.published) == 1

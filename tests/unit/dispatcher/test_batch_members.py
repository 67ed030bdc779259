"""What the function of batches does to members: admits, retries, refuses or stops them, whatever fails meanwhile."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from dispatcher import batch as module
from dispatcher.aws import BadRequest
from dispatcher.batch import GIVE_UP_ROUND
from dispatcher.membership import NotAdmitted
from haulier.contracts.limits import COUNT_ROUNDS
from haulier.contracts.states import JobState
from haulier.jobs.batch import get_batch
from haulier.jobs.calls import Call, drive
from haulier.jobs.verdicts import cancel, retry
from tests.unit.dispatcher.batching import (
    KEYS,
    admitted,
    asked,
    batcher,
    end_members,
    filled,
    groups_of,
    members,
    now,
    step,
)
from tests.unit.dispatcher.builders import NOW, TABLE
from tests.unit.dispatcher.cloud import Cloud


@pytest.fixture
def cloud() -> Cloud:
    return filled()


@pytest.fixture(autouse=True)
def _small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("haulier.jobs.listing.GROUP_MEMBERS", 2)
    monkeypatch.setattr("haulier.jobs.listing.LEAST_GROUP_MEMBERS", 1)


def test_a_count_admits_what_a_child_left_and_leaves_the_rest_for_the_next_call_when_time_is_short(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WINDOW_GROUPS", 1)
    job = asked(cloud, keys=KEYS)
    answer = step(cloud, job)
    answer = step(cloud, job, section=answer["section"])
    assert [one.key for one in members(cloud)] == KEYS[:2]
    end_members(cloud)
    answer = step(cloud, job, section=1, left_ms=10)
    assert (answer["verdict"], answer["wait"]) == ("wait", 1)
    assert len(members(cloud)) == 2
    for _ in range(3):
        answer = step(cloud, job, section=1)
        end_members(cloud)
    assert now(cloud, job).status is JobState.FAILED
    assert len(members(cloud)) == 5


def test_a_member_that_cannot_be_looked_at_keeps_no_other_and_is_refused_in_the_end(cloud: Cloud) -> None:
    def forbidden(call: Call) -> Any:
        if call.operation == "head_object" and call.params["Key"] == KEYS[0]:
            raise PermissionError("403")
        return cloud.perform(call)

    job = asked(cloud, keys=KEYS[:2])
    (group,) = groups_of(cloud, step(cloud, job))
    with pytest.raises(NotAdmitted, match="1 of 2 members"):
        step(cloud, job, perform=forbidden, **group)
    assert [one.key for one in members(cloud)] == [KEYS[1]]
    assert step(cloud, job, perform=forbidden, section=1)["verdict"] == "wait"
    step(cloud, job, perform=forbidden, section=1, round=GIVE_UP_ROUND)
    (refused,) = (one for one in members(cloud) if one.key == KEYS[0])
    assert refused.error is not None
    assert (refused.status, refused.error.code) == (JobState.REJECTED, "not_admitted")
    assert "PermissionError: 403" in refused.error.message


def test_a_member_is_never_refused_because_a_service_was_busy(cloud: Cloud) -> None:
    def busy(call: Call) -> Any:
        if call.operation == "head_object":
            raise ClientError({"Error": {"Code": "503"}, "ResponseMetadata": {"HTTPStatusCode": 503}}, "HeadObject")  # type: ignore[typeddict-item]
        return cloud.perform(call)

    job = asked(cloud, keys=KEYS[:2])
    step(cloud, job)
    for round_ in (GIVE_UP_ROUND, COUNT_ROUNDS - 2):
        assert step(cloud, job, perform=busy, section=1, round=round_)["verdict"] == "wait"
    assert not members(cloud)
    step(cloud, job, section=1, round=GIVE_UP_ROUND)
    assert {one.status for one in members(cloud)} == {JobState.QUEUED}


def test_a_key_that_s3_cannot_take_is_refused_at_once(cloud: Cloud) -> None:
    def strict(call: Call) -> Any:
        if call.operation == "head_object" and call.params["Key"] == "../a":
            raise BadRequest("no key")
        return cloud.perform(call)

    job = asked(cloud, keys=["../a", KEYS[0]])
    (group,) = groups_of(cloud, step(cloud, job))
    step(cloud, job, perform=strict, **group)
    assert {(one.key, one.status) for one in members(cloud)} == {
        ("../a", JobState.REJECTED),
        (KEYS[0], JobState.QUEUED),
    }


def test_a_member_that_another_call_has_retried_already_is_not_retried_again(cloud: Cloud) -> None:
    job, answer = admitted(cloud)
    end_members(cloud)
    step(cloud, job, section=answer["section"])
    drive(retry(TABLE, job.job_id, NOW), cloud.perform)
    batch = drive(get_batch(TABLE, job.job_id, 2), cloud.perform)
    assert batch is not None
    group = batcher(cloud).members
    (seen,) = group.look(batch, [KEYS])
    assert group.admit(batch, seen) == {"retry": 5}
    end_members(cloud)
    group.admit(batch, seen)
    assert {(one.run, one.status) for one in members(cloud)} == {(2, JobState.FAILED)}


def test_what_a_killed_call_admitted_of_a_cancelled_batch_stops_with_the_next_call(cloud: Cloud) -> None:
    job = asked(cloud, keys=KEYS[:2])
    (group,) = groups_of(cloud, step(cloud, job))
    batcher(cloud).answer({"job_id": job.job_id, "run": 1} | group, lambda: 900_000)
    drive(cancel(TABLE, job.job_id, NOW), cloud.perform)
    assert {one.status for one in members(cloud)} == {JobState.QUEUED}
    step(cloud, job, **group)
    assert {one.status for one in members(cloud)} == {JobState.CANCELLED}


def test_a_batch_cancelled_while_a_group_is_admitted_stops_that_group(cloud: Cloud) -> None:
    job = asked(cloud, keys=KEYS[:2])
    (group,) = groups_of(cloud, step(cloud, job))

    def cancelled_meanwhile(call: Call) -> Any:
        answer = cloud.perform(call)
        if call.operation == "transact_write_items" and now(cloud, job).status is JobState.RUNNING:
            drive(cancel(TABLE, job.job_id, NOW), cloud.perform)
        return answer

    step(cloud, job, perform=cancelled_meanwhile, **group)
    assert {one.status for one in members(cloud)} == {JobState.CANCELLED}
    step(cloud, job, **group)
    assert len(members(cloud)) == 2


def test_a_cancelled_batch_is_stopped_window_by_window(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WINDOW_GROUPS", 1)
    job, _ = admitted(cloud)
    drive(cancel(TABLE, job.job_id, NOW), cloud.perform)
    assert step(cloud, job, section=1, left_ms=10)["verdict"] == "wait"
    assert sorted(one.status for one in members(cloud)) == ["CANCELLED"] * 2 + ["QUEUED"] * 3
    assert now(cloud, job).stopped_at is None
    assert step(cloud, job, section=1)["verdict"] == "over"
    assert {one.status for one in members(cloud)} == {JobState.CANCELLED}
    assert now(cloud, job).stopped_at is not None
    calls = len(cloud.calls)
    assert step(cloud, job, section=1)["verdict"] == "over"
    assert cloud.calls[calls:] == ["get_item", "get_item", "query"]

"""An `Idempotency-Key` is one job, whoever sends it how often and wherever the function dies; batches; pages."""

import json
from typing import Any

import pytest

from haulier.contracts.ids import job_id as derived_id
from haulier.contracts.states import JobState
from haulier.jobs.attributes import encode_item
from haulier.jobs.idempotency import caller_of, key_id
from haulier.jobs.items import JobItem, status_shard
from haulier.jobs.times import iso
from tests.unit.dispatcher.asking import ROLE, an_api, ask
from tests.unit.dispatcher.builders import INPUT, NOW, a_janitor
from tests.unit.dispatcher.cloud import Cloud, Died
from tests.unit.dispatcher.versioned import Versioned

KEY = "incoming/a.csv"
BODY = {"key": KEY}
ANOTHER_SESSION = "arn:aws:sts::000000000000:assumed-role/loader/session-2"
ANOTHER_ROLE = "arn:aws:sts::000000000000:assumed-role/other/session-1"


def a_cloud() -> Cloud:
    cloud = Cloud()
    cloud.put(INPUT, KEY, b"a,b\n1,2\n")
    return cloud


def a_versioned_cloud() -> Versioned:
    cloud = Versioned()
    cloud.put(INPUT, KEY, b"a,b\n1,2\n")
    return cloud


def jobs(cloud: Cloud) -> list[dict[str, Any]]:
    return cloud.rows("job")


def test_a_request_sent_again_with_its_key_is_the_first_one_s_job() -> None:
    cloud = a_cloud()
    first = ask(an_api(cloud), "submitJob", body=BODY, key="k1")

    again = ask(an_api(cloud), "submitJob", body=json.dumps(BODY, indent=4), key="k1", caller=ANOTHER_SESSION)

    assert (first.status, again.status) == (202, 202)
    assert again.body["job_id"] == first.body["job_id"]
    assert (len(jobs(cloud)), len(cloud.sent)) == (1, 1)


def test_the_same_object_is_another_job_with_another_key_or_another_caller() -> None:
    cloud = a_cloud()
    asked = [("k1", ROLE), ("k2", ROLE), ("k1", ANOTHER_ROLE)]

    ids = {ask(an_api(cloud), "submitJob", body=BODY, key=key, caller=caller).body["job_id"] for key, caller in asked}

    assert len(ids) == len(jobs(cloud)) == 3


@pytest.mark.parametrize("other", [{"key": "incoming/b.csv"}, BODY | {"processing_type": "priority"}, {"keys": [KEY]}])
def test_another_body_with_a_key_that_came_before_is_a_conflict(other: dict[str, Any]) -> None:
    cloud = a_cloud()
    ask(an_api(cloud), "submitJob", body=BODY, key="k1")

    answer = ask(an_api(cloud), "submitJob", body=other, key="k1")

    assert (answer.status, answer.error["code"]) == (409, "idempotency_key_reused")
    assert len(jobs(cloud)) == 1


def test_a_key_keeps_its_job_when_the_object_was_written_again() -> None:
    cloud = a_cloud()
    first = ask(an_api(cloud), "submitJob", body=BODY, key="k1").body["job_id"]
    cloud.put(INPUT, KEY, b"newer")

    assert ask(an_api(cloud), "submitJob", body=BODY, key="k1").body["job_id"] == first
    assert len(jobs(cloud)) == 1


def test_a_refusal_is_answered_again_to_its_key() -> None:
    cloud = Cloud()
    first = ask(an_api(cloud), "submitJob", body=BODY, key="k1")
    cloud.put(INPUT, KEY, b"a\n1\n")

    again = ask(an_api(cloud), "submitJob", body=BODY, key="k1")

    assert (first.status, again.status) == (422, 422)
    assert again.error["job_id"] == first.error["job_id"]


@pytest.mark.parametrize("key", ["", " ", "two words", "ü", "k" * 129, "a\nb"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    cloud = a_cloud()

    answer = ask(an_api(cloud), "submitJob", body=BODY, key=key)

    assert (answer.status, list(answer.problems), cloud.items) == (400, ["Idempotency-Key"], {})


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("body", [BODY, {"keys": [KEY]}, {"prefix": "incoming/"}], ids=["key", "keys", "prefix"])
def test_one_job_is_handed_over_wherever_the_function_dies_and_the_request_comes_again(
    body: dict[str, Any], after: bool
) -> None:
    calls = a_cloud()
    ask(an_api(calls), "submitJob", body=body, key="k1")
    assert {"get_item", "put_item", "transact_write_items", "update_item"} <= set(calls.calls)
    for at in range(len(calls.calls)):
        cloud = a_cloud()
        cloud.die_after, cloud.die_before = (at, None) if after else (None, at)
        with pytest.raises(Died):
            ask(an_api(cloud), "submitJob", body=body, key="k1")
        cloud.die_after = cloud.die_before = None

        answer = ask(an_api(cloud), "submitJob", body=body, key="k1")

        (job,) = jobs(cloud)
        assert (answer.status, answer.body["job_id"], job["status"]) == (202, job["job_id"], "QUEUED"), at
        assert len(cloud.sent) + len(cloud.executions) >= 1


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_key_keeps_its_version_wherever_the_function_dies_and_the_object_is_written_again(after: bool) -> None:
    calls = a_versioned_cloud()
    ask(an_api(calls), "submitJob", body=BODY, key="k1")
    keys = 0
    for at in range(len(calls.calls)):
        cloud = a_versioned_cloud()
        cloud.die_after, cloud.die_before = (at, None) if after else (None, at)
        with pytest.raises(Died):
            ask(an_api(cloud), "submitJob", body=BODY, key="k1")
        cloud.die_after = cloud.die_before = None
        kept = cloud.items.get((key_id(caller_of(ROLE), "k1"), "key"))
        cloud.put(INPUT, KEY, b"newer")

        answer = ask(an_api(cloud), "submitJob", body=BODY, key="k1")

        (job,) = jobs(cloud)
        assert job["version_id"] == ("v1" if kept else "v2"), at
        assert answer.body["job_id"] == (kept["for_job"]["S"] if kept else job["job_id"]), at
        keys += kept is not None
    assert 0 < keys < len(calls.calls)


def test_the_job_of_a_request_nobody_sent_again_is_handed_over_by_the_janitor() -> None:
    cloud = a_cloud()
    cloud.broken["send_message"] = RuntimeError("SQS is not there")
    answers = [ask(an_api(cloud), "submitJob", body=BODY, key=key) for key in ("k1", None)]
    assert [(answer.status, answer.body["state"]) for answer in answers] == [(202, "ACCEPTED")] * 2
    cloud.broken.clear()

    later = NOW + 3_600_000
    a_janitor(cloud, later).round(lambda: 300_000)

    assert [job["status"] for job in jobs(cloud)] == ["QUEUED"] * 2


def test_a_retry_that_could_not_be_handed_over_is_accepted_and_taken_up_by_the_janitor() -> None:
    cloud = a_cloud()
    job_id = ask(an_api(cloud), "submitJob", body=BODY).body["job_id"]
    ask(an_api(cloud), "cancelJob", job_id=job_id)
    cloud.broken["send_message"] = RuntimeError("SQS is not there")
    assert ask(an_api(cloud), "retryJob", job_id=job_id).status == 202
    assert cloud.job(job_id)["status"] == "ACCEPTED"
    cloud.broken.clear()

    a_janitor(cloud, NOW + 3_600_000).round(lambda: 300_000)

    job = cloud.job(job_id)
    assert (job["run"], job["status"]) == (2, "QUEUED")


def test_a_list_is_a_batch_that_starts_its_machine() -> None:
    cloud = a_cloud()

    answer = ask(an_api(cloud), "submitJob", body={"keys": [KEY], "processing_type": "priority"})

    assert (answer.status, answer.body["operation"], answer.body["queue"]) == (202, "batch", "priority")
    assert len(cloud.executions) == 1
    shown = ask(an_api(cloud), "getJob", job_id=answer.body["job_id"]).body
    assert shown["members"] == {"listed": 0, "complete": False, "states": {}}
    assert "progress" not in shown


def test_a_batch_without_a_key_is_another_one_each_time_and_with_a_key_the_same() -> None:
    cloud = a_cloud()

    def submit(request_id: str, key: str | None) -> str:
        body = {"prefix": "incoming/"}
        return ask(an_api(cloud), "submitJob", body=body, key=key, request_id=request_id).body["job_id"]

    assert submit("r1", None) != submit("r2", None)
    assert submit("r3", "k1") == submit("r4", "k1")


def held(cloud: Cloud, at: int, state: JobState) -> str:
    """A job that changed at that moment."""
    job_id = derived_id(source={"n": str(len(cloud.items))}, operation="records", dataset="d", cause="")
    values = {
        "job_id": job_id, "sk": "job", "status": str(state), "status_shard": status_shard(state, job_id), "run": 1,
        "dataset": "d", "bucket": INPUT, "key": KEY, "size": 1, "accepted_at_ms": NOW, "updated_at": iso(NOW + at),
        "created_at": iso(NOW), "chunked": False, "queue": "standard",
    }  # fmt: skip
    JobItem.of(encode_item(values))
    cloud.items[job_id, "job"] = encode_item(values)
    return job_id


@pytest.mark.parametrize("limit", [1, 2, 7, 100])
@pytest.mark.parametrize("status", [None, JobState.FAILED])
def test_every_job_is_on_one_page_newest_first_though_many_changed_at_once(limit: int, status: JobState | None) -> None:
    cloud = Cloud()
    made = [
        (at // 9, held(cloud, at // 9, state), state)
        for at, state in enumerate([JobState.FAILED, JobState.SUCCEEDED, JobState.RUNNING] * 13)
    ]
    query = {"limit": str(limit)} | ({"status": str(status)} if status else {})
    found: list[dict[str, Any]] = []
    token = None
    while True:
        page = ask(an_api(cloud), "listJobs", query=query | ({"next_token": token} if token else {}))
        assert page.status == 200
        assert len(page.body["jobs"]) <= limit
        found += page.body["jobs"]
        token = page.body.get("next_token")
        if token is None:
            break
        assert len(page.body["jobs"]) == limit

    wanted = sorted(((at, job_id) for at, job_id, state in made if status in (None, state)), reverse=True)
    assert [job["job_id"] for job in found] == [job_id for _, job_id in wanted]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"status": "DONE"}, "status"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"next_token": "x"}, "next_token"),
        ({"next_token": "WyIiLCIyMDI2LTExLTIxIl0"}, "next_token"),
        ({"next_token": "WyIiLCJub3ciLCJqIl0"}, "next_token"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_query_is_told_by_its_field(query: dict[str, str], field: str) -> None:
    answer = ask(an_api(Cloud()), "listJobs", query=query)

    assert (answer.status, list(answer.problems)) == (400, [field])


def test_a_token_of_another_list_is_refused() -> None:
    cloud = Cloud()
    for at in range(3):
        held(cloud, at, JobState.FAILED)
    token = ask(an_api(cloud), "listJobs", query={"limit": "1", "status": "FAILED"}).body["next_token"]

    answer = ask(an_api(cloud), "listJobs", query={"next_token": token, "status": "RUNNING"})

    assert (answer.status, list(answer.problems)) == (400, ["next_token"])


def test_one_job_that_cannot_be_read_hides_no_other(capsys: pytest.CaptureFixture[str]) -> None:
    cloud = Cloud()
    good, bad = held(cloud, 1, JobState.FAILED), held(cloud, 2, JobState.FAILED)
    cloud.items[bad, "job"]["error"] = {"S": "{"}

    answer = ask(an_api(cloud), "listJobs")

    assert [job["job_id"] for job in answer.body["jobs"]] == [good]
    assert bad in capsys.readouterr().out

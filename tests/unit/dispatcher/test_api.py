"""The API's function: what it answers, and that nothing of its insides is in what it says."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from haulier.contracts.messages import decode_message
from haulier.contracts.states import JobState
from haulier.jobs.writes import job_becomes, update
from tests.unit.dispatcher.asking import an_api, ask, request
from tests.unit.dispatcher.builders import INPUT, NOW, OUTPUT, TABLE, committed, running
from tests.unit.dispatcher.cloud import Cloud

KEY = "incoming/a.csv"
UNKNOWN = "j" + "a" * 26


def a_cloud() -> Cloud:
    cloud = Cloud()
    cloud.put(INPUT, KEY, b"a,b\n1,2\n")
    return cloud


def submitted(cloud: Cloud, **body: Any) -> str:
    return ask(an_api(cloud), "submitJob", body={"key": KEY} | body).body["job_id"]


def ended(cloud: Cloud, job_id: str, state: JobState, run: int = 1) -> None:
    if state == JobState.SUCCEEDED:
        cloud.perform(job_becomes(TABLE, job_id, run, JobState.RUNNING, NOW))
        cloud.perform(job_becomes(TABLE, job_id, run, JobState.SEALED, NOW))
    cloud.perform(job_becomes(TABLE, job_id, run, state, NOW))


def test_a_job_is_queued_and_answered_when_an_object_is_submitted() -> None:
    cloud = a_cloud()

    answer = ask(an_api(cloud), "submitJob", body={"key": KEY, "processing_type": "priority"})

    (message,) = cloud.sent
    assert answer.status == 202
    assert message["QueueUrl"] == "https://queue/priority"
    assert decode_message(message["MessageBody"]).job_id == answer.body["job_id"]
    assert answer.headers["Location"] == f"jobs/{answer.body['job_id']}"
    assert (answer.body["state"], answer.body["bucket"], answer.body["key"]) == ("ACCEPTED", INPUT, KEY)


@pytest.mark.parametrize(
    ("asked", "queue"), [("standard", "standard"), ("priority", "priority"), ("batch", "bulk"), (None, "standard")]
)
def test_the_processing_type_chooses_the_queue(asked: str | None, queue: str) -> None:
    cloud = a_cloud()

    job_id = submitted(cloud, **({"processing_type": asked} if asked else {}))

    assert cloud.job(job_id)["queue"] == queue


def test_the_job_that_is_there_is_answered_when_an_object_is_submitted_twice() -> None:
    cloud = a_cloud()
    job_id = submitted(cloud)

    again = ask(an_api(cloud), "submitJob", body={"key": KEY})

    assert (again.status, again.body["job_id"]) == (202, job_id)
    ended(cloud, job_id, JobState.SUCCEEDED)
    over = ask(an_api(cloud), "submitJob", body={"key": KEY})
    assert (over.status, over.body["job_id"], over.body["state"]) == (200, job_id, "SUCCEEDED")
    assert len(cloud.sent) == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"key": "incoming/gone.csv"}, "not_found"),
        ({"key": KEY, "bucket": "another"}, "bucket_not_allowed"),
        ({"key": "processed/a.csv"}, "own_key"),
        ({"key": KEY, "dataset": "unheard-of"}, "unknown_dataset"),
        ({"key": "incoming/empty.csv"}, "empty"),
        ({"key": "incoming/picture.png"}, "unsupported_type"),
    ],
)
def test_a_refusal_names_the_rejected_job_and_its_reason(body: dict[str, Any], code: str) -> None:
    cloud = a_cloud()
    cloud.put(INPUT, "incoming/empty.csv", b"")
    cloud.put(INPUT, "incoming/picture.png", b"\x89PNG")

    answer = ask(an_api(cloud), "submitJob", body=body)

    job = cloud.job(answer.error["job_id"])
    assert (answer.status, answer.error["code"], job["status"]) == (422, code, "REJECTED")
    assert answer.error["message"] == json.loads(job["error"])["message"]


@pytest.mark.parametrize(
    ("body", "field", "told"),
    [
        (None, "body", "JSON"),
        ("", "body", "JSON"),
        ("{", "body", "JSON"),
        ("[]", "body", "object"),
        ({}, "body", "exactly one of key, keys, keys_object, prefix"),
        ({"key": KEY, "prefix": "incoming/"}, "body", "exactly one"),
        ({"prefix": "incoming/", "version_id": "v"}, "body", "version_id goes with key"),
        ({"key": ""}, "key", "1 to 1024 bytes"),
        ({"key": "ü" * 1000}, "key", "1024"),
        ({"key": "k" * 1025}, "key", "1024"),
        ({"key": 5}, "key", "string"),
        ({"keys": []}, "keys", "at least 1"),
        ({"keys": ["a", ""]}, "keys.1", "1 to 1024 bytes"),
        ({"key": KEY, "dataset": "No Name"}, "dataset", "pattern"),
        ({"key": KEY, "processing_type": "fast"}, "processing_type", "standard"),
        ({"key": KEY, "cause": "mine"}, "cause", "not permitted"),
    ],
)
def test_each_problem_of_a_wrong_body_is_told_by_its_field(body: Any, field: str, told: str) -> None:
    cloud = a_cloud()

    answer = ask(an_api(cloud), "submitJob", body=body)

    assert (answer.status, answer.error["code"]) == (400, "invalid_request")
    assert told in answer.problems[field]
    assert cloud.items == {}


def test_a_wrong_body_s_values_are_not_sent_back() -> None:
    answer = ask(an_api(a_cloud()), "submitJob", body={"key": KEY, "dataset": "S3CRET value"})

    assert "S3CRET" not in json.dumps(answer.body)


@pytest.mark.parametrize("route", ["getJob", "retryJob", "cancelJob"])
def test_an_unknown_job_is_not_found_and_an_id_that_is_none_is_refused(route: str) -> None:
    api = an_api(a_cloud())

    unknown, none = ask(api, route, job_id=UNKNOWN), ask(api, route, job_id="../jobs")

    assert (unknown.status, unknown.error["code"], unknown.error["job_id"]) == (404, "not_found", UNKNOWN)
    assert (none.status, list(none.problems)) == (400, ["job_id"])


def test_nobody_is_answered_who_did_not_sign() -> None:
    cloud = a_cloud()

    answer = ask(an_api(cloud), "submitJob", body={"key": KEY}, caller=None)

    assert (answer.status, answer.error["code"], cloud.calls) == (403, "forbidden", [])


@pytest.mark.parametrize(("checked", "status"), [("", 403), ("true", 403), ("false", 422)])
def test_whom_nobody_vouches_for_is_answered_only_where_the_emulator_cannot(checked: str, status: int) -> None:
    api = an_api(a_cloud(), API_CHECKS_CALLERS=checked)
    asked = request("submitJob", body={"key": "nothing/here.csv"}, caller=None)
    signed = {"authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/us-east-1/execute-api/aws4_request, x"}

    assert api.handle(asked)["statusCode"] == 403
    assert api.handle(asked | {"headers": {"Authorization": "Basic AKIDEXAMPLE"}})["statusCode"] == 403
    assert api.handle(asked | {"headers": signed})["statusCode"] == status


def test_what_goes_wrong_inside_is_for_the_logs_alone(capsys: pytest.CaptureFixture[str]) -> None:
    cloud = a_cloud()
    cloud.broken["get_item"] = ClientError(
        {"Error": {"Code": "AccessDeniedException", "Message": "arn:aws:iam::000000000000:role/secret-role"}}, "GetItem"
    )

    answer = ask(an_api(cloud), "getJob", job_id=UNKNOWN, request_id="the-request")

    assert (answer.status, answer.error["code"], answer.error["request_id"]) == (500, "internal", "the-request")
    assert "secret-role" not in json.dumps(answer.body)
    (line,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (line["event"], line["request_id"]) == ("api.failed", "the-request")
    assert "secret-role" in line["error"]


def test_no_body_and_no_key_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    ask(an_api(a_cloud()), "submitJob", body={"key": KEY, "dataset": "unheard-of"}, key="the-key")

    lines = [line for line in map(json.loads, capsys.readouterr().out.splitlines()) if line["event"].startswith("api.")]
    assert [line["event"] for line in lines] == ["api.declined"]
    assert not {"unheard-of", "the-key", KEY} & set(map(str, lines[0].values()))


def test_a_route_that_is_not_there_is_not_found() -> None:
    event = request("listJobs") | {"httpMethod": "DELETE"}

    assert an_api(a_cloud()).handle(event)["statusCode"] == 404


def test_a_base64_body_is_read_and_a_broken_one_refused() -> None:
    cloud = a_cloud()
    event = request("submitJob", body="eyJrZXkiOiAiaW5jb21pbmcvYS5jc3YifQ==") | {"isBase64Encoded": True}

    assert an_api(cloud).handle(event)["statusCode"] == 202
    assert an_api(cloud).handle(event | {"body": "%%"})["statusCode"] == 400


def test_a_running_job_s_detail_adds_up_what_its_chunks_report() -> None:
    cloud = a_cloud()
    job_id = submitted(cloud)
    running(cloud, job_id)
    committed(cloud, job_id, 0, 4, 8)

    shown = ask(an_api(cloud), "getJob", job_id=job_id)

    assert shown.status == 200
    assert shown.body["progress"] == {"bytes_done": 1, "bytes_total": 8, "chunks_done": 1, "chunks_total": 1}
    assert shown.body["counts"] == {"read": 1, "rejected": 0}
    assert "manifest" not in shown.body["results"]


def test_a_finished_job_s_detail_says_what_was_written_and_where() -> None:
    cloud = a_cloud()
    job_id = submitted(cloud)
    ended(cloud, job_id, JobState.SUCCEEDED)
    counts = {"read": 3, "written": 2, "rejected": 1, "filtered": 0, "chunks": 1}
    cloud.perform(update(TABLE, job_id, "job", sets=counts))
    reads = len(cloud.calls)

    shown = ask(an_api(cloud), "getJob", job_id=job_id).body

    assert shown["counts"] == {"read": 3, "written": 2, "rejected": 1, "filtered": 0}
    assert shown["results"] == {
        "outputs": f"s3://{OUTPUT}/processed/default/{job_id}/run=1/",
        "rejects": f"s3://{OUTPUT}/rejected/default/{job_id}/run=1/",
        "manifest": f"s3://{OUTPUT}/processed/default/{job_id}/run=1/_manifest.json",
    }
    assert cloud.calls[reads:] == ["get_item"]


def test_a_rejected_job_s_detail_says_why_and_has_no_results() -> None:
    cloud = a_cloud()
    job_id = ask(an_api(cloud), "submitJob", body={"key": "incoming/gone.csv"}).error["job_id"]

    shown = ask(an_api(cloud), "getJob", job_id=job_id).body

    assert (shown["state"], shown["error"]["code"]) == ("REJECTED", "not_found")
    assert "results" not in shown


def test_a_cancelled_job_is_answered_as_such_each_time_it_is_asked_for() -> None:
    cloud = a_cloud()
    job_id = submitted(cloud)

    answers = [ask(an_api(cloud), "cancelJob", job_id=job_id) for _ in range(2)]

    assert [(answer.status, answer.body["state"]) for answer in answers] == [(200, "CANCELLED")] * 2


def test_a_job_that_is_over_is_not_cancelled() -> None:
    cloud = a_cloud()
    job_id = submitted(cloud)
    ended(cloud, job_id, JobState.SUCCEEDED)

    answer = ask(an_api(cloud), "cancelJob", job_id=job_id)

    assert (answer.status, answer.error["code"], answer.error["job_id"]) == (409, "not_allowed", job_id)


def test_a_retry_is_the_next_run_with_the_dataset_as_it_is_now() -> None:
    cloud = a_cloud()
    cloud.put(INPUT, "config/datasets/flights.yaml", b"match: [{prefix: incoming/}]\nqueue: standard\n")
    job_id = submitted(cloud)
    ended(cloud, job_id, JobState.FAILED)
    cloud.put(INPUT, "config/datasets/flights.yaml", b"match: [{prefix: incoming/}]\nqueue: priority\n")

    answer = ask(an_api(cloud, now_ms=NOW + 1000), "retryJob", job_id=job_id)

    assert (answer.status, answer.body["run"], answer.body["state"]) == (202, 2, "ACCEPTED")
    assert [message["QueueUrl"] for message in cloud.sent] == ["https://queue/standard", "https://queue/priority"]


def test_a_retry_works_as_the_last_run_did_when_its_dataset_is_gone() -> None:
    cloud = a_cloud()
    cloud.put(INPUT, "config/datasets/flights.yaml", b"match: [{prefix: incoming/}]\nqueue: priority\n")
    job_id = submitted(cloud)
    ended(cloud, job_id, JobState.FAILED)
    del cloud.objects[INPUT, "config/datasets/flights.yaml"]

    assert ask(an_api(cloud), "retryJob", job_id=job_id).body["queue"] == "priority"


def test_a_retry_is_refused_while_its_dataset_is_broken_or_the_job_is_open() -> None:
    cloud = a_cloud()
    cloud.put(INPUT, "config/datasets/flights.yaml", b"match: [{prefix: incoming/}]\n")
    job_id = submitted(cloud)

    assert ask(an_api(cloud), "retryJob", job_id=job_id).error["code"] == "not_allowed"
    ended(cloud, job_id, JobState.FAILED)
    cloud.put(INPUT, "config/datasets/flights.yaml", b"match: [{prefix: incoming/}]\nqueue: fast\n")
    broken = ask(an_api(cloud), "retryJob", job_id=job_id)
    assert (broken.status, broken.error["code"]) == (409, "invalid_dataset")
    assert "line 2" in broken.error["message"]

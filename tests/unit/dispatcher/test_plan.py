import json
from typing import Any

import pytest

from haulier.contracts.keys import dataset_key, failed_key
from haulier.contracts.run import Plan
from haulier.contracts.states import JobState
from haulier.jobs.writes import job_becomes
from tests.unit.dispatcher.builders import (
    INPUT,
    NOW,
    OUTPUT,
    TABLE,
    a_chunked_job,
    a_planner,
    an_intake,
    committed,
    created,
    records,
    running,
)
from tests.unit.dispatcher.cloud import Cloud, Died

CSV = b"a,b\n" + b"11111,22222\n" * 1000
KEY = "incoming/large.csv"


def listed(cloud: Cloud, answer: dict[str, Any]) -> list[tuple[int, int]]:
    body = cloud.objects[answer["plan"]["bucket"], answer["plan"]["key"]].body
    return [(entry["chunk"], entry["round"]) for entry in json.loads(body)]


def ask(cloud: Cloud, job_id: str, run: int = 1) -> dict[str, Any]:
    answer = a_planner(cloud).answer({"job_id": job_id, "run": run, "execution": "e"})
    assert list(answer) == ["job_id", "run", "verdict", "plan", "queue_url", "group", "pass"]
    return answer


def the_plan(cloud: Cloud) -> Plan:
    return Plan.model_validate_json(cloud.rows("r0001")[0]["plan"])


def test_every_chunk_is_listed_when_a_run_is_planned() -> None:
    cloud = Cloud()
    job = a_chunked_job(cloud, CSV)

    answer = ask(cloud, job)

    assert answer == {
        "job_id": job,
        "run": 1,
        "verdict": "work",
        "plan": {"bucket": OUTPUT, "key": f"temp/{job}/r0001/plan-0000.json"},
        "queue_url": "https://queue/bulk",
        "group": "default",
        "pass": 0,
    }
    assert listed(cloud, answer) == [(0, 0), (1, 0), (2, 0)]
    plan = the_plan(cloud)
    assert (plan.size, plan.chunk_bytes, plan.chunks) == (len(CSV), 4096, 3)
    assert plan.reading is not None
    assert (plan.reading.columns, plan.reading.body_start) == (("a", "b"), 4)


def test_the_schema_is_pinned_in_the_plan_when_the_dataset_asks_for_it() -> None:
    cloud = Cloud()
    cloud.put(INPUT, dataset_key("default"), b"schema: {infer: true}\n")
    ask(cloud, a_chunked_job(cloud, CSV))
    reading = the_plan(cloud).reading
    assert reading is not None
    assert reading.inferred == {"a": "integer", "b": "integer"}
    assert reading.remarks[0].startswith("schema inferred from all")


@pytest.mark.parametrize("size", [5 * 10**9, 5 * 10**12])
def test_planning_costs_the_same_when_the_object_is_huge(size: int) -> None:
    cloud = Cloud()
    etag = cloud.put(INPUT, KEY, CSV, size=size)
    job = a_chunked_job_of(cloud, etag)
    cloud.calls.clear()

    ask(cloud, job)

    assert cloud.calls == ["get_item", "get_item", "get_object", "update_item", "put_object"]
    assert the_plan(cloud).chunks <= 10_000


def a_chunked_job_of(cloud: Cloud, etag: str) -> str:
    an_intake(cloud).batch(records(created(KEY, etag=etag)))
    (job,) = cloud.rows("job")
    return str(job["job_id"])


def test_an_object_is_one_chunk_when_its_content_is_compressed() -> None:
    cloud = Cloud()
    job = a_chunked_job(cloud, b"\x1f\x8b" + bytes(8000))

    assert listed(cloud, ask(cloud, job)) == [(0, 0)]
    assert the_plan(cloud).reading is None


@pytest.mark.parametrize(
    ("body", "code"), [(None, "source_gone"), (b"another", "source_changed"), (CSV[::-1], "source_changed")]
)
def test_the_job_fails_when_its_object_is_gone_or_changed(body: bytes | None, code: str) -> None:
    cloud = Cloud()
    job = a_chunked_job(cloud, CSV)
    del cloud.objects[INPUT, KEY]
    if body is not None:
        cloud.put(INPUT, KEY, body)

    answer = ask(cloud, job)

    assert (answer["verdict"], answer["plan"], answer["queue_url"]) == ("failed", {"bucket": "", "key": ""}, "")
    row = cloud.job(job)
    assert (row["status"], json.loads(row["error"])["code"], json.loads(row["error"])["stage"]) == (
        "FAILED",
        code,
        "plan",
    )
    assert (OUTPUT, failed_key("default", job, 1)) in cloud.objects


def test_the_job_fails_when_its_content_cannot_be_read() -> None:
    cloud = Cloud()
    job = a_chunked_job(cloud, b"7z\xbc\xaf\x27\x1c" + bytes(8000))

    assert ask(cloud, job)["verdict"] == "failed"
    assert json.loads(cloud.job(job)["error"])["code"] == "unsupported_content"


def test_a_short_read_is_an_accident_when_the_object_is_unchanged() -> None:
    cloud = Cloud()
    job = a_chunked_job(cloud, CSV)
    whole = cloud._s3_get_object
    cloud._s3_get_object = lambda **params: whole(**params) | {"Body": b"a,b"}  # type: ignore[method-assign]

    with pytest.raises(ConnectionError):
        ask(cloud, job)
    assert cloud.job(job)["status"] == "QUEUED"


def test_only_the_head_is_read_when_the_server_ignores_the_range() -> None:
    cloud = Cloud()
    job = a_chunked_job(cloud, CSV)
    cloud._s3_get_object = lambda **_: {"Body": CSV, "ContentLength": len(CSV)}  # type: ignore[method-assign]

    assert ask(cloud, job)["verdict"] == "work"


def test_what_is_missing_is_listed_when_the_run_was_planned_before() -> None:
    cloud = Cloud()
    job = a_chunked_job(cloud, CSV)
    ask(cloud, job)
    running(cloud, job)
    committed(cloud, job, 1, 4096, 8196)
    cloud.put(INPUT, KEY, b"changed since: nobody looks")

    assert listed(cloud, ask(cloud, job)) == [(0, 0), (2, 0)]


def test_a_committed_chunk_is_listed_when_nothing_is_missing() -> None:
    cloud = Cloud()
    job = a_chunked_job(cloud, CSV)
    ask(cloud, job)
    running(cloud, job)
    for chunk in range(3):
        committed(cloud, job, chunk, 0, 0)
    committed(cloud, job, 0, 0, 0, round_=1)

    assert listed(cloud, ask(cloud, job)) == [(0, 1)]


@pytest.mark.parametrize(("state", "run", "verdict"), [("CANCELLED", 1, "failed"), ("QUEUED", 2, "failed")])
def test_nothing_is_sent_when_the_job_is_over_or_in_another_run(state: str, run: int, verdict: str) -> None:
    cloud = Cloud()
    job = a_chunked_job(cloud, CSV)
    ask(cloud, job)
    if state == "CANCELLED":
        cloud.perform(job_becomes(TABLE, job, 1, JobState.CANCELLED, NOW))
    cloud.items[job, "r0002"] = cloud.items[job, "r0001"] | {"sk": {"S": "r0002"}}

    assert ask(cloud, job, run)["verdict"] == verdict


def test_an_unknown_job_is_an_error_when_it_is_to_be_planned() -> None:
    with pytest.raises(LookupError):
        ask(Cloud(), "j" + "a" * 26)


@pytest.mark.parametrize("moment", ["die_before", "die_after"])
def test_the_same_plan_is_listed_when_the_planner_dies_at_any_call(moment: str) -> None:
    for at in range(5):
        cloud = Cloud()
        job = a_chunked_job(cloud, CSV)
        cloud.calls.clear()
        setattr(cloud, moment, at)
        with pytest.raises(Died):
            ask(cloud, job)

        assert listed(cloud, ask(cloud, job)) == [(0, 0), (1, 0), (2, 0)]

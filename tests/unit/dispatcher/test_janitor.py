from typing import Any

import pytest

from dispatcher.janitor import NotMended
from dispatcher.watchlist import watchlist
from haulier.contracts.events import JobError
from haulier.contracts.keys import failed_key, plan_key, rejects_key, success_key
from haulier.contracts.messages import decode_message
from haulier.contracts.states import JobState
from haulier.jobs.attributes import encode
from haulier.jobs.calls import drive
from haulier.jobs.items import chunk_sk
from haulier.jobs.writes import job_becomes, update
from tests.unit.dispatcher.builders import (
    INPUT,
    NOW,
    OUTPUT,
    TABLE,
    a_chunked_job,
    a_janitor,
    a_planner,
    an_assembler,
    an_intake,
    committed,
    created,
    records,
    running,
)
from tests.unit.dispatcher.cloud import Cloud

CSV = b"a,b\n" + b"11111,22222\n" * 1000
MINUTE, HOUR = 60_000, 3_600_000
ATTEMPT = "f" * 32


def a_job(cloud: Cloud, state: JobState | None = None, at: int = NOW, name: str = "a") -> str:
    etag = cloud.put(INPUT, f"incoming/{name}.csv", b"x")
    before = {row["job_id"] for row in cloud.rows("job")}
    an_intake(cloud, now_ms=at).batch(records(created(f"incoming/{name}.csv", etag=etag)))
    (job,) = {row["job_id"] for row in cloud.rows("job")} - before
    cloud.sent.clear()
    if state is not None:
        cloud.perform(job_becomes(TABLE, job, 1, state, at, sources=list(JobState)))
    return str(job)


def look(cloud: Cloud, now_ms: int, left_ms: int = 300_000, **changes: str) -> dict[str, int]:
    return a_janitor(cloud, now_ms, **changes).round(lambda: left_ms)


def did(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if name not in ("watched", "failed")}


def test_an_accepted_job_is_enqueued_when_nobody_did() -> None:
    cloud = Cloud()
    job = a_job(cloud, JobState.ACCEPTED)

    assert did(look(cloud, NOW + 59_000)) == {}
    assert did(look(cloud, NOW + 61_000)) == {"enqueue": 1}
    assert cloud.job(job)["status"] == "QUEUED"
    assert len(cloud.sent) == 1


def test_a_queued_chunk_is_sent_again_when_nobody_ever_claimed_it() -> None:
    cloud = Cloud()
    job = a_job(cloud)

    assert did(look(cloud, NOW + 14 * MINUTE)) == {}
    assert did(look(cloud, NOW + 16 * MINUTE)) == {"sendagain": 1}
    assert did(look(cloud, NOW + 17 * MINUTE)) == {}
    message = decode_message(cloud.sent[0]["MessageBody"])
    assert (message.job_id, message.chunk, message.token) == (job, 0, None)


def test_a_held_chunk_is_left_alone_when_its_lease_lives() -> None:
    cloud = Cloud()
    job = a_job(cloud, JobState.RUNNING)
    lease = {"lease_attempt": ATTEMPT, "lease_until": NOW + 2 * HOUR, "attempts": 1}
    cloud.perform(update(TABLE, job, chunk_sk(1, 0, 0), sets=lease))

    assert did(look(cloud, NOW + HOUR)) == {}
    assert did(look(cloud, NOW + 3 * HOUR)) == {"sendagain": 1}


def test_a_committed_job_is_finished_when_its_worker_is_gone() -> None:
    cloud = Cloud()
    job = a_job(cloud, JobState.RUNNING)
    committed(cloud, job, 0, 0, 1)

    assert did(look(cloud, NOW + 2 * MINUTE)) == {"finish": 1}
    assert cloud.job(job)["status"] == "SUCCEEDED"
    assert (OUTPUT, success_key("default", job, 1)) in cloud.objects


@pytest.mark.parametrize("status", ["RUNNING", "PENDING_REDRIVE", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", None])
def test_an_execution_is_restarted_when_it_is_gone_and_the_job_is_not_over(status: str | None) -> None:
    cloud = Cloud()
    job = a_chunked_job(cloud, CSV)
    (arn,) = cloud.executions
    if status is None:
        cloud.executions.clear()
    else:
        cloud.executions[arn] = status

    lives = status in ("RUNNING", "PENDING_REDRIVE")
    assert did(look(cloud, NOW + 2 * MINUTE)) == ({} if lives else {"restart": 1})
    started = [name for name in cloud.executions if name.endswith("-1")]
    assert len(started) == (0 if lives else 1)
    assert cloud.job(job).get("restarts", 0) == (0 if lives else 1)


def test_a_chunked_job_is_finished_when_it_is_sealed() -> None:
    cloud = Cloud()
    job = a_chunked_job(cloud, CSV)
    a_planner(cloud).answer({"job_id": job, "run": 1})
    running(cloud, job)
    for chunk, link in enumerate([(4, 4096), (4096, 8200), (8200, len(CSV))]):
        committed(cloud, job, chunk, *link)
    cloud.perform(job_becomes(TABLE, job, 1, JobState.SEALED, NOW))

    assert did(look(cloud, NOW + 2 * MINUTE)) == {"finish": 1}
    assert cloud.job(job)["status"] == "SUCCEEDED"


def strays(cloud: Cloud, job: str, run: int = 1) -> list[str]:
    keys = [
        f"processed/default/{job}/run={run}/chunk-00000-{ATTEMPT}-0000.jsonl",
        rejects_key("default", job, run, chunk=0, attempt=ATTEMPT),
        plan_key(job, run, 0),
    ]
    for key in keys:
        cloud.put(OUTPUT, key, b"stray")
    return keys


def in_output(cloud: Cloud) -> list[str]:
    return [key for bucket, key in cloud.objects if bucket == OUTPUT]


@pytest.mark.parametrize(("state", "kept"), [(JobState.FAILED, [1]), (JobState.CANCELLED, [])])
def test_what_nobody_lists_is_deleted_once_when_a_job_ended_badly(state: JobState, kept: list[int]) -> None:
    cloud = Cloud()
    job = a_job(cloud, state)
    keys = strays(cloud, job)
    following = strays(cloud, job, run=2)
    cloud.uploads["u1"] = OUTPUT, keys[0]

    assert did(look(cloud, NOW + 2 * MINUTE)) == {"clean": 1}
    assert did(look(cloud, NOW + 3 * MINUTE)) == {}
    assert in_output(cloud) == [keys[at] for at in kept] + following
    assert cloud.uploads == {}


def test_what_the_manifest_lists_is_kept_when_a_job_succeeded() -> None:
    cloud = Cloud()
    job = a_job(cloud, JobState.RUNNING)
    output = committed(cloud, job, 0, 0, 1)
    look(cloud, NOW + 2 * MINUTE)
    before = in_output(cloud)
    strays(cloud, job)

    assert did(look(cloud, NOW + 4 * MINUTE)) == {"clean": 1}
    assert in_output(cloud) == before
    assert output in before


def test_nothing_is_deleted_when_a_manifest_is_missing() -> None:
    cloud = Cloud()
    job = a_job(cloud, JobState.SUCCEEDED)
    keys = strays(cloud, job)

    look(cloud, NOW + 2 * MINUTE)

    assert in_output(cloud) == keys[:2]
    assert "cleaned_at" in cloud.job(job)


def test_no_object_is_looked_at_when_a_rejected_job_is_cleaned() -> None:
    cloud = Cloud()
    job = a_job(cloud, JobState.REJECTED)
    cloud.calls.clear()

    assert did(look(cloud, NOW + 2 * MINUTE)) == {"clean": 1}
    assert set(cloud.calls) == {"query", "get_item", "update_item"}
    assert "cleaned_at" in cloud.job(job)


def test_a_job_is_not_cleaned_when_it_ended_long_ago() -> None:
    cloud = Cloud()
    a_job(cloud, JobState.FAILED)

    assert look(cloud, NOW + 7 * HOUR)["watched"] == 0


def test_a_run_retried_before_it_was_cleaned_is_cleaned_with_the_next() -> None:
    cloud = Cloud()
    job = a_job(cloud, JobState.FAILED)
    stray = f"processed/default/{job}/run=1/chunk-00000-{'a' * 32}-0000.jsonl"
    rejects = f"rejected/default/{job}/run=1/chunk-00000-{'a' * 32}.jsonl"
    cloud.put(OUTPUT, stray, b"x")
    cloud.put(OUTPUT, rejects, b"x")
    cloud.uploads["u"] = (OUTPUT, stray)
    cloud.items[job, "job"]["run"] = encode(2)

    look(cloud, NOW + 2 * MINUTE)

    assert (OUTPUT, stray) not in cloud.objects
    assert (OUTPUT, rejects) in cloud.objects
    assert not cloud.uploads


def test_the_record_of_a_failure_is_written_again_when_its_writer_died() -> None:
    cloud = Cloud()
    job = a_job(cloud, JobState.FAILED)
    reason = JobError(stage="read", code="source_gone", message="it is gone")
    cloud.items[job, "job"]["error"] = encode(reason.to_json())

    look(cloud, NOW + 2 * MINUTE)

    assert b"source_gone" in cloud.objects[OUTPUT, failed_key("default", job, 1)].body


def test_the_others_are_mended_and_an_error_is_raised_when_one_job_is_broken() -> None:
    cloud = Cloud()
    broken, good = (a_job(cloud, JobState.ACCEPTED, name=name) for name in ("broken", "good"))
    cloud.items[broken, "job"]["queue"] = encode("no such queue")

    with pytest.raises(NotMended, match=f"1 of 2 jobs could not be mended: {broken}"):
        look(cloud, NOW + 2 * MINUTE)
    assert cloud.job(good)["status"] == "QUEUED"


def test_the_others_are_mended_when_one_job_cannot_be_read() -> None:
    cloud = Cloud()
    broken, good = (a_job(cloud, JobState.ACCEPTED, name=name) for name in ("broken", "good"))
    cloud.items[broken, "job"]["error"] = encode('{"a newer": "release\'s"}')

    with pytest.raises(NotMended, match=f"1 of 2 jobs could not be mended: {broken}"):
        look(cloud, NOW + 2 * MINUTE)
    assert cloud.job(good)["status"] == "QUEUED"


@pytest.mark.parametrize(("report", "state"), [("?", "FAILED"), ('{"unheard": "of"}', "RUNNING")])
def test_a_job_fails_when_a_chunk_of_it_can_never_be_read(report: str, state: str) -> None:
    cloud = Cloud()
    job = a_job(cloud, JobState.RUNNING)
    committed(cloud, job, 0, 0, 1)
    cloud.items[job, chunk_sk(1, 0, 0)]["report"] = encode(report)

    if state == "FAILED":
        assert did(look(cloud, NOW + 2 * MINUTE)) == {"fail": 1}
        assert "report of" in cloud.job(job)["error"]
    else:  # a newer release's, which reads it
        with pytest.raises(NotMended):
            look(cloud, NOW + 2 * MINUTE)
    assert cloud.job(job)["status"] == state


def test_the_rest_is_left_to_the_next_minute_when_time_runs_out() -> None:
    cloud = Cloud()
    for name in ("a", "b", "c"):
        a_job(cloud, JobState.ACCEPTED, name=name)
    left = iter([300_000, 29_999])

    counts = a_janitor(cloud, NOW + 2 * MINUTE).round(lambda: next(left))

    assert did(counts) == {"enqueue": 1}


def test_the_quietest_jobs_come_first_when_there_are_more_than_one_call_looks_at(monkeypatch: Any) -> None:
    cloud = Cloud()
    ids = [a_job(cloud, JobState.RUNNING, at=NOW + at, name=str(at)) for at in range(30)]
    ended = a_job(cloud, JobState.FAILED, at=NOW, name="ended")
    monkeypatch.setattr("dispatcher.watchlist.OPEN_PER_SHARD", 2)

    found = drive(watchlist(TABLE, "by-status", NOW + HOUR, 900), cloud.perform)

    assert found[-1] == ended
    assert len(found) == 9
    assert found[:-1] == sorted(found[:-1], key=ids.index)
    assert ids[0] in found


def test_cleaned_jobs_do_not_hide_the_others_when_there_are_many(monkeypatch: Any) -> None:
    cloud = Cloud()
    for at in range(20):
        job = a_job(cloud, JobState.FAILED, at=NOW + at, name=str(at))
        cloud.items[job, "job"]["cleaned_at"] = encode("2026-11-21T09:30:00.000Z")
        cloud.items[job, "job"]["announced"] = encode(f"{job}-r0001-FAILED")
    late = a_job(cloud, JobState.FAILED, at=NOW + 100, name="late")
    monkeypatch.setattr("dispatcher.watchlist.ENDED_PER_SHARD", 2)

    assert drive(watchlist(TABLE, "by-status", NOW + HOUR, 900), cloud.perform) == [late]


def test_an_end_nobody_told_of_is_asked_to_be_told_once_a_round() -> None:
    cloud = Cloud()
    job = a_job(cloud, JobState.FAILED, at=NOW)
    look(cloud, NOW + MINUTE + 1)
    assert "announce_again" not in cloud.job(job)
    look(cloud, NOW + 10 * MINUTE)
    asked = cloud.job(job)["announce_again"]
    look(cloud, NOW + 11 * MINUTE)
    again = cloud.job(job)["announce_again"]
    assert again > asked
    cloud.items[job, "job"]["announced"] = encode(f"{job}-r0001-FAILED")
    look(cloud, NOW + 12 * MINUTE)
    assert cloud.job(job)["announce_again"] == again


def test_a_run_reaches_its_end_when_its_first_execution_was_lost() -> None:
    cloud = Cloud()
    job = a_chunked_job(cloud, CSV)
    cloud.executions.clear()
    look(cloud, NOW + 2 * MINUTE)
    assert len(cloud.executions) == 1

    assert a_planner(cloud).answer({"job_id": job, "run": 1})["verdict"] == "work"
    running(cloud, job)
    for chunk, link in enumerate([(4, 4096), (4096, 8200), (8200, len(CSV))]):
        committed(cloud, job, chunk, *link)
    assert an_assembler(cloud).answer({"job_id": job, "run": 1, "pass": 0})["verdict"] == "done"

import gzip
import json
from typing import Any

import pytest

from dispatcher.archive import Archive, NotArchived
from dispatcher.settings import ArchiveSettings, read
from haulier.contracts.states import JobState
from haulier.jobs import archival
from haulier.jobs.archival import Partition, horizon
from haulier.jobs.attributes import encode_item
from haulier.jobs.bookmark import move_mark
from haulier.jobs.calls import Call
from haulier.jobs.items import JOB_SK, JobItem, chunk_sk, run_sk, status_shard
from haulier.jobs.times import iso, parse_iso
from tests.unit.dispatcher.builders import NOW, OUTPUT, TABLE, an_environment
from tests.unit.dispatcher.cloud import Cloud, Died

DAY = 86_400_000
PLENTY = 900_000
OLD = parse_iso("2026-08-01T10:00:00.000Z")
"""112 days before NOW."""


def an_archive(cloud: Cloud, perform: Any = None) -> Archive:
    return Archive(read(ArchiveSettings, an_environment()), perform or cloud.perform, lambda: NOW, threads=1)


def archive(cloud: Cloud, left_ms: int = PLENTY) -> dict[str, Any]:
    return an_archive(cloud).round(lambda: left_ms)


def job_id(number: int) -> str:
    return "j" + "".join(chr(ord("a") + int(digit)) for digit in f"{number:026d}")


def a_job(
    cloud: Cloud, number: int, *, at: int = OLD, status: JobState = JobState.SUCCEEDED, chunks: int = 1, **more: Any
) -> str:
    job = job_id(number)
    put(
        cloud, job, JOB_SK, status=str(status), status_shard=status_shard(status, job), run=1, dataset="orders",
        bucket="in", key=f"incoming/{number}.csv", size=number, accepted_at_ms=at, updated_at=iso(at),
        created_at=iso(at), chunked=chunks > 1, queue="standard", **more,
    )  # fmt: skip
    put(cloud, job, run_sk(1), pin='{"schema_version":1}')
    for chunk in range(chunks):
        put(cloud, job, chunk_sk(1, chunk, 0), report='{"read":1}', attempts=1)
    return job


def put(cloud: Cloud, job: str, sk: str, **values: Any) -> None:
    cloud.items[job, sk] = encode_item({"job_id": job, "sk": sk, **values})


def files(cloud: Cloud) -> dict[str, list[dict[str, Any]]]:
    """Key → lines."""
    found = {key: stored.body for (bucket, key), stored in cloud.objects.items() if bucket == OUTPUT}
    return {key: [json.loads(line) for line in gzip.decompress(body).splitlines()] for key, body in found.items()}


def archived(cloud: Cloud) -> list[tuple[str, str]]:
    """(job, sort key) of every line of every file."""
    return sorted((line["job_id"], line["sk"]) for lines in files(cloud).values() for line in lines)


def of(cloud: Cloud, *jobs: str) -> list[tuple[str, str]]:
    return sorted(key for key in cloud.items if key[0] in jobs)


def test_every_item_of_an_old_job_is_archived_as_the_table_has_it() -> None:
    cloud = Cloud()
    job = a_job(cloud, 7, chunks=3, remarks=["odd"], written=12)

    answer = archive(cloud)

    (key,) = files(cloud)
    shard = status_shard(JobState.SUCCEEDED, job).replace("#", "-")
    assert key == f"archive/jobs/day=2026-08-01/{shard}-100000000-{job}-0000.jsonl.gz"
    lines = {line["sk"]: line for line in files(cloud)[key]}
    assert JobItem.of(encode_item(lines[JOB_SK])) == JobItem.of(cloud.items[job, JOB_SK])
    assert {sk: encode_item(line) for sk, line in lines.items()} == {sk: cloud.items[job, sk] for sk in lines}
    size = len(cloud.objects[OUTPUT, key].body)
    assert answer == {"files": 1, "jobs": 1, "records": 5, "bytes": size, "complete": True}


def test_only_what_ended_long_ago_is_archived_and_only_once() -> None:
    cloud = Cloud()
    ended = [
        a_job(cloud, number, status=status, at=OLD + number * DAY)
        for number, status in enumerate(
            (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED, JobState.REJECTED, JobState.SUCCEEDED)
        )
    ]
    a_job(cloud, 20, status=JobState.RUNNING)
    a_job(cloud, 21, at=NOW - 89 * DAY)
    put(cloud, "object#1", "pointer", etag="e")

    assert archive(cloud)["jobs"] == 5
    assert archived(cloud) == of(cloud, *ended)
    assert len(files(cloud)) == 5

    before = dict(cloud.objects)
    assert archive(cloud) == {"files": 0, "jobs": 0, "records": 0, "bytes": 0, "complete": True}
    assert cloud.objects == before


def test_a_day_is_archived_whole_when_it_is_over_and_old_enough() -> None:
    assert iso(horizon(NOW, 90)) == "2026-08-23T00:00:00.000Z"
    assert horizon(horizon(NOW, 90), 0) == horizon(NOW, 90)


def same_shard(cloud: Cloud, count: int, at: Any) -> list[str]:
    """Jobs that all lie in one partition; `at` says when each ended."""
    found = [number for number in range(200) if status_shard(JobState.FAILED, job_id(number)).endswith("#0")][:count]
    return [a_job(cloud, number, status=JobState.FAILED, at=at(place)) for place, number in enumerate(found)]


def test_a_file_ends_where_it_is_full_but_never_between_jobs_of_one_millisecond(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(archival, "FILE_JOBS", 2)
    cloud = Cloud()
    jobs = same_shard(cloud, 7, at=lambda place: OLD + (1 if 1 <= place < 4 else place))

    assert archive(cloud)["jobs"] == 7
    assert archived(cloud) == of(cloud, *jobs)
    assert sorted(len({line["job_id"] for line in lines}) for lines in files(cloud).values()) == [1, 2, 4]


def test_a_file_holds_one_day() -> None:
    cloud = Cloud()
    jobs = same_shard(cloud, 6, at=lambda place: OLD + place * DAY // 2)

    assert archive(cloud)["files"] == 3
    assert archived(cloud) == of(cloud, *jobs)
    for key, lines in files(cloud).items():
        assert {line["updated_at"][:10] for line in lines if line["sk"] == JOB_SK} == {key[17:27]}


def test_a_job_whose_records_fill_a_file_goes_on_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archival, "FILE_BYTES", 1)
    cloud = Cloud()
    jobs = same_shard(cloud, 2, at=lambda place: OLD + place)

    assert archive(cloud)["jobs"] == 2
    assert archived(cloud) == of(cloud, *jobs)
    assert len(files(cloud)) > 2


def test_a_job_that_ends_again_is_archived_again() -> None:
    cloud = Cloud()
    a_job(cloud, 1)
    archive(cloud)
    again = a_job(cloud, 1, at=OLD + 5 * DAY)

    assert archive(cloud)["jobs"] == 1
    assert archived(cloud) == sorted([*of(cloud, again), *of(cloud, again)])


def test_what_this_release_does_not_know_is_archived_with_its_type() -> None:
    cloud = Cloud()
    job = a_job(cloud, 1)
    cloud.items[job, JOB_SK] |= {"labels": {"SS": ["x"]}, "digest": {"B": b"\xff"}, "digests": {"BS": [b"a", b"b"]}}
    archive(cloud)
    (line,) = (line for lines in files(cloud).values() for line in lines if line["sk"] == JOB_SK)
    assert line["labels"] == {"SS": ["x"]}
    assert (line["digest"], line["digests"]) == ({"B": "/w=="}, {"BS": ["YQ==", "Yg=="]})


def test_a_job_that_expires_while_it_is_archived_is_kept_as_the_index_has_it() -> None:
    cloud = Cloud()
    job = a_job(cloud, 1)

    def perform(call: Call) -> Any:
        if call.operation == "query" and "IndexName" not in call.params:
            return {"Items": []}
        return cloud.perform(call)

    an_archive(cloud, perform).round(lambda: PLENTY)
    assert archived(cloud) == [(job, JOB_SK)]


def test_a_job_of_more_items_than_a_page_is_archived_whole() -> None:
    cloud = Cloud()
    job = a_job(cloud, 1, chunks=7)

    def perform(call: Call) -> Any:
        answer = cloud.perform(call)
        if call.operation != "query" or "IndexName" in call.params:
            return answer
        start = int(call.params.get("ExclusiveStartKey", {"at": {"N": "0"}})["at"]["N"])
        more = {"LastEvaluatedKey": {"at": {"N": str(start + 2)}}} if start + 2 < len(answer["Items"]) else {}
        return {"Items": answer["Items"][start : start + 2]} | more

    assert an_archive(cloud, perform).round(lambda: PLENTY)["records"] == 9
    assert archived(cloud) == of(cloud, job)


def test_a_partition_that_fails_does_not_keep_the_others_from_being_archived() -> None:
    cloud = Cloud()
    kept, lost = a_job(cloud, 1), a_job(cloud, 2, status=JobState.FAILED)

    def perform(call: Call) -> Any:
        if call.operation == "put_object" and "/FAILED-" in call.params["Key"]:
            raise RuntimeError("SlowDown")
        return cloud.perform(call)

    with pytest.raises(NotArchived, match="1 of 16"):
        an_archive(cloud, perform).round(lambda: PLENTY)
    assert archived(cloud) == of(cloud, kept)
    archive(cloud)
    assert archived(cloud) == of(cloud, kept, lost)


def test_a_call_without_time_says_that_something_may_be_left() -> None:
    cloud = Cloud()
    a_job(cloud, 1)
    assert not archive(cloud, left_ms=1000)["complete"]
    assert not files(cloud)


def test_a_longer_wait_than_before_finds_nothing_to_do() -> None:
    """The mark is younger than what is old enough now."""
    cloud = Cloud()
    a_job(cloud, 1, at=NOW - 40 * DAY)
    settings = read(ArchiveSettings, an_environment(ARCHIVE_AFTER_DAYS="30"))
    assert Archive(settings, cloud.perform, lambda: NOW, threads=1).round(lambda: PLENTY)["jobs"] == 1
    assert archive(cloud) == {"files": 0, "jobs": 0, "records": 0, "bytes": 0, "complete": True}


def test_the_last_millisecond_of_the_last_day_is_no_obstacle() -> None:
    cloud = Cloud()
    a_job(cloud, 1, at=horizon(NOW, 90) - 1)
    assert archive(cloud)["jobs"] == 1
    assert archive(cloud)["jobs"] == 0


@pytest.mark.parametrize(("days", "late"), [(112, False), (114, True)])
def test_an_archival_that_is_too_far_behind_is_a_failure(
    days: int, late: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that Lambda calls again at once, and an alarm tells before the table forgets."""
    monkeypatch.setattr(archival, "FILE_JOBS", 1)
    cloud = Cloud()
    jobs = same_shard(cloud, 3, at=lambda place: NOW - days * DAY + place)
    left = iter([PLENTY, 0, 0])

    if late:
        with pytest.raises(NotArchived, match="more often"):
            an_archive(cloud).round(lambda: next(left))
    else:
        assert not an_archive(cloud).round(lambda: next(left))["complete"]
    assert archive(cloud)["complete"]
    assert archived(cloud) == of(cloud, *jobs)


def test_a_call_that_another_one_overtook_leaves_the_rest_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archival, "FILE_JOBS", 1)
    cloud = Cloud()
    jobs = same_shard(cloud, 3, at=lambda place: OLD + place)
    ahead = iso(OLD + 1)

    def perform(call: Call) -> Any:
        answer = cloud.perform(call)
        if call.operation == "put_object":
            cloud.perform(move_mark(TABLE, Partition(JobState.FAILED, 0).mark, ahead, NOW))
        return answer

    assert an_archive(cloud, perform).round(lambda: PLENTY)["jobs"] == 1
    assert archive(cloud)["jobs"] == 1
    assert archived(cloud) == of(cloud, jobs[0], jobs[2])


@pytest.mark.parametrize("moment", ["die_before", "die_after"])
def test_an_archival_that_dies_anywhere_loses_nothing_and_writes_nothing_twice(
    moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archival, "FILE_JOBS", 2)

    def a_cloud() -> Cloud:
        cloud = Cloud()
        same_shard(cloud, 5, at=lambda place: OLD + place)
        a_job(cloud, 900, chunks=2)
        return cloud

    undisturbed = a_cloud()
    archive(undisturbed)
    calls = len(undisturbed.calls)
    assert calls > 30
    for at in range(calls):
        cloud = a_cloud()
        setattr(cloud, moment, at)
        with pytest.raises(Died):
            archive(cloud)
        archive(cloud)
        assert files(cloud) == files(undisturbed), at
        assert cloud.items == undisturbed.items

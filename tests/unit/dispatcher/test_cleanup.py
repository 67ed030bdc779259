from datetime import timedelta
from typing import Any

import pytest

from dispatcher.cleanup import Cleanup
from dispatcher.settings import CleanupSettings, read
from haulier.contracts.keys import output_key, plan_key, rejects_key
from haulier.jobs.attributes import encode_item
from haulier.jobs.items import JOB_SK
from haulier.jobs.times import iso
from tests.unit.dispatcher.builders import NOW, OUTPUT, an_environment
from tests.unit.dispatcher.cloud import WRITTEN, Cloud, Died

HOUR = 3_600_000
PLENTY = 900_000
ATTEMPT = "f" * 32
DATASET = "orders"


def a_cleanup(cloud: Cloud) -> Cleanup:
    return Cleanup(read(CleanupSettings, an_environment()), cloud.perform, lambda: NOW)


def sweep(cloud: Cloud, left_ms: int = PLENTY) -> dict[str, Any]:
    return a_cleanup(cloud).round(lambda: left_ms)


def job_id(letter: str) -> str:
    return "j" + letter * 26


def a_job(cloud: Cloud, letter: str, status: str, *, run: int = 1, ago_ms: int = HOUR) -> str:
    job = job_id(letter)
    item = {"job_id": job, "sk": JOB_SK, "status": status, "run": run, "updated_at": iso(NOW - ago_ms)}
    cloud.items[job, JOB_SK] = encode_item(item)
    return job


def a_plan(cloud: Cloud, job: str, run: int = 1, days: int = 0) -> str:
    key = plan_key(job, run, 0)
    cloud.put(OUTPUT, key, b"[]", written=WRITTEN - timedelta(days=days))
    return key


def an_upload(cloud: Cloud, job: str, run: int = 1, days: int = 0, *, rejects: bool = False) -> str:
    upload = f"u{len(cloud.begun)}"
    key = output_key(DATASET, job, run, chunk=0, attempt=ATTEMPT, number=0, suffix=".jsonl")
    if rejects:
        key = rejects_key(DATASET, job, run, chunk=0, attempt=ATTEMPT)
    cloud.uploads[upload] = OUTPUT, key
    cloud.begun[upload] = WRITTEN - timedelta(days=days)
    return upload


def plans(cloud: Cloud) -> set[str]:
    return {key for _, key in cloud.objects}


def test_what_ended_jobs_left_goes_and_what_open_ones_need_stays() -> None:
    cloud = Cloud()
    over, open_, unknown = a_job(cloud, "a", "FAILED"), a_job(cloud, "b", "RUNNING", run=2), job_id("c")
    a_plan(cloud, over)
    a_plan(cloud, open_, run=1)
    a_plan(cloud, unknown, days=31)
    stays = {a_plan(cloud, open_, run=2, days=100), a_plan(cloud, unknown, run=2, days=29)}
    an_upload(cloud, over, days=1)
    an_upload(cloud, over, rejects=True)
    kept = an_upload(cloud, open_, run=2, days=29)

    assert sweep(cloud) == {"looked_at": 8, "deleted": 3, "aborted": 2, "complete": True}
    assert plans(cloud) == stays
    assert set(cloud.uploads) == {kept}


def test_results_and_keys_that_are_none_of_ours_are_not_touched() -> None:
    cloud = Cloud()
    job = a_job(cloud, "a", "SUCCEEDED")
    result = output_key(DATASET, job, 1, chunk=0, attempt=ATTEMPT, number=0, suffix=".jsonl")
    for key in (result, "temp/notes.txt", "elsewhere/x"):
        cloud.put(OUTPUT, key, b"x", written=WRITTEN - timedelta(days=400))
    cloud.uploads["mine"] = OUTPUT, "backups/huge.bin"
    cloud.uploads["odd"] = OUTPUT, "processed/by-hand.bin"

    sweep(cloud)

    assert plans(cloud) == {result, "temp/notes.txt", "elsewhere/x"}
    assert set(cloud.uploads) == {"mine", "odd"}


@pytest.mark.parametrize(
    "damage", [{"status": "PAUSED"}, {"run": None}, {"updated_at": None}, {"updated_at": "yesterday"}]
)
def test_a_job_this_release_cannot_read_counts_as_open(damage: dict[str, Any]) -> None:
    cloud = Cloud()
    job = a_job(cloud, "a", "FAILED")
    item = {"job_id": job, "sk": JOB_SK, "status": "FAILED", "run": 1, "updated_at": iso(NOW - HOUR)} | damage
    cloud.items[job, JOB_SK] = encode_item(item)
    key = a_plan(cloud, job)

    sweep(cloud)

    assert plans(cloud) == {key}


def test_every_page_of_a_long_listing_is_gone_through() -> None:
    cloud = Cloud(page=2)
    over, open_ = a_job(cloud, "a", "CANCELLED", run=9), a_job(cloud, "b", "RUNNING", run=9)
    for run in range(1, 8):
        a_plan(cloud, over, run)
        an_upload(cloud, over, run)
        an_upload(cloud, over, run, rejects=True)
    stays = a_plan(cloud, open_, run=9)

    assert sweep(cloud) == {"looked_at": 22, "deleted": 7, "aborted": 14, "complete": True}
    assert plans(cloud) == {stays}
    assert not cloud.uploads


def test_a_round_that_runs_out_of_time_goes_on_where_it_stopped() -> None:
    cloud = Cloud(page=2)
    open_, over = a_job(cloud, "a", "RUNNING", run=9), a_job(cloud, "b", "FAILED", run=9)
    stays = {a_plan(cloud, open_, run=9, days=run) for run in range(3)}
    for run in range(1, 6):
        a_plan(cloud, over, run)
        an_upload(cloud, over, run)

    answers = [sweep(cloud, left_ms=0)]
    while not answers[-1]["complete"]:
        answers.append(sweep(cloud, left_ms=0))

    assert len(answers) > 4
    assert sum(answer["deleted"] for answer in answers) == sum(answer["aborted"] for answer in answers) == 5
    assert plans(cloud) == stays
    # The next round begins anew.
    a_plan(cloud, over)
    assert sweep(cloud)["deleted"] == 1


def test_a_round_that_fails_goes_on_at_the_page_it_failed_at() -> None:
    """Else a bucket that is longer than a call would be looked through from its beginning again and again."""
    cloud = Cloud(page=2)
    open_, over = a_job(cloud, "a", "RUNNING", run=9), a_job(cloud, "b", "FAILED", run=9)
    for run in range(4):
        a_plan(cloud, open_, run=9 + run)
    an_upload(cloud, over)
    cloud.broken["abort_multipart_upload"] = RuntimeError("AccessDenied")
    with pytest.raises(RuntimeError, match="AccessDenied"):
        sweep(cloud)
    cloud.broken.clear()

    assert sweep(cloud) == {"looked_at": 1, "deleted": 0, "aborted": 1, "complete": True}


@pytest.mark.parametrize("moment", ["die_before", "die_after"])
def test_a_clean_up_that_dies_anywhere_is_finished_by_the_next(moment: str) -> None:
    def a_cloud() -> Cloud:
        cloud = Cloud(page=2)
        over, open_ = a_job(cloud, "a", "FAILED", run=9), a_job(cloud, "b", "RUNNING", run=9)
        for run in range(1, 5):
            a_plan(cloud, over, run)
            an_upload(cloud, over, run)
        a_plan(cloud, open_, run=9)
        return cloud

    undisturbed = a_cloud()
    sweep(undisturbed)
    calls = len(undisturbed.calls)
    assert calls > 12
    for at in range(calls):
        cloud = a_cloud()
        setattr(cloud, moment, at)
        with pytest.raises(Died):
            sweep(cloud)
        assert sweep(cloud)["complete"]
        assert plans(cloud) == plans(undisturbed)
        assert not cloud.uploads
        assert cloud.items == undisturbed.items, at

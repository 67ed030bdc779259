"""What the functions write for CloudWatch to make metrics of."""

import json
from typing import Any

import pytest

from dispatcher.janitor import NotMended
from haulier.contracts.metrics import FUNCTION_METRICS, NAMESPACE
from haulier.contracts.states import JobState
from haulier.jobs.writes import job_becomes
from tests.unit.dispatcher.builders import NOW, TABLE, a_janitor, a_notifier, an_intake, created, records
from tests.unit.dispatcher.cloud import Cloud
from tests.unit.dispatcher.test_notify import JOB, a_change, a_job

HOUR = 3_600_000
ENDS = ("JobsSucceeded", "JobsFailed", "JobsRejected", "JobsCancelled")


def measured(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The lines CloudWatch would make metrics of."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines if "_aws" in line]


def tell(new: dict[str, Any], old: dict[str, Any] | None = None) -> None:
    cloud = Cloud()
    cloud.items[JOB, "job"] = new
    assert a_notifier(cloud).batch([a_change(new, old)]) == {"batchItemFailures": []}


@pytest.mark.parametrize(
    ("state", "counted"),
    [
        ("SUCCEEDED", "JobsSucceeded"),
        ("FAILED", "JobsFailed"),
        ("REJECTED", "JobsRejected"),
        ("CANCELLED", "JobsCancelled"),
    ],
)
def test_a_run_that_is_over_is_counted_as_what_it_became(
    capsys: pytest.CaptureFixture[str], state: str, counted: str
) -> None:
    tell(a_job(state), a_job("RUNNING"))

    (line,) = measured(capsys)
    assert {name: line[name] for name in ENDS} == {name: int(name == counted) for name in ENDS}
    assert (line["job_id"], line["run"], line["state"], line["Environment"]) == (JOB, 1, state, "test")


def test_a_run_is_counted_where_it_ended_with_its_dataset_and_how_long_it_took(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended = {"updated_at": "2026-11-21T09:30:07.000Z", "finished_at": "2026-11-21T09:30:05.000Z"}
    tell(a_job("SUCCEEDED", read=200, rejected=3, accepted_at_ms=1_795_253_400_000, **ended), a_job("SEALED"))

    (line,) = measured(capsys)
    assert (line["RecordsRead"], line["RecordsRejected"], line["RejectRatio"]) == (200, 3, 1.5)
    assert (line["Dataset"], line["JobDuration"]) == ("flights", 5000)
    assert line["_aws"]["Timestamp"] == 1_795_253_407_000
    of_dataset = next(d for d in line["_aws"]["CloudWatchMetrics"] if "Dataset" in d["Dimensions"][0])
    assert [metric["Name"] for metric in of_dataset["Metrics"]] == ["RecordsRead", "RecordsRejected", "RejectRatio"]


def test_no_records_are_told_of_a_run_that_was_never_judged(capsys: pytest.CaptureFixture[str]) -> None:
    tell(a_job("FAILED"), a_job("RUNNING"))

    (line,) = measured(capsys)
    assert not {"RecordsRead", "RejectRatio", "Dataset"} & set(line)


def test_a_run_without_records_has_no_rejects(capsys: pytest.CaptureFixture[str]) -> None:
    tell(a_job("SUCCEEDED", read=0, rejected=0), a_job("SEALED"))

    assert measured(capsys)[0]["RejectRatio"] == 0


def test_nothing_is_counted_when_a_job_is_on_its_way(capsys: pytest.CaptureFixture[str]) -> None:
    tell(a_job("RUNNING"), a_job("QUEUED"))

    assert measured(capsys) == []


def test_a_batch_is_counted_by_its_members_alone(capsys: pytest.CaptureFixture[str]) -> None:
    tell(a_job("SUCCEEDED", operation="batch", read=200, rejected=3), a_job("SEALED", operation="batch"))

    assert measured(capsys) == []


def test_nothing_is_counted_when_an_end_could_not_be_told(capsys: pytest.CaptureFixture[str]) -> None:
    cloud = Cloud()
    cloud.broken["publish"] = RuntimeError("no")

    assert a_notifier(cloud).batch([a_change(a_job("FAILED"), a_job("RUNNING"))])["batchItemFailures"]
    assert measured(capsys) == []


def a_running_job(cloud: Cloud, name: str) -> None:
    etag = cloud.put("the-input", f"incoming/{name}.csv", b"x")
    an_intake(cloud).batch(records(created(f"incoming/{name}.csv", etag=etag)))
    for row in cloud.rows("job"):
        cloud.perform(job_becomes(TABLE, row["job_id"], 1, JobState.RUNNING, NOW, sources=list(JobState)))


def test_the_janitor_tells_how_many_jobs_it_looked_at_and_how_many_stand_still(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cloud = Cloud()
    a_running_job(cloud, "a")
    a_janitor(cloud, NOW + 5 * HOUR).round(lambda: 300_000)
    a_janitor(cloud, NOW + 7 * HOUR).round(lambda: 300_000)
    a_janitor(cloud, NOW + 7 * HOUR, STALLED_AFTER_SECONDS="30000").round(lambda: 300_000)

    lines = measured(capsys)
    assert [(line["JobsWatched"], line["JobsStalled"], line["JobsNotMended"]) for line in lines] == [
        (1, 0, 0), (1, 1, 0), (1, 0, 0),
    ]  # fmt: skip
    assert {line["Environment"] for line in lines} == {"test"}


def test_the_janitor_s_round_is_measured_when_a_job_could_not_be_mended(capsys: pytest.CaptureFixture[str]) -> None:
    cloud = Cloud()
    a_running_job(cloud, "a")
    cloud.broken["send_message"] = RuntimeError("no")

    with pytest.raises(NotMended):
        a_janitor(cloud, NOW + HOUR).round(lambda: 300_000)
    assert measured(capsys)[0]["JobsNotMended"] == 1


def test_everything_the_functions_are_said_to_measure_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    tell(a_job("SUCCEEDED", read=1, rejected=0), a_job("SEALED"))
    a_janitor(Cloud(), NOW).round(lambda: 300_000)

    directives = [one for line in measured(capsys) for one in line["_aws"]["CloudWatchMetrics"]]
    assert {one["Namespace"] for one in directives} == {NAMESPACE}
    assert {metric["Name"] for one in directives for metric in one["Metrics"]} == {m.name for m in FUNCTION_METRICS}

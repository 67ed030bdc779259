"""The report of a day: what is read, what is written and told, and that a second call repeats it to the byte."""

import json
from datetime import UTC, date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dispatcher.quality import Forgotten, NotOver, Reporter, asked_day, zone_of
from dispatcher.report_text import ANOMALIES_TOLD, message, subject
from dispatcher.settings import QualitySettings, SettingsError, read
from haulier.contracts.keys import is_own, quality_key
from haulier.contracts.quality import Figures, QualityReport
from haulier.jobs.attributes import encode
from haulier.jobs.times import parse_iso
from tests.fakes.ended import DAY, ended
from tests.unit.dispatcher.builders import OUTPUT, an_environment
from tests.unit.dispatcher.cloud import Cloud

TWO_OCLOCK = parse_iso("2026-11-21T02:00:00Z")
TOPIC = "arn:aws:sns:eu-west-1:000000000000:haulier-test-quality"
LAST = date.fromisoformat(DAY)


def a_reporter(cloud: Cloud, now_ms: int = TWO_OCLOCK, **changes: str) -> Reporter:
    settings = read(QualitySettings, an_environment(QUALITY_TOPIC_ARN=TOPIC, **changes))
    return Reporter(settings, cloud.ask, lambda: now_ms, "eu-west-1")


def happened(cloud: Cloud, *items: dict[str, Any]) -> None:
    for item in items:
        cloud.items[item["job_id"]["S"], item["sk"]["S"]] = item


def stored(cloud: Cloud, day: str = DAY) -> QualityReport:
    return QualityReport.of(cloud.objects[OUTPUT, quality_key(day)].body)


def usual_days(cloud: Cloud, days: int, rejects: int = 1) -> None:
    """Reports of the days before, made by the code itself: ten jobs of 100 records, of which some were rejected."""
    for ago in range(days, 0, -1):
        day = (LAST - timedelta(days=ago)).isoformat()
        for at in range(10):
            more = {"read": 100, "written": 99, "rejected": rejects + (ago + at) % 2, "input_bytes": 1000 + ago}
            happened(cloud, ended(f"{day}-{at}", at=f"{day}T{at:02d}:00:00.000Z", **more))
        a_reporter(cloud).report({"day": day})
    cloud.published.clear()
    cloud.calls.clear()


def test_the_report_lies_in_the_output_bucket_as_json_and_as_a_page_and_the_topic_is_told() -> None:
    cloud = Cloud()
    happened(cloud, ended("a", read=10, written=9, rejected=1), ended("b", state="FAILED", code="source_gone"))

    assert a_reporter(cloud).report({}) == {"day": DAY, "jobs": 2, "anomalies": 0}

    assert sorted(key for _, key in cloud.objects) == [f"reports/quality/{DAY}.html", f"reports/quality/{DAY}.json"]
    report = stored(cloud)
    assert (report.environment, report.day, report.timezone) == ("test", DAY, "UTC")
    assert report.totals.failures == {"source_gone": 1}
    assert cloud.objects[OUTPUT, quality_key(DAY, ".html")].body.startswith(b"<!doctype html>")
    (told,) = cloud.published
    assert told["TopicArn"] == TOPIC
    assert told["Subject"] == f"Haulier test, {DAY}: nothing unusual"
    assert f"s3://{OUTPUT}/reports/quality/{DAY}.html" in told["Message"]
    assert {name: value["StringValue"] for name, value in told["MessageAttributes"].items()} == {
        "anomalies": "false",
        "environment": "test",
    }


def test_nothing_is_changed_but_the_two_objects() -> None:
    cloud = Cloud()
    happened(cloud, ended("a"))
    before = dict(cloud.items)
    a_reporter(cloud).report({})
    assert cloud.items == before
    assert set(cloud.calls) == {"query", "list_objects_v2", "put_object", "publish"}


def test_an_event_for_a_report_never_starts_a_job() -> None:
    assert is_own(quality_key(DAY))


def test_a_second_call_writes_the_same_bytes() -> None:
    cloud = Cloud()
    usual_days(cloud, 8)
    happened(cloud, *(ended(f"j{at}", read=100, rejected=40, reject_codes={"b": 1, "a": 2}) for at in range(9)))
    a_reporter(cloud).report({})
    first = {key: stored.body for key, stored in cloud.objects.items()}
    for item in cloud.items.values():
        item["announced"] = encode("later notes change nothing")
    a_reporter(cloud, TWO_OCLOCK + 3_600_000).report({})
    assert {key: stored.body for key, stored in cloud.objects.items()} == first
    assert cloud.published[0] == cloud.published[1]


def test_what_is_unlike_the_last_seven_days_is_told() -> None:
    cloud = Cloud()
    usual_days(cloud, 7)
    happened(cloud, *(ended(f"j{at}", read=100, written=60, rejected=40, input_bytes=1004) for at in range(10)))

    assert a_reporter(cloud).report({})["anomalies"] == 1

    (one,) = stored(cloud).anomalies
    assert (one.dataset, one.figure, one.direction) == ("flights", "reject_ratio", "above")
    (told,) = cloud.published
    assert told["Subject"] == f"Haulier test, {DAY}: 1 anomaly"
    assert told["MessageAttributes"]["anomalies"]["StringValue"] == "true"
    assert one.told in told["Message"]
    assert one.advice in told["Message"]


def test_nothing_is_told_of_a_dataset_that_is_six_days_old() -> None:
    cloud = Cloud()
    usual_days(cloud, 6)
    happened(cloud, *(ended(f"j{at}", read=100, rejected=90) for at in range(100)))
    assert a_reporter(cloud).report({})["anomalies"] == 0


def test_a_missing_day_is_named_and_an_older_one_takes_its_place() -> None:
    cloud = Cloud()
    usual_days(cloud, 8)
    missing = (LAST - timedelta(days=3)).isoformat()
    del cloud.objects[OUTPUT, quality_key(missing)]
    happened(cloud, *(ended(f"j{at}", read=100, written=60, rejected=40, input_bytes=1004) for at in range(10)))
    assert a_reporter(cloud).report({})["anomalies"] == 1
    assert missing in stored(cloud).missing_days
    del cloud.objects[OUTPUT, quality_key((LAST - timedelta(days=4)).isoformat())]
    assert a_reporter(cloud).report({})["anomalies"] == 0


@pytest.mark.parametrize("body", [b"", b"{", b'{"version": 2}', b"\xff"])
def test_a_former_report_that_cannot_be_read_counts_as_missing(body: bytes) -> None:
    cloud = Cloud()
    usual_days(cloud, 3)
    damaged = (LAST - timedelta(days=2)).isoformat()
    cloud.put(OUTPUT, quality_key(damaged), body)
    a_reporter(cloud).report({})
    assert stored(cloud).missing_days[-1] == damaged


def test_a_dataset_that_fell_silent_is_told_of() -> None:
    cloud = Cloud()
    usual_days(cloud, 8)
    assert a_reporter(cloud).report({}) == {"day": DAY, "jobs": 0, "anomalies": 1}
    (one,) = stored(cloud).anomalies
    assert one.told == "0 jobs instead of 10 (none at all); each of the 7 days before had the same"


def test_a_hundred_thousand_jobs_are_only_added_up() -> None:
    """Here five thousand, in pages of a thousand; what is held of each is its duration."""
    cloud = Cloud()
    happened(cloud, *(ended(f"j{at}", dataset=f"d{at % 3}", read=2, written=2, took_ms=at) for at in range(5000)))
    assert a_reporter(cloud).report({})["jobs"] == 5000
    report = stored(cloud)
    assert (report.totals.read, [len(entry.slowest) for entry in report.datasets]) == (10_000, [5, 5, 5])
    assert cloud.calls.count("query") >= 16


@pytest.mark.parametrize(
    ("event", "day"),
    [
        ({"day": "2026-03-01"}, "2026-03-01"),
        ({"scheduled_at": "2026-11-20T02:00:00Z"}, "2026-11-19"),
        ({"scheduled_at": "<aws.scheduler.scheduled-time>"}, "2026-11-20"),
        ({}, "2026-11-20"),
    ],
)
def test_a_late_call_makes_the_report_it_was_scheduled_for(event: dict[str, str], day: str) -> None:
    assert asked_day(event, TWO_OCLOCK, UTC).isoformat() == day


def test_a_day_is_one_of_the_zone() -> None:
    cloud = Cloud()
    happened(cloud, ended("a", at="2026-11-20T04:00:00.000Z"), ended("b", at="2026-11-19T06:00:00.000Z"))
    in_new_york = a_reporter(cloud, parse_iso("2026-11-20T07:00:00Z"), QUALITY_TIMEZONE="America/New_York")
    assert in_new_york.report({}) == {"day": "2026-11-19", "jobs": 2, "anomalies": 0}
    assert stored(cloud, "2026-11-19").since == "2026-11-19T05:00:00.000Z"


def test_a_day_that_is_not_over_is_refused() -> None:
    cloud = Cloud()
    with pytest.raises(NotOver, match="2026-11-21 is not over in UTC"):
        a_reporter(cloud).report({"day": "2026-11-21"})
    assert cloud.calls == []


def test_a_day_the_table_has_forgotten_is_refused() -> None:
    """Made now, its report would say that nothing happened, in the place of the one that was made then."""
    cloud = Cloud()
    cloud.put(OUTPUT, quality_key("2026-07-23"), b"then")
    with pytest.raises(Forgotten, match="2026-07-23 is more than 120 days ago"):
        a_reporter(cloud).report({"day": "2026-07-23"})
    assert cloud.calls == []
    assert a_reporter(cloud).report({"day": "2026-07-25"})["jobs"] == 0


def test_a_day_that_is_no_date_is_refused() -> None:
    with pytest.raises(ValueError, match="yesterday"):
        a_reporter(Cloud()).report({"day": "yesterday"})


def test_a_zone_nobody_knows_is_told_as_a_setting() -> None:
    assert zone_of("UTC") is UTC
    assert zone_of("Europe/Berlin") == ZoneInfo("Europe/Berlin")
    for name in ("Mars/Olympus", "../etc/passwd", "/etc/localtime"):
        with pytest.raises(SettingsError, match="not a time zone"):
            zone_of(name)


def a_report(anomalies: int = 0, **more: Any) -> QualityReport:
    cloud = Cloud()
    usual_days(cloud, 8)
    a_reporter(cloud).report({})
    report = stored(cloud)
    return report.model_copy(update={"anomalies": report.anomalies[:1] * anomalies, **more})


def test_a_message_is_short_and_a_subject_a_line_of_ascii() -> None:
    report = a_report(anomalies=500, environment="e" * 16)
    assert len(subject(report)) <= 100
    assert subject(report).isascii()
    told = message(report, "b" * 63, "eu-west-1")
    assert told.count("* flights") == ANOMALIES_TOLD
    assert f"* and {500 - ANOMALIES_TOLD} more" in told
    assert len(told.encode()) < 16_000


def test_a_message_says_what_failed_and_where_the_report_lies() -> None:
    totals = Figures(jobs=4, states={"FAILED": 1, "SUCCEEDED": 3}, failure_ratio=0.25, failures={"source_gone": 1})
    told = message(a_report(totals=totals, unreadable_jobs=2), OUTPUT, "eu-west-1")
    assert "4 ended (1 FAILED, 3 SUCCEEDED)" in told
    assert "25.00 % of the jobs; source_gone 1" in told
    assert "2 job records could not be read" in told
    assert "https://eu-west-1.console.aws.amazon.com/s3/object/the-output?region=eu-west-1&prefix=reports%2F" in told
    assert f"haulier --env test quality --day {DAY}" in told
    assert "console" not in message(a_report(), OUTPUT, "cn-north-1").lower()


def test_the_json_is_one_object_on_one_line() -> None:
    cloud = Cloud()
    a_reporter(cloud).report({})
    body = cloud.objects[OUTPUT, quality_key(DAY)].body
    assert body.count(b"\n") == 1
    assert json.loads(body)["version"] == 1

"""Handler of the daily schedule: yesterday's quality report, to S3 as JSON and as a page, and to a topic.

The same records and the same former reports give the same bytes, so a call may be made again at any time. The order is
JSON, page, topic: who dies between two of them is repaired by the next call for the same day, which Lambda makes by
itself after an error (twice), and which anybody can make by hand: `{"day": "2026-11-20"}`. Subscribers may therefore be
told of a day more than once, and never of a report that is not there.
"""

import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from dispatcher import aws, log
from dispatcher.report_page import page
from dispatcher.report_text import message, subject
from dispatcher.settings import QualitySettings, SettingsError, read
from haulier.contracts.keys import QUALITY_PREFIX, quality_key
from haulier.contracts.limits import JOB_TTL_SECONDS
from haulier.contracts.quality import Figures, QualityReport
from haulier.jobs.anomalies import LOOKBACK_DAYS, Past
from haulier.jobs.calls import drive
from haulier.jobs.quality import Day, Tally, compose, ended_jobs, yesterday
from haulier.jobs.times import parse_iso


class NotOver(Exception):
    """The day that was asked for is not over; its report would change."""


class Forgotten(Exception):
    """The day lies so far back that the table has forgotten jobs of it: a report made now would say too little, and
    would take the place of the one that may be there.
    """


@dataclass(frozen=True)
class Reporter:
    """What the report is made with.

    Attributes:
        settings: of the function.
        ask: makes one request of any service.
        now_ms: milliseconds since the epoch.
        region: where the buckets lie; for the link to the console.
    """

    settings: QualitySettings
    ask: aws.Ask
    now_ms: Callable[[], int]
    region: str = ""

    def report(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Makes and publishes the report of a day; returns what was found, in short.

        Raises:
            NotOver: the day is not over.
            Forgotten: its records are gone.
            ValueError: `day` is no date.
        """
        zone = zone_of(self.settings.timezone)
        day = Day.of(asked_day(event, self.now_ms(), zone), zone)
        if day.until_ms > self.now_ms():
            raise NotOver(f"{day.name} is not over in {self.settings.timezone}: ask again when it is")
        if day.since_ms < self.now_ms() - JOB_TTL_SECONDS * 1000:
            raise Forgotten(f"{day.name} is more than {JOB_TTL_SECONDS // 86_400} days ago: the table has forgotten it")
        report = self._composed(day)
        self._publish(report)
        told = {"day": day.name, "jobs": report.totals.jobs, "anomalies": len(report.anomalies)}
        log.info("quality.reported", **told, unreadable=report.unreadable_jobs or None)
        return told

    def _composed(self, day: Day) -> QualityReport:
        settings, tally = self.settings, Tally(day)
        jobs = ended_jobs(settings.table, settings.status_index, day, tally.add)
        drive(jobs, lambda call: self.ask(call.service, call.operation, call.params))
        return compose(settings.environment, day, settings.timezone, tally, self._past(day))

    def _past(self, day: Day) -> list[Past]:
        """The days of the look-back, oldest first."""
        first = date.fromisoformat(day.name) - timedelta(days=LOOKBACK_DAYS)
        names = [(first + timedelta(days=at)).isoformat() for at in range(LOOKBACK_DAYS)]
        stored = self._stored(names)
        return [Past(name, self._figures(quality_key(name)) if name in stored else None) for name in names]

    def _stored(self, names: list[str]) -> set[str]:
        """Those of the days that have a report. Listed first: a missing object is told as 403 to who may not list all
        of the bucket, and then a gap could not be told from a missing right.
        """
        # The listing begins at the first day, and a page holds far more than the look-back's few objects.
        params = {
            "Bucket": self.settings.output_bucket,
            "Prefix": QUALITY_PREFIX,
            "StartAfter": quality_key(names[0], ""),
        }
        found = {entry["Key"] for entry in self.ask("s3", "list_objects_v2", params).get("Contents", [])}
        return {name for name in names if quality_key(name) in found}

    def _figures(self, key: str) -> dict[str, Figures] | None:
        """What a former report says; None of one that is damaged, or of a version of the future."""
        body: bytes = self.ask("s3", "get_object", {"Bucket": self.settings.output_bucket, "Key": key})["Body"]
        try:
            return {entry.dataset: entry.figures for entry in QualityReport.of(body).datasets}
        except ValueError:
            log.error("quality.former_unreadable", key=key)
            return None

    def _publish(self, report: QualityReport) -> None:
        """Each write repeats what an interrupted call wrote; what is told of is there."""
        self._put(report, ".json", report.to_json().encode() + b"\n", "application/json")
        self._put(report, ".html", page(report).encode(), "text/html; charset=utf-8")
        attributes = {"anomalies": str(bool(report.anomalies)).lower(), "environment": report.environment}
        params = {
            "TopicArn": self.settings.quality_topic_arn,
            "Subject": subject(report),
            "Message": message(report, self.settings.output_bucket, self.region),
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value
            },
        }
        self.ask("sns", "publish", params)

    def _put(self, report: QualityReport, suffix: str, body: bytes, kind: str) -> None:
        params = {
            "Bucket": self.settings.output_bucket,
            "Key": quality_key(report.day, suffix),
            "Body": body,
            "ContentType": kind,
        }
        self.ask("s3", "put_object", params)


def asked_day(event: Mapping[str, Any], now_ms: int, zone: tzinfo) -> date:
    """The day an event asks for: the one it names, else the day before the scheduled time.

    A call that comes late (Scheduler tries for hours) still makes the report it was scheduled for. An emulator may
    hand over Scheduler's placeholder as it is; then, and where no time is given, the day before this moment is meant.

    Raises:
        ValueError: `day` is no date.
    """
    if event.get("day"):
        return date.fromisoformat(str(event["day"]))
    scheduled = str(event.get("scheduled_at") or "")
    if scheduled.startswith("<"):
        scheduled = ""
    return yesterday(parse_iso(scheduled) if scheduled else now_ms, zone)


def zone_of(name: str) -> tzinfo:
    """A time zone by its name in the IANA database; UTC needs none.

    Raises:
        SettingsError: the name is none, or the runtime has no such database.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        raise SettingsError(f"{name!r} is not a time zone this runtime knows; UTC always works") from None


@functools.cache
def _reporter() -> Reporter:
    settings = read(QualitySettings, os.environ)
    return Reporter(settings, aws.connect(settings.bucket_owner).ask, aws.now_ms, os.environ.get("AWS_REGION", ""))


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes both
    """Entry point of the schedule, `{"scheduled_at": …}`, and of whoever wants a day again, `{"day": "2026-11-20"}`."""
    return _reporter().report(event)

"""What runs by the clock."""

from typing import Annotated
from zoneinfo import available_timezones

from pydantic import Field, StringConstraints

from haulier.contracts import limits
from infra.settings.section import Section

Clock = Annotated[str, StringConstraints(pattern=r"^(cron\((\S+ ){5}\S+\)|rate\([1-9]\d* (minute|hour|day)s?\))$")]
"""`cron(minutes hours day-of-month month day-of-week year)` or `rate(number unit)`: EventBridge Scheduler's words."""


class ScheduleSettings(Section):
    """What runs by the clock. The janitor's minute is not a choice: without it a lost message is a lost job."""

    schedule_timezone: str = Field(
        default="UTC", pattern=r"^[A-Za-z0-9_+/-]+$", description="IANA name of the time zone of the schedules below"
    )
    cleanup_enabled: bool = Field(default=True, description="whether the clean-up runs by the clock")
    cleanup_schedule: Clock = Field(default="cron(0 2 * * ? *)", description="when the clean-up runs")
    orphan_after_days: int = Field(
        default=limits.ORPHAN_AFTER_SECONDS // 86400,
        ge=1,
        le=365,
        description="age at which temporary objects and open uploads go whose job nobody knows; but never before a run"
        " could be over (`execution_timeout_seconds`)",
    )
    reconcile_enabled: bool = Field(
        default=True, description="whether inputs without a job are looked for by the clock"
    )
    reconcile_schedule: Clock = Field(
        default="cron(0 4 * * ? *)", description="when inputs without a job are looked for"
    )
    reconcile_after_seconds: int = Field(
        default=limits.RECONCILE_AFTER_SECONDS,
        ge=0,
        description="younger objects are left alone: their events are on their way",
    )
    reconcile_within_days: int = Field(
        default=limits.RECONCILE_WITHIN_DAYS,
        ge=1,
        le=limits.JOB_TTL_SECONDS // 86400 - 10,
        description="older objects are left alone: of those the table has forgotten which it has seen",
    )
    reconcile_most_jobs: int = Field(
        default=limits.RECONCILE_MOST_JOBS,
        ge=1,
        description="inputs without a job asked for in one run; the next run goes on from there",
    )
    archive_enabled: bool = Field(default=True, description="whether old job records are archived by the clock")
    archive_schedule: Clock = Field(
        default="cron(0 3 ? * SUN *)", description="when records of jobs that ended long ago are written to S3"
    )
    archive_after_days: int = Field(
        default=limits.ARCHIVE_AFTER_DAYS,
        ge=1,
        le=limits.JOB_TTL_SECONDS // 86400 - 14,
        description="how long ago a job must have ended; two weeks before the table forgets it at the latest",
    )
    quality_enabled: bool = Field(default=True, description="whether the quality report is made by the clock")
    quality_schedule: Clock = Field(
        default="cron(0 2 * * ? *)",
        description="when the report of the day before is made, a day in `schedule_timezone`",
    )

    def disagreements(self) -> list[str]:
        """A zone nobody knows would be told by EventBridge Scheduler, in the middle of a deployment."""
        found = super().disagreements()
        known = available_timezones() if self.schedule_timezone != "UTC" else set()
        # Empty where this computer keeps no such database.
        if known and self.schedule_timezone not in known:
            found.append(f"schedule_timezone {self.schedule_timezone!r} is not a name of the IANA time zone database")
        return found

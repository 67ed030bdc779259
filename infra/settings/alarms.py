"""When somebody is told, and how much is too much. What each alarm means is in docs/operations.md."""

from pydantic import Field

from haulier.contracts import limits
from infra.settings.section import Section


class AlarmSettings(Section):
    """Whether there are alarms, and beyond what each rings."""

    alarms: bool = Field(default=True, description="whether alarms are made (each costs some cents a month)")
    alarm_metric_math: bool = Field(
        default=True,
        description="whether those are made that compute with several metrics; the embedded emulator knows none",
    )
    dashboard: bool = Field(default=True, description="whether the dashboard is made")
    operations_url: str = Field(
        default="docs/operations.md",
        description="where docs/operations.md can be read; each alarm's description leads to its section there",
    )
    alarm_intake_age_seconds: int = Field(
        default=300, ge=60, description="the oldest event has waited so long for intake"
    )
    alarm_priority_age_seconds: int = Field(
        default=900, ge=60, description="priority work waits, and the oldest message is so old"
    )
    alarm_standard_age_seconds: int = Field(default=3600, ge=60, description="likewise, for standard work")
    alarm_bulk_age_seconds: int = Field(default=6 * 3600, ge=60, description="likewise, for bulk work")
    alarm_ondemand_age_seconds: int = Field(default=6 * 3600, ge=60, description="likewise, for on-demand work")
    alarm_failure_percent: float = Field(
        default=5, gt=0, lt=100, description="more than that share of the runs that ended in five minutes failed"
    )
    alarm_failure_least_runs: int = Field(
        default=10, ge=1, description="no alarm for the failure rate while fewer runs ended in five minutes"
    )
    alarm_function_errors: int = Field(default=5, ge=1, description="errors of one function in five minutes")
    alarm_function_duration_percent: int = Field(
        default=80, ge=1, le=100, description="a call took that share of its function's time limit"
    )
    alarm_iterator_age_seconds: int = Field(
        default=300, ge=1, description="who reads the job table's stream is so far behind it"
    )
    alarm_api_errors: int = Field(default=5, ge=1, description="answers 5xx of the API in five minutes")
    alarm_api_latency_milliseconds: int = Field(
        default=5000, ge=1, le=29_000, description="one API answer in a hundred takes longer, for 15 minutes"
    )
    stalled_after_seconds: int = Field(
        default=limits.STALLED_AFTER_SECONDS,
        ge=60,
        description="an open job of which nothing has moved for so long is told of as stalled",
    )

    def age_seconds(self, queue: str) -> int:
        """How old the oldest message of `intake` or a work queue may grow."""
        seconds: int = getattr(self, f"alarm_{queue}_age_seconds")
        return seconds

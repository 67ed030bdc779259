"""The daily quality report: what the jobs of a day did, dataset by dataset, and what is unusual about it."""

from typing import Literal

from pydantic import Field

from haulier.contracts.model import WireModel

FigureName = Literal["jobs", "read", "input_bytes", "reject_ratio", "failure_ratio"]
"""What is compared with the days before."""


class Timing(WireModel):
    """From acceptance to the end, milliseconds, by nearest rank."""

    p50_ms: int
    p95_ms: int
    max_ms: int


class Figures(WireModel):
    """What some jobs did.

    Attributes:
        jobs: how many ended.
        states: each final state → how many ended in it; states nobody ended in are left out.
        read: records read, of jobs that came as far as being judged.
        written: records published.
        rejected: records set aside with a reason.
        filtered: records a filter left out.
        input_bytes: bytes parsed.
        output_bytes: bytes published.
        reject_ratio: rejected over read; None where nothing was read.
        failure_ratio: FAILED over FAILED and SUCCEEDED; None where neither is. What was refused at intake or cancelled
            says nothing of how well jobs run.
        failures: code of FAILED jobs → how many.
        refusals: code of jobs REJECTED at intake → how many.
        reject_codes: code of rejects → how many records.
        timing: of jobs that succeeded or failed; None where none did.
    """

    jobs: int = 0
    states: dict[str, int] = Field(default_factory=dict)
    read: int = 0
    written: int = 0
    rejected: int = 0
    filtered: int = 0
    input_bytes: int = 0
    output_bytes: int = 0
    reject_ratio: float | None = None
    failure_ratio: float | None = None
    failures: dict[str, int] = Field(default_factory=dict)
    refusals: dict[str, int] = Field(default_factory=dict)
    reject_codes: dict[str, int] = Field(default_factory=dict)
    timing: Timing | None = None


class NotableJob(WireModel):
    """One of the slowest jobs, or of those that rejected most.

    Attributes:
        file: s3:// address of its source.
        took_ms: from acceptance to the end.
    """

    job_id: str
    state: str
    file: str
    took_ms: int
    read: int
    rejected: int


class Trail(WireModel):
    """A figure of a dataset on the days before.

    Attributes:
        series: the days of the look-back, oldest first; None where there is no such figure.
        days: how many days mean and sigma are of: the newest ones that have the figure, at most seven.
        mean: of those days; None if there is none.
        sigma: their sample standard deviation; None below two days.
    """

    figure: FigureName
    series: tuple[float | None, ...]
    days: int
    mean: float | None = None
    sigma: float | None = None


class Anomaly(WireModel):
    """A figure that is unlike the days before.

    Attributes:
        sigmas: how many standard deviations it is from the mean; None where all days were the same.
        told: what is so, in words.
        advice: what to look at first.
    """

    dataset: str
    figure: FigureName
    direction: Literal["above", "below"]
    value: float
    mean: float
    sigma: float
    sigmas: float | None = None
    told: str
    advice: str


class DatasetQuality(WireModel):
    """A dataset's day. One without any job is listed while there were some on a day of the look-back."""

    dataset: str
    figures: Figures
    trails: tuple[Trail, ...] = ()
    slowest: tuple[NotableJob, ...] = ()
    rejecters: tuple[NotableJob, ...] = ()


class QualityReport(WireModel):
    """`reports/quality/{day}.json`. The same records and the same former reports give the same bytes.

    Attributes:
        day: `2026-11-20`.
        timezone: in which it is a day.
        since: when it began, UTC.
        until: when the next one began.
        totals: of all datasets.
        datasets: by name.
        anomalies: the most striking first.
        missing_days: days of the look-back without a report, oldest first.
        unreadable: ids of job records that could not be read and are in no figure; twenty at most.
        unreadable_jobs: how many there are.
    """

    version: Literal[1] = 1
    environment: str
    day: str
    timezone: str
    since: str
    until: str
    totals: Figures
    datasets: tuple[DatasetQuality, ...]
    anomalies: tuple[Anomaly, ...]
    missing_days: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    unreadable_jobs: int = 0

    @classmethod
    def of(cls, body: bytes) -> "QualityReport":
        """A report of this release or a later one, whose further fields are passed over."""
        return cls.model_validate_json(body, extra="ignore")

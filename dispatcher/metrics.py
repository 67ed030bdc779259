"""What the functions measure: lines in CloudWatch's embedded metric format on stdout, where Lambda collects them."""

import sys
from collections.abc import Mapping
from typing import Any

from haulier.contracts.metrics import (
    DATASET_RECORDS,
    DATASET_REJECTS,
    JOB_DURATION,
    JOBS_CANCELLED,
    JOBS_FAILED,
    JOBS_REJECTED,
    JOBS_SUCCEEDED,
    REJECT_RATIO,
    Metric,
)
from haulier.contracts.states import JobState
from haulier.jobs.embedded import embedded
from haulier.jobs.items import JobItem
from haulier.jobs.times import parse_iso

_ENDS = {
    JobState.SUCCEEDED: JOBS_SUCCEEDED,
    JobState.FAILED: JOBS_FAILED,
    JobState.REJECTED: JOBS_REJECTED,
    JobState.CANCELLED: JOBS_CANCELLED,
}


def end_of(job: JobItem) -> dict[Metric, float]:
    """What is measured of a job that is over: how it ended, how long it took, how many of its records were rejected."""
    values: dict[Metric, float] = {metric: int(job.status == state) for state, metric in _ENDS.items()}
    if job.status in (JobState.SUCCEEDED, JobState.FAILED):
        ended_ms = parse_iso(job.finished_at or job.updated_at)
        values[JOB_DURATION] = max(ended_ms - job.accepted_at_ms, 0)
        if job.read is not None:
            rejected = job.rejected or 0
            values |= {DATASET_RECORDS: job.read, DATASET_REJECTS: rejected}
            values[REJECT_RATIO] = 100 * rejected / job.read if job.read else 0
    return values


def measure(
    event: str, values: Mapping[Metric, float], dimensions: Mapping[str, str], *, now_ms: int, **about: Any
) -> None:
    """Writes one line: the values, and what they are about.

    Args:
        event: of the line, as in `log`.
        values: what was measured.
        dimensions: name → value, those of every metric in `values`.
        now_ms: milliseconds since the epoch.
        about: what else the line says; no metric's and no dimension's name.
    """
    line = embedded(values, dimensions, now_ms=now_ms, properties={"level": "info", "event": event, **about})
    # One write a line: threads of one process share the stream.
    sys.stdout.write(line + "\n")

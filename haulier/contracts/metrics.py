"""Every metric of ours: its name, unit and dimensions, for who measures and for who watches it."""

from dataclasses import dataclass
from typing import Final, Literal

NAMESPACE: Final = "Haulier"
Unit = Literal["Count", "Milliseconds", "Bytes", "Percent"]
_ENVIRONMENT = ("Environment",)
_DATASET = (*_ENVIRONMENT, "Dataset")


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric; `meaning` is for docs/metrics.md."""

    name: str
    unit: Unit
    meaning: str
    dimensions: tuple[str, ...] = _ENVIRONMENT


RECORDS = Metric(
    "RecordsProcessed", "Count", "records read by a committed attempt, rejects among them", (*_ENVIRONMENT, "FileType")
)
LATENCY = Metric("ProcessingLatency", "Milliseconds", "from a chunk's receipt to its settlement, however it ended")
SUCCESS = Metric("ProcessingSuccess", "Count", "1 for a chunk that was committed, else 0")
FAILURE = Metric("ProcessingFailure", "Count", "1 for a chunk with which its job failed, else 0")
ERRORS = Metric(
    "ProcessingErrors", "Count", "1 for a try that ended in an error, whether it is repeated or not, else 0"
)
QUEUE_WAIT = Metric("QueueWait", "Milliseconds", "from sending to first receipt; of first deliveries only")
BYTES = Metric("BytesProcessed", "Bytes", "bytes of the source that a committed attempt read")
RETRIES = Metric("Retries", "Count", "1 for a chunk that was tried before, else 0")
LEASE_LOSSES = Metric("LeaseLosses", "Count", "1 for an attempt whose lease another has, or that ran out, else 0")
STALLS = Metric("Stalls", "Count", "1 for an attempt that was given up because a stage did not move, else 0")
OUTAGES = Metric("Outages", "Count", "1 for a try that a service's failure ended and that is not counted, else 0")
CIRCUIT_OPEN = Metric(
    "CircuitOpen", "Count", "1 when a worker stops receiving because of a service, 0 when it goes on",
    (*_ENVIRONMENT, "Service"),
)  # fmt: skip

WORKER_METRICS: Final = (
    RECORDS, BYTES, SUCCESS, FAILURE, ERRORS, LATENCY, QUEUE_WAIT, RETRIES, OUTAGES, LEASE_LOSSES, STALLS, CIRCUIT_OPEN,
)  # fmt: skip

JOBS_SUCCEEDED = Metric("JobsSucceeded", "Count", "1 for a run that succeeded, else 0")
JOBS_FAILED = Metric("JobsFailed", "Count", "1 for a run that failed, else 0")
JOBS_REJECTED = Metric("JobsRejected", "Count", "1 for a job that was refused at intake, else 0")
JOBS_CANCELLED = Metric("JobsCancelled", "Count", "1 for a run that was cancelled, else 0")
JOB_DURATION = Metric("JobDuration", "Milliseconds", "from acceptance to the end, of runs that succeeded or failed")
DATASET_RECORDS = Metric("RecordsRead", "Count", "records of a run that was judged, rejects among them", _DATASET)
DATASET_REJECTS = Metric("RecordsRejected", "Count", "rejects of a run that was judged", _DATASET)
REJECT_RATIO = Metric("RejectRatio", "Percent", "rejects among the records of a run that was judged", _DATASET)
JOBS_WATCHED = Metric("JobsWatched", "Count", "jobs the janitor looked at in one round")
JOBS_STALLED = Metric("JobsStalled", "Count", "open jobs of which nothing has moved for long (a setting)")
JOBS_NOT_MENDED = Metric("JobsNotMended", "Count", "jobs the janitor could not look after in one round")

FUNCTION_METRICS: Final = (
    JOBS_SUCCEEDED, JOBS_FAILED, JOBS_REJECTED, JOBS_CANCELLED, JOB_DURATION, DATASET_RECORDS, DATASET_REJECTS,
    REJECT_RATIO, JOBS_WATCHED, JOBS_STALLED, JOBS_NOT_MENDED,
)  # fmt: skip

METRICS: Final = (*WORKER_METRICS, *FUNCTION_METRICS)

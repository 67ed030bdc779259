"""What is measured, and how it is written: CloudWatch's embedded metric format, one JSON object a line. Pure.

CloudWatch Logs makes metrics of such lines wherever they come from, so nothing is sent and no agent is needed. Each
line is a log line as well, with the names of what it is about. Source: Amazon CloudWatch User Guide, "Specification:
Embedded metric format" (100 metrics a directive; 30 keys a dimension set, 9 in older readers of it).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from haulier.jobs.times import iso

NAMESPACE = "Haulier"
MOST_METRICS = 100
MOST_DIMENSIONS = 9
Unit = Literal["Count", "Milliseconds", "Bytes"]
_ENVIRONMENT = ("Environment",)


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

METRICS = (
    RECORDS, BYTES, SUCCESS, FAILURE, ERRORS, LATENCY, QUEUE_WAIT, RETRIES, OUTAGES, LEASE_LOSSES, STALLS, CIRCUIT_OPEN,
)  # fmt: skip


@dataclass(slots=True)
class Measured:
    """What is learnt of a message on its way, for the line that is written when it is settled.

    Attributes:
        names: of job, run, chunk, round and attempt, once it is claimed.
        tried_before: whether an earlier attempt was made for the chunk.
        committed: whether it was committed, whatever became of the steps after that.
        file_type: what the bytes were read as.
        read: records of the committed attempt.
        input_bytes: likewise.
    """

    names: dict[str, Any] = field(default_factory=dict)
    tried_before: bool = False
    committed: bool = False
    file_type: str | None = None
    read: int = 0
    input_bytes: int = 0


def embedded(
    values: Mapping[Metric, float], dimensions: Mapping[str, str], *, now_ms: int, properties: Mapping[str, Any]
) -> str:
    """One line, without its end.

    Args:
        values: what was measured.
        dimensions: name → value; those of every metric in `values`. An empty value is written as `unknown`, since
            CloudWatch refuses empty ones.
        now_ms: milliseconds since the epoch.
        properties: what else the line says, for who searches logs; no metric's and no dimension's name.

    Raises:
        ValueError: more than a directive may hold.
    """
    groups: dict[tuple[str, ...], list[Metric]] = {}
    for metric in values:
        groups.setdefault(metric.dimensions, []).append(metric)
    directives = []
    for names, metrics in groups.items():
        if len(metrics) > MOST_METRICS or len(names) > MOST_DIMENSIONS:
            raise ValueError(f"{len(metrics)} metrics with {len(names)} dimensions are too many for one directive")
        listed = [{"Name": metric.name, "Unit": metric.unit} for metric in metrics]
        directives.append({"Namespace": NAMESPACE, "Dimensions": [list(names)], "Metrics": listed})
    root = {
        **properties,
        "timestamp": iso(now_ms),
        "_aws": {"Timestamp": now_ms, "CloudWatchMetrics": directives},
        **{name: dimensions[name] or "unknown" for names in groups for name in names},
        **{metric.name: value for metric, value in values.items()},
    }
    return json.dumps(root)

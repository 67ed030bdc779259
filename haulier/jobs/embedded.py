"""How what is measured is written: CloudWatch's embedded metric format, one JSON object a line.

CloudWatch Logs makes metrics of such lines wherever they come from, so nothing is sent and no agent is needed. Each
line is a log line as well, with the names of what it is about. Source: Amazon CloudWatch User Guide, "Specification:
Embedded metric format" (100 metrics a directive; 30 keys a dimension set, 9 in older readers of it).
"""

import json
from collections.abc import Mapping
from typing import Any

from haulier.contracts.metrics import NAMESPACE, Metric
from haulier.jobs.times import iso

MOST_METRICS = 100
MOST_DIMENSIONS = 9


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

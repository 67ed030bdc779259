"""The dashboard: jobs at the top, then what they pass, in that order. Its JSON is made of names alone."""

import json
from dataclasses import dataclass
from typing import Any

from aws_cdk import Aws, Stack
from aws_cdk import aws_cloudwatch as cloudwatch

from haulier.contracts import metrics
from haulier.contracts.metrics import Metric
from haulier.contracts.names import WORKER_SERVICES, Names
from infra.inventory import Inventory, inventory
from infra.settings import Settings

Line = list[Any]
"""One line of a graph: `[namespace, metric, dimension, value, …, options]`, or `[options]` with an expression."""
WIDTH = 24
HEIGHT = 6
TITLE_HEIGHT = 2
_SECONDS = 300
_WAITING, _IN_FLIGHT = "ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible"


@dataclass(frozen=True, slots=True)
class Graph:
    """One graph.

    Attributes:
        lines: what it shows.
        stat: of lines that name none.
    """

    title: str
    lines: list[Line]
    stat: str = "Sum"


def dashboard(scope: Stack, *, names: Names, settings: Settings) -> cloudwatch.CfnDashboard:
    """The dashboard of the stack as it is when this is called: so it is called last."""
    body = dashboard_body(inventory(scope), names, region=Aws.REGION, operations_url=settings.operations_url)
    return cloudwatch.CfnDashboard(
        scope, "Dashboard", dashboard_name=names.prefix, dashboard_body=json.dumps(body, separators=(",", ":"))
    )


def dashboard_body(found: Inventory, names: Names, *, region: str, operations_url: str) -> dict[str, Any]:
    """What CloudWatch takes (CloudWatch API Reference, "Dashboard Body Structure and Syntax")."""
    rows = [
        _jobs(names), _records(names), _queues(found, names), _workers(names), _functions(found), _machines(found),
        _table(names), *([_api(found)] if found.apis else []),
    ]  # fmt: skip
    title = f"# {names.prefix}\nWhat each alarm means, and what to do: {operations_url}"
    text = {"type": "text", "x": 0, "y": 0, "width": WIDTH, "height": TITLE_HEIGHT, "properties": {"markdown": title}}
    graphs = [
        {
            "type": "metric",
            "x": WIDTH // len(row) * column,
            "y": TITLE_HEIGHT + HEIGHT * at,
            "width": WIDTH // len(row),
            "height": HEIGHT,
            "properties": _properties(graph, region),
        }
        for at, row in enumerate([graph for graph in row if graph.lines] for row in rows)
        for column, graph in enumerate(row)
    ]
    return {"start": "-PT6H", "widgets": [text, *graphs]}


def _properties(graph: Graph, region: str) -> dict[str, Any]:
    return {
        "title": graph.title,
        "metrics": graph.lines,
        "stat": graph.stat,
        "region": region,
        "view": "timeSeries",
        "period": _SECONDS,
        "yAxis": {"left": {"min": 0}, "right": {"min": 0}},
    }


def _ours(metric: Metric, names: Names, **options: Any) -> Line:
    return [metrics.NAMESPACE, metric.name, "Environment", names.environment, options]


def _search(metric: Metric, names: Names, stat: str) -> Line:
    """A line for each value of the metric's other dimension, whatever values there are."""
    schema = ",".join((metrics.NAMESPACE, *metric.dimensions))
    query = f'{{{schema}}} MetricName="{metric.name}" Environment="{names.environment}"'
    label = f"${{PROP('Dim.{metric.dimensions[-1]}')}}"
    return [{"expression": f"SEARCH('{query}', '{stat}', {_SECONDS})", "id": "found", "label": label}]


def _jobs(names: Names) -> list[Graph]:
    succeeded, failed = metrics.JOBS_SUCCEEDED, metrics.JOBS_FAILED
    ends = (succeeded, failed, metrics.JOBS_REJECTED, metrics.JOBS_CANCELLED)
    # The divisor is never 0: one is added where it would be.
    rate = "100 * failed / (failed + succeeded + (failed + succeeded < 1))"
    return [
        Graph("Runs that ended", [_ours(metric, names) for metric in ends]),
        Graph(
            "Runs that failed, %",
            [
                [{"expression": rate, "id": "rate", "label": "% of runs"}],
                _ours(failed, names, id="failed", visible=False),
                _ours(succeeded, names, id="succeeded", visible=False),
            ],
        ),
        Graph(
            "From acceptance to the end, ms",
            [_ours(metrics.JOB_DURATION, names, stat=stat, label=stat) for stat in ("p50", "p99")],
        ),
        Graph(
            "Janitor",
            [_ours(one, names) for one in (metrics.JOBS_WATCHED, metrics.JOBS_STALLED, metrics.JOBS_NOT_MENDED)],
            stat="Maximum",
        ),
    ]


def _records(names: Names) -> list[Graph]:
    return [
        Graph("Records by file type", [_search(metrics.RECORDS, names, "Sum")]),
        Graph("Bytes read", [_ours(metrics.BYTES, names)]),
        Graph("Reject ratio of runs by dataset, %", [_search(metrics.REJECT_RATIO, names, "Average")]),
        Graph("Rejects by dataset", [_search(metrics.DATASET_REJECTS, names, "Sum")]),
    ]


def _queues(found: Inventory, names: Names) -> list[Graph]:
    def lines(metric: str, queues: tuple[str, ...], **options: Any) -> list[Line]:
        return [["AWS/SQS", metric, "QueueName", queue, {"label": queue} | options] for queue in queues]

    tasks: list[Line] = [
        ["ECS/ContainerInsights", "RunningTaskCount", "ClusterName", names.cluster, "ServiceName", names.service(name),
         {"label": f"tasks: {names.service(name)}", "yAxis": "right", "stat": "Average"}]
        for name in WORKER_SERVICES
    ]  # fmt: skip
    return [
        Graph("Messages that wait, and tasks (right)", lines(_WAITING, found.queues) + tasks, stat="Maximum"),
        Graph("Messages in flight", lines(_IN_FLIGHT, found.queues), stat="Maximum"),
        Graph("Age of the oldest message, s", lines("ApproximateAgeOfOldestMessage", found.queues), stat="Maximum"),
        Graph("Dead letters", lines(_WAITING, found.dlqs), stat="Maximum"),
    ]


def _workers(names: Names) -> list[Graph]:
    ends = (
        metrics.SUCCESS, metrics.FAILURE, metrics.ERRORS, metrics.RETRIES, metrics.OUTAGES, metrics.LEASE_LOSSES,
        metrics.STALLS,
    )  # fmt: skip
    return [
        Graph("Chunks", [_ours(metric, names) for metric in ends]),
        Graph(
            "A chunk's work, ms",
            [_ours(metrics.LATENCY, names, stat=stat, label=stat) for stat in ("p50", "p99")],
        ),
        Graph(
            "A chunk's wait in its queue, ms",
            [_ours(metrics.QUEUE_WAIT, names, stat=stat, label=stat) for stat in ("p50", "p99")],
        ),
        Graph("Circuits that are open, by service", [_search(metrics.CIRCUIT_OPEN, names, "Maximum")]),
    ]


def _functions(found: Inventory) -> list[Graph]:
    def lines(metric: str, functions: tuple[str, ...]) -> list[Line]:
        return [["AWS/Lambda", metric, "FunctionName", function, {"label": function}] for function in functions]

    everyone = tuple(found.functions)
    return [
        Graph("Calls of functions", lines("Invocations", everyone)),
        Graph("Errors and throttles of functions", lines("Errors", everyone) + lines("Throttles", everyone)),
        Graph("Longest calls, ms", lines("Duration", everyone), stat="Maximum"),
        Graph("Behind the job table's stream, ms", lines("IteratorAge", found.stream_readers), stat="Maximum"),
    ]


def _machines(found: Inventory) -> list[Graph]:
    def lines(*metric_names: str, **options: Any) -> list[Line]:
        return [
            ["AWS/States", metric, "StateMachineArn", arn, {"label": f"{name}: {metric}"} | options]
            for name, arn in found.machines.items()
            for metric in metric_names
        ]

    bad = lines("ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted", "ExecutionThrottled")
    return [
        Graph("Executions", lines("ExecutionsStarted", "ExecutionsSucceeded")),
        Graph("Executions that did not succeed", bad),
        Graph("Longest executions, ms", lines("ExecutionTime"), stat="Maximum"),
    ]


def _table(names: Names) -> list[Graph]:
    def lines(*metric_names: str) -> list[Line]:
        return [["AWS/DynamoDB", metric, "TableName", names.table] for metric in metric_names]

    latency: list[Line] = [
        ["AWS/DynamoDB", "SuccessfulRequestLatency", "TableName", names.table, "Operation", operation]
        for operation in ("GetItem", "Query", "UpdateItem", "PutItem")
    ]
    return [
        Graph("Job table: capacity used", lines("ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits")),
        Graph("Job table: throttled", lines("ReadThrottleEvents", "WriteThrottleEvents")),
        Graph("Job table: answers, ms", latency, stat="p99"),
    ]


def _api(found: Inventory) -> list[Graph]:
    def lines(*metric_names: str, **options: Any) -> list[Line]:
        return [
            ["AWS/ApiGateway", metric, "ApiName", api, "Stage", stage, dict(options)]
            for api, stage in found.apis.items()
            for metric in metric_names
        ]

    return [
        Graph("API: requests", lines("Count")),
        Graph("API: answers 4xx and 5xx", lines("4XXError", "5XXError")),
        Graph(
            "API: answers, ms", lines("Latency", stat="p50", label="p50") + lines("Latency", stat="p99", label="p99")
        ),
    ]

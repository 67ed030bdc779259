"""What a template says of alarms, and of what they should watch."""

import re
from pathlib import Path
from typing import Any

from haulier.contracts import metrics
from tests.infra.conftest import Stacks

OPERATIONS = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
PREFIX = "haulier-test"

AWS_METRICS: dict[str, dict[str, set[tuple[str, ...]]]] = {
    # Each name and its sets of dimensions as AWS documents them, in the user guide of the service.
    "AWS/SQS": {
        name: {("QueueName",)}
        for name in (
            "ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible",
            "ApproximateNumberOfMessagesNotVisible",
        )
    },
    "AWS/Lambda": {
        name: {("FunctionName",)} for name in ("Invocations", "Errors", "Throttles", "Duration", "IteratorAge")
    },
    "AWS/States": {
        name: {("StateMachineArn",)}
        for name in (
            "ExecutionsStarted", "ExecutionsSucceeded", "ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted",
            "ExecutionThrottled", "ExecutionTime",
        )
    },
    "AWS/Events": {"FailedInvocations": {("RuleName",), ("EventBusName", "RuleName")}},
    "AWS/Scheduler": {
        name: {("ScheduleGroup",)}
        for name in ("TargetErrorCount", "InvocationDroppedCount", "InvocationsFailedToBeSentToDeadLetterCount")
    },
    "AWS/ApiGateway": {name: {("ApiName", "Stage")} for name in ("Count", "4XXError", "5XXError", "Latency")},
    "AWS/DynamoDB": {
        **{
            name: {("TableName",)}
            for name in (
                "ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits", "ReadThrottleEvents", "WriteThrottleEvents",
            )
        },
        "SuccessfulRequestLatency": {("Operation", "TableName")},
    },
    "ECS/ContainerInsights": {
        name: {("ClusterName", "ServiceName")} for name in ("RunningTaskCount", "DesiredTaskCount")
    },
    metrics.NAMESPACE: {metric.name: {tuple(sorted(metric.dimensions))} for metric in metrics.METRICS},
}  # fmt: skip


def is_a_metric(namespace: str, name: str, dimensions: set[str]) -> bool:
    return tuple(sorted(dimensions)) in AWS_METRICS.get(namespace, {}).get(name, set())


def alarms(stacks: Stacks) -> dict[str, dict[str, Any]]:
    """Name → properties."""
    found = [resource["Properties"] for resource in stacks.of_type("AWS::CloudWatch::Alarm").values()]
    return {alarm["AlarmName"]: alarm for alarm in found}


def watched(alarm: dict[str, Any]) -> list[dict[str, Any]]:
    """The metrics an alarm looks at, each with its namespace, name and dimensions."""
    computed = [query["MetricStat"]["Metric"] for query in alarm.get("Metrics", []) if "MetricStat" in query]
    return computed or [alarm]


def dimensions(metric: dict[str, Any]) -> dict[str, Any]:
    return {entry["Name"]: entry["Value"] for entry in metric.get("Dimensions", [])}


def watching(stacks: Stacks, metric: str) -> list[dict[str, Any]]:
    """The dimensions of every alarm for a metric."""
    return [
        dimensions(one) for alarm in alarms(stacks).values() for one in watched(alarm) if one["MetricName"] == metric
    ]


def sections() -> list[str]:
    """Anchors of the sections of docs/operations.md that are about alarms, as GitHub makes them."""
    _, text = OPERATIONS.read_text().split("\n## Alarms\n")
    headings = re.findall(r"^### (.+)$", text, re.MULTILINE)
    return [re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-")) for heading in headings]

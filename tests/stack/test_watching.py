"""What watches the deployed stack: alarms, dashboard, and the lines that metrics are made of."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from haulier.contracts.metrics import NAMESPACE
from tests.stack.conftest import Stack, wait_until
from tests.stack.test_events import queue, received, topic

__all__ = ["queue"]

CSV = b"a,b\n1,2\n3,4\n"


@pytest.fixture(scope="module")
def watch(stack: Stack) -> Any:
    return client(stack, "cloudwatch")


def client(stack: Stack, service: str) -> Any:
    environment = stack.info.client_environment()
    return boto3.client(
        service,
        endpoint_url=stack.info.endpoint_url,
        region_name=stack.info.region,
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )


def test_every_dead_letter_queue_there_is_has_its_alarm_and_it_tells_the_alerts_topic(stack: Stack, watch: Any):
    pages = watch.get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{stack.names.prefix}-")
    alarms = [alarm for page in pages for alarm in page["MetricAlarms"]]
    assert {tuple(alarm["AlarmActions"]) for alarm in alarms} == {(topic(stack, "alerts"),)}
    watched = {entry["Value"] for alarm in alarms for entry in alarm["Dimensions"] if entry["Name"] == "QueueName"}
    urls = stack.sqs.list_queues(QueueNamePrefix=stack.names.prefix)["QueueUrls"]
    there = {url.rpartition("/")[2] for url in urls}
    assert {queue for queue in there if "-dlq" in queue} <= watched


def test_an_alarm_that_rings_is_heard_by_who_subscribed(stack: Stack, watch: Any, queue: tuple[str, str]):
    url, arn = queue
    stack.clients["sns"].subscribe(
        TopicArn=topic(stack, "alerts"), Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"}
    )
    name = f"{stack.names.prefix}-stalled-jobs"
    watch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
    try:
        told = json.loads(received(stack, url)["Body"])
        assert (told["AlarmName"], told["NewStateValue"]) == (name, "ALARM")
        assert told["AlarmDescription"].endswith("docs/operations.md#stalled-jobs")
    finally:
        watch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="a test")


def test_the_dashboard_is_json_with_the_region_filled_in(stack: Stack, watch: Any):
    body = json.loads(watch.get_dashboard(DashboardName=stack.names.prefix)["DashboardBody"])
    regions = {widget["properties"]["region"] for widget in body["widgets"] if widget["type"] == "metric"}
    assert regions == {stack.info.region}


@pytest.mark.parametrize(
    ("cluster", "what", "told"),
    [
        ("haulier-test", "SERVICE_TASK_PLACEMENT_FAILURE", True),
        ("haulier-test", "SERVICE_STEADY_STATE", False),
        ("another", "SERVICE_TASK_PLACEMENT_FAILURE", False),
    ],
)
def test_only_what_our_cluster_could_not_place_is_told_of(stack: Stack, cluster: str, what: str, told: bool):
    """Nobody but ECS may put an event of `aws.ecs`: so the deployed rule is asked, and nothing is sent."""
    events = stack.clients["events"]
    of = f"arn:aws:ecs:{stack.info.region}:{stack.info.account}"
    event = {
        "id": "1", "account": stack.info.account, "source": "aws.ecs", "time": "2026-11-21T09:30:00Z",
        "region": stack.info.region, "resources": [f"{of}:service/{cluster}/a"], "detail-type": "ECS Service Action",
        "detail": {"clusterArn": f"{of}:cluster/{cluster}", "eventName": what},
    }  # fmt: skip
    pattern = events.describe_rule(Name=f"{stack.names.prefix}-not-placed")["EventPattern"]
    assert events.test_event_pattern(EventPattern=pattern, Event=json.dumps(event))["Result"] is told


def lines(logs: Any, function: str, event: str) -> Iterator[dict[str, Any]]:
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{function}")
    for page in pages:
        for entry in page["events"]:
            if f'"{event}"' in entry["message"]:
                yield json.loads(entry["message"])


def test_the_end_of_a_job_and_the_janitor_s_round_are_measured(stack: Stack, name: str):
    logs = client(stack, "logs")
    job = stack.succeed(f"incoming/{name}.csv", CSV)

    def measured() -> dict[str, Any] | None:
        found = lines(logs, stack.names.function("notify"), "job.measured")
        return next((line for line in found if line["job_id"] == job.job_id), None)

    line = wait_until(measured, "the line that counts the job")
    assert (line["JobsSucceeded"], line["JobsFailed"], line["RecordsRead"], line["RejectRatio"]) == (1, 0, 2, 0)
    assert (line["Environment"], line["Dataset"]) == (stack.names.environment, "default")
    assert line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == NAMESPACE

    stack.clients["lambda"].invoke(FunctionName=stack.names.function("janitor"))
    rounds = wait_until(
        lambda: list(lines(logs, stack.names.function("janitor"), "round.measured")), "a round that was measured"
    )
    assert rounds[-1]["JobsStalled"] == 0

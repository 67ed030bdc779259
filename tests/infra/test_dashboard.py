"""The dashboard shows what there is, and no line of it is a metric that does not exist."""

import json
import re
from typing import Any

import pytest

from haulier.contracts.metrics import METRICS, NAMESPACE
from infra.dashboard import HEIGHT, TITLE_HEIGHT, WIDTH
from tests.infra.alarmed import is_a_metric
from tests.infra.conftest import Stacks

SEARCH = re.compile(
    r"""SEARCH\('\{(?P<schema>[\w,]+)\} MetricName="(?P<metric>\w+)" Environment="test"', '\w+', 300\)"""
)


def body(stacks: Stacks) -> dict[str, Any]:
    """The document, with `?` where CloudFormation puts region and account."""
    (board,) = (r["Properties"] for r in stacks.of_type("AWS::CloudWatch::Dashboard").values())
    assert board["DashboardName"] == "haulier-test"
    written = board["DashboardBody"]
    pieces = [written] if isinstance(written, str) else written["Fn::Join"][1]
    found: dict[str, Any] = json.loads("".join(piece if isinstance(piece, str) else "?" for piece in pieces))
    return found


def graphs(stacks: Stacks) -> dict[str, dict[str, Any]]:
    """Title → properties."""
    return {
        widget["properties"]["title"]: widget["properties"]
        for widget in body(stacks)["widgets"]
        if widget["type"] == "metric"
    }


def lines(stacks: Stacks) -> list[tuple[str, str, dict[str, str]]]:
    """Namespace, metric and dimensions of every line that is no expression."""
    found = []
    for graph in graphs(stacks).values():
        for line in graph["metrics"]:
            if isinstance(line[0], str):
                namespace, metric, *pairs = [part for part in line if isinstance(part, str)]
                found.append((namespace, metric, dict(zip(pairs[::2], pairs[1::2], strict=True))))
    return found


def expressions(stacks: Stacks) -> list[str]:
    return [
        line[0]["expression"]
        for graph in graphs(stacks).values()
        for line in graph["metrics"]
        if isinstance(line[0], dict)
    ]


def test_every_line_is_a_metric_that_exists(prod: Stacks):
    for namespace, metric, dimensions in lines(prod):
        assert is_a_metric(namespace, metric, set(dimensions)), (namespace, metric)


def test_every_search_is_for_a_metric_of_ours_by_its_own_dimensions(prod: Stacks):
    ours = {metric.name: metric.dimensions for metric in METRICS}
    searches = [SEARCH.fullmatch(text) for text in expressions(prod) if text.startswith("SEARCH")]
    assert len(searches) >= 3
    for search in searches:
        assert search is not None
        assert search["schema"].split(",") == [NAMESPACE, *ours[search["metric"]]]


def test_everything_we_measure_is_shown(prod: Stacks):
    shown = {metric for namespace, metric, _ in lines(prod) if namespace == NAMESPACE}
    shown |= {search["metric"] for text in expressions(prod) if (search := SEARCH.fullmatch(text))}
    # Sums to divide by hand, of one dataset; the graph shows the ratio.
    assert {metric.name for metric in METRICS} - shown == {"RecordsRead"}


@pytest.mark.parametrize(
    ("kind", "attribute", "metric", "dimension"),
    [
        ("AWS::SQS::Queue", "QueueName", "ApproximateNumberOfMessagesVisible", "QueueName"),
        ("AWS::Lambda::Function", "FunctionName", "Errors", "FunctionName"),
        ("AWS::DynamoDB::Table", "TableName", "ConsumedWriteCapacityUnits", "TableName"),
    ],
)
def test_every_one_of_a_kind_is_shown(prod: Stacks, kind: str, attribute: str, metric: str, dimension: str):
    there = {resource["Properties"][attribute] for resource in prod.of_type(kind).values()}
    assert {dimensions[dimension] for _, name, dimensions in lines(prod) if name == metric} == there


def test_every_state_machine_is_shown(prod: Stacks):
    machines = prod.of_type("AWS::StepFunctions::StateMachine")
    shown = [dimensions["StateMachineArn"] for _, name, dimensions in lines(prod) if name == "ExecutionsStarted"]
    assert {arn.rpartition(":")[2] for arn in shown} == {m["Properties"]["StateMachineName"] for m in machines.values()}


def test_queues_are_shown_against_the_tasks_that_empty_them(prod: Stacks):
    graph = graphs(prod)["Messages that wait, and tasks (right)"]
    tasks = [line for line in graph["metrics"] if line[1] == "RunningTaskCount"]
    assert tasks
    assert {line[-1]["yAxis"] for line in tasks} == {"right"}


def test_no_graph_is_empty_and_none_lies_on_another(prod: Stacks):
    taken = set()
    for widget in body(prod)["widgets"]:
        place = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert not place & taken
        assert max(x for x, _ in place) < WIDTH
        taken |= place
        if widget["type"] == "metric":
            assert widget["properties"]["metrics"]
            assert (widget["height"], (widget["y"] - TITLE_HEIGHT) % HEIGHT) == (HEIGHT, 0)


def test_it_is_far_smaller_than_what_cloudwatch_takes(prod: Stacks):
    """500 metrics a dashboard's graph (CloudWatch quotas)."""
    assert max(len(graph["metrics"]) for graph in graphs(prod).values()) < 100
    assert len(json.dumps(body(prod))) < 100_000

"""Whatever can go wrong has its alarm, and each alarm leads to what to do."""

import json
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_sqs as sqs
from hypothesis import given
from hypothesis import strategies as st

from haulier.contracts.dataset import WORK_QUEUES
from haulier.contracts.names import WORKER_SERVICES, Names
from infra.alarm import Computed
from infra.alarms import alarms as decided
from infra.inventory import Inventory, Unnamed, inventory
from infra.settings import Settings
from tests.infra.alarmed import PREFIX, alarms, dimensions, is_a_metric, sections, watched, watching
from tests.infra.conftest import Stacks, synthesise


def targets(stacks: Stacks) -> set[str]:
    """Names of all queues to which anything goes that could not be done."""
    names = {logical: r["Properties"]["QueueName"] for logical, r in stacks.of_type("AWS::SQS::Queue").items()}
    found: set[str] = set()

    def look(value: Any, inside: bool = False) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                look(inner, inside or key in ("DeadLetterConfig", "RedrivePolicy", "OnFailure"))
            if inside and "Fn::GetAtt" in value:
                found.add(names[value["Fn::GetAtt"][0]])
        elif isinstance(value, list):
            for inner in value:
                look(inner, inside)

    look([resource["Properties"] for resource in stacks.pipeline["Resources"].values() if "Properties" in resource])
    return found


def test_every_queue_where_something_is_set_aside_has_an_alarm_for_its_first_letter(prod: Stacks):
    letters = [alarm for alarm in alarms(prod).values() if alarm["AlarmName"].endswith("-letters")]
    assert {alarm["MetricName"] for alarm in letters} == {"ApproximateNumberOfMessagesVisible"}
    assert {(alarm["ComparisonOperator"], alarm["Threshold"]) for alarm in letters} == {("GreaterThanThreshold", 0)}
    told = {dimensions(alarm)["QueueName"] for alarm in letters}
    assert told >= targets(prod)
    queues = {r["Properties"]["QueueName"] for r in prod.of_type("AWS::SQS::Queue").values()}
    assert told == {queue for queue in queues if queue.removesuffix(".fifo").endswith("-dlq")}


@pytest.mark.parametrize("queue", ["intake", *WORK_QUEUES])
def test_intake_and_each_work_queue_have_an_alarm_for_their_oldest_message(prod: Stacks, queue: str):
    alarm = alarms(prod)[f"{PREFIX}-{queue}-waits"]
    assert alarm["Threshold"] == Settings().age_seconds(queue)
    assert {dimensions(metric)["QueueName"] for metric in watched(alarm)} == {f"{PREFIX}-{queue}"}


@pytest.mark.parametrize("metric", ["Errors", "Throttles", "Duration"])
def test_every_function_has_its_alarms(prod: Stacks, metric: str):
    functions = {r["Properties"]["FunctionName"] for r in prod.of_type("AWS::Lambda::Function").values()}
    assert sorted(one["FunctionName"] for one in watching(prod, metric)) == sorted(functions)


def test_a_call_is_told_of_before_it_is_cut_off(prod: Stacks):
    for resource in prod.of_type("AWS::Lambda::Function").values():
        function = resource["Properties"]
        alarm = alarms(prod)[f"{function['FunctionName']}-duration"]
        assert 0.5 * function["Timeout"] * 1000 <= alarm["Threshold"] < function["Timeout"] * 1000


def test_every_reader_of_a_stream_has_an_alarm_for_being_behind(prod: Stacks):
    functions = {
        logical: r["Properties"]["FunctionName"] for logical, r in prod.of_type("AWS::Lambda::Function").items()
    }
    readers = {
        functions[mapping["Properties"]["FunctionName"]["Ref"]]
        for mapping in prod.of_type("AWS::Lambda::EventSourceMapping").values()
        if "StartingPosition" in mapping["Properties"]
    }
    assert readers == {one["FunctionName"] for one in watching(prod, "IteratorAge")} != set()


@pytest.mark.parametrize(
    "metric", ["ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted", "ExecutionThrottled"]
)
def test_every_state_machine_has_its_alarms(prod: Stacks, metric: str):
    machines = {r["Properties"]["StateMachineName"] for r in prod.of_type("AWS::StepFunctions::StateMachine").values()}
    arns = [json.dumps(one["StateMachineArn"]) for one in watching(prod, metric)]
    assert len(arns) == len(machines)
    assert all(any(f':stateMachine:{name}"' in arn for arn in arns) for name in machines)


def test_every_rule_has_an_alarm_for_what_it_could_not_deliver(prod: Stacks):
    buses = {logical: r["Properties"]["Name"] for logical, r in prod.of_type("AWS::Events::EventBus").items()}
    rules = {}
    for resource in prod.of_type("AWS::Events::Rule").values():
        bus = resource["Properties"].get("EventBusName")
        rules[resource["Properties"]["Name"]] = bus if isinstance(bus, str | None) else buses[bus["Ref"]]
    told = {one["RuleName"]: one.get("EventBusName") for one in watching(prod, "FailedInvocations")}
    assert told == rules


@pytest.mark.parametrize(
    "metric", ["TargetErrorCount", "InvocationDroppedCount", "InvocationsFailedToBeSentToDeadLetterCount"]
)
def test_every_schedule_s_group_has_its_alarms(prod: Stacks, metric: str):
    groups = {logical: r["Properties"]["Name"] for logical, r in prod.of_type("AWS::Scheduler::ScheduleGroup").items()}
    used = {groups[r["Properties"]["GroupName"]["Ref"]] for r in prod.of_type("AWS::Scheduler::Schedule").values()}
    assert {one["ScheduleGroup"] for one in watching(prod, metric)} == used != set()


@pytest.mark.parametrize("metric", ["5XXError", "Latency"])
def test_every_api_has_its_alarms(prod: Stacks, metric: str):
    apis = {r["Properties"]["Name"] for r in prod.of_type("AWS::ApiGateway::RestApi").values()}
    assert {one["ApiName"] for one in watching(prod, metric)} == apis


def test_workers_that_are_missing_are_told_of_by_the_names_the_workers_stack_will_use(prod: Stacks):
    names = Names("test")
    for service in WORKER_SERVICES:
        alarm = alarms(prod)[f"{PREFIX}-{service}-missing"]
        assert {metric["MetricName"] for metric in watched(alarm)} == {"DesiredTaskCount", "RunningTaskCount"}
        assert {tuple(dimensions(metric).values()) for metric in watched(alarm)} == {
            (names.cluster, names.service(service))
        }
        # Without the stack there are no values.
        assert alarm["TreatMissingData"] == "notBreaching"


def test_only_of_the_janitor_is_silence_bad(prod: Stacks):
    bad = {name for name, alarm in alarms(prod).items() if alarm["TreatMissingData"] == "breaching"}
    assert bad == {f"{PREFIX}-janitor-silent"}
    assert {alarm["TreatMissingData"] for alarm in alarms(prod).values()} == {"breaching", "notBreaching"}


def test_every_alarm_watches_a_metric_that_exists(prod: Stacks):
    for name, alarm in alarms(prod).items():
        for metric in watched(alarm):
            assert is_a_metric(metric["Namespace"], metric["MetricName"], set(dimensions(metric))), name


def test_every_alarm_tells_the_alerts_topic(prod: Stacks):
    (topic,) = (
        logical
        for logical, r in prod.of_type("AWS::SNS::Topic").items()
        if r["Properties"]["TopicName"] == f"{PREFIX}-alerts"
    )
    for name, alarm in alarms(prod).items():
        assert alarm["AlarmActions"] == [{"Ref": topic}], name


def test_alarms_may_publish_to_the_alerts_topic(prod: Stacks):
    """A topic with a policy of its own has no longer the one that lets the account's alarms in."""
    statements = [
        statement
        for policy in prod.of_type("AWS::SNS::TopicPolicy").values()
        if "Alerts" in json.dumps(policy["Properties"]["Topics"])
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]
    (allowed,) = (s for s in statements if s["Effect"] == "Allow" and "cloudwatch" in json.dumps(s["Principal"]))
    assert allowed["Action"] == "sns:Publish"
    assert "aws:SourceAccount" in json.dumps(allowed["Condition"])


def test_every_alarm_leads_to_its_section_and_every_section_has_an_alarm(prod: Stacks):
    led = set()
    for name, alarm in alarms(prod).items():
        text = alarm["AlarmDescription"]
        assert " What to do: docs/operations.md#" in text, name
        assert len(text) <= 1024
        led.add(text.rpartition("#")[2])
    # What ECS tells of is a message and no alarm (test_placement.py).
    assert led == set(sections()) - {"placement-failed"}
    assert len(sections()) == len(set(sections()))


def test_the_docs_may_lie_elsewhere(tmp_path: Path):
    alarm = decided(NOTHING, Names("test"), Settings())[0]
    assert alarm.section in sections()
    stacks = synthesise(tmp_path, operations_url="https://example.com/operations")
    assert all("https://example.com/operations#" in alarm["AlarmDescription"] for alarm in alarms(stacks).values())


def test_there_are_none_and_no_dashboard_where_nobody_wants_them(tmp_path: Path):
    stacks = synthesise(tmp_path, alarms=False, dashboard=False)
    assert alarms(stacks) == {}
    assert stacks.of_type("AWS::CloudWatch::Dashboard") == {}


def test_what_the_embedded_emulator_cannot_compute_may_be_left_out(dev: Stacks):
    assert alarms(dev)
    assert not [name for name, alarm in alarms(dev).items() if "Metrics" in alarm]


NOTHING = Inventory(
    queues=(), dlqs=(), functions={}, stream_readers=(), machines={}, rules={}, schedule_groups=(), apis={}
)


def test_a_resource_that_has_no_name_is_refused_since_nobody_could_be_told_which_one_rings():
    stack = Stack(App(), "Nameless")
    sqs.Queue(stack, "Queue")
    with pytest.raises(Unnamed, match="Nameless/Queue"):
        inventory(stack)


def computed(name: str, **values: float | None) -> float:
    """What an alarm's expression gives: metric math's operators are Python's, IF and FILL are functions."""
    found = Inventory(
        queues=tuple(Names("test").queue(queue) for queue in WORK_QUEUES), dlqs=(), functions={}, stream_readers=(),
        machines={}, rules={}, schedule_groups=(), apis={},
    )  # fmt: skip
    (alarm,) = (alarm for alarm in decided(found, Names("test"), Settings()) if alarm.name == name)
    assert isinstance(alarm.watches, Computed)
    assert set(values) == set(alarm.watches.of)
    scope = {
        "IF": lambda condition, yes, no: yes if condition else no,
        "FILL": lambda value, instead: instead if value is None else value,
        **values,
    }
    value: float = eval(alarm.watches.expression, {"__builtins__": {}}, scope)  # noqa: S307 - our own expression
    return value


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_the_failure_rate_is_that_of_the_runs_that_ended_if_they_are_enough(failed: int, succeeded: int):
    ended = failed + succeeded
    enough = ended >= Settings().alarm_failure_least_runs
    assert computed("failure-rate", failed=failed, succeeded=succeeded) == (100 * failed / ended if enough else 0)


def test_a_message_that_is_worked_on_for_hours_is_no_wait():
    assert computed("bulk-waits", waiting=0, age=40_000) == 0
    assert computed("bulk-waits", waiting=1, age=40_000) == 40_000


def test_no_worker_is_missing_when_none_is_wanted():
    assert computed("worker-missing", wanted=0, running=0) == 0
    assert computed("worker-missing", wanted=3, running=1) == 2
    assert computed("worker-missing", wanted=3, running=None) == 3

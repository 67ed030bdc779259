"""What a stack has, found by walking it: whatever is added to it has its alarms and its place on the dashboard."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import CfnResource, Stack

from infra.trust import arn

_NAMED_BY = {
    "AWS::SQS::Queue": "queue_name",
    "AWS::Lambda::Function": "function_name",
    "AWS::StepFunctions::StateMachine": "state_machine_name",
    "AWS::Events::EventBus": "name",
    "AWS::Events::Rule": "name",
    "AWS::Scheduler::ScheduleGroup": "name",
    "AWS::ApiGateway::RestApi": "name",
    "AWS::ApiGateway::Stage": "stage_name",
}
"""Kind of resource → where its physical name stands."""
LAMBDA_TIMEOUT_SECONDS = 3
"""Lambda's own default."""


class Unnamed(Exception):
    """A resource has no name of its own, so an alarm could not say which one is meant."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """Physical names of what can go wrong, sorted.

    Attributes:
        queues: those that are no dead-letter queues.
        dlqs: those that are.
        functions: name → time limit in seconds.
        stream_readers: functions that read a stream.
        machines: state machine → its ARN.
        rules: name → its bus; None is the default bus.
        schedule_groups: of all schedules.
        apis: REST API → its stage.
    """

    queues: tuple[str, ...]
    dlqs: tuple[str, ...]
    functions: Mapping[str, int]
    stream_readers: tuple[str, ...]
    machines: Mapping[str, str]
    rules: Mapping[str, str | None]
    schedule_groups: tuple[str, ...]
    apis: Mapping[str, str]


def is_dlq(queue: str) -> bool:
    return queue.removesuffix(".fifo").endswith("-dlq")


def inventory(stack: Stack) -> Inventory:
    """Everything of the stack so far.

    Raises:
        Unnamed: a resource that needs one has no name.
    """
    found = _Resources(stack)
    queues = sorted(found.name(queue) for queue in found.of("AWS::SQS::Queue"))
    functions = {
        found.name(one): int(one.timeout or LAMBDA_TIMEOUT_SECONDS) for one in found.of("AWS::Lambda::Function")
    }
    streams = [one for one in found.of("AWS::Lambda::EventSourceMapping") if one.starting_position]
    rules = {
        found.name(rule): found.meant(rule.event_bus_name) if rule.event_bus_name else None
        for rule in found.of("AWS::Events::Rule")
    }
    machines = [found.name(machine) for machine in found.of("AWS::StepFunctions::StateMachine")]
    schedules = found.of("AWS::Scheduler::Schedule")
    apis = {found.meant(stage.rest_api_id): found.name(stage) for stage in found.of("AWS::ApiGateway::Stage")}
    return Inventory(
        queues=tuple(queue for queue in queues if not is_dlq(queue)),
        dlqs=tuple(queue for queue in queues if is_dlq(queue)),
        functions=dict(sorted(functions.items())),
        stream_readers=tuple(sorted({found.meant(stream.function_name) for stream in streams})),
        machines={name: arn("states", f"stateMachine:{name}") for name in sorted(machines)},
        rules=dict(sorted(rules.items())),
        schedule_groups=tuple(
            sorted({found.meant(one.group_name) if one.group_name else "default" for one in schedules})
        ),
        apis=dict(sorted(apis.items())),
    )


class _Resources:
    """The stack's resources by kind, and what they are called."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._by_kind: dict[str, list[Any]] = {}
        self._names: dict[str, Any] = {}
        for node in stack.node.find_all():
            if isinstance(node, CfnResource):
                kind = node.cfn_resource_type
                self._by_kind.setdefault(kind, []).append(node)
                if kind in _NAMED_BY:
                    self._names[self._id(node)] = stack.resolve(getattr(node, _NAMED_BY[kind]))

    def of(self, kind: str) -> list[Any]:
        return self._by_kind.get(kind, [])

    def name(self, resource: CfnResource) -> str:
        name = self._names[self._id(resource)]
        if not isinstance(name, str):
            raise Unnamed(f"{resource.node.path} has no name")
        return name

    def meant(self, reference: str) -> str:
        """The name behind a name, a `Ref` or an attribute of a resource of this stack."""
        resolved = self._stack.resolve(reference)
        if isinstance(resolved, str):
            return resolved
        target = resolved.get("Ref") or resolved["Fn::GetAtt"][0]
        name = self._names.get(target)
        if not isinstance(name, str):
            raise Unnamed(f"{target} has no name")
        return name

    def _id(self, resource: CfnResource) -> str:
        return str(self._stack.get_logical_id(resource))

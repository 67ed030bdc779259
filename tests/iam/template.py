"""What a synthesised app creates, with every reference filled in as CloudFormation would."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.iam.policy import NotUnderstood

ACCOUNT = "000000000000"
REGION = "us-east-1"
STREAM_LABEL = "2026-01-01T00:00:00.000"
_PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::NoValue": None,
}


@dataclass(frozen=True)
class Resource:
    """One resource of a template.

    Attributes:
        name: its logical id.
        properties: with references filled in.
    """

    stack: str
    name: str
    kind: str
    properties: dict[str, Any]

    @property
    def label(self) -> str:
        """The logical id without the hash CDK puts at its end."""
        return re.sub(r"[0-9A-F]{8}$", "", self.name)


class Templates:
    """All stacks of an assembly.

    Args:
        assembly: the directory CDK wrote.
    """

    def __init__(self, assembly: Path) -> None:
        files = sorted(assembly.glob("*.template.json"))
        assert files, f"no template in {assembly}"
        self._stacks: dict[str, Any] = {file.name.partition(".")[0]: json.loads(file.read_text()) for file in files}
        self._exports = dict(self._exported())
        self.resources = [
            Resource(stack, name, raw["Type"], self._resolve(stack, raw.get("Properties", {})))
            for stack, template in self._stacks.items()
            for name, raw in template["Resources"].items()
        ]

    def of(self, kind: str) -> list[Resource]:
        return [resource for resource in self.resources if resource.kind == kind]

    def arn(self, resource: Resource, attribute: str = "Arn") -> str:
        """An attribute of a resource, as Fn::GetAtt gives it."""
        return self._attribute(resource.stack, resource.name, attribute)

    def ref(self, resource: Resource) -> str:
        return self._ref(resource.stack, resource.name)

    def _exported(self) -> Iterator[tuple[str, tuple[str, Any]]]:
        for stack, template in self._stacks.items():
            for output in template.get("Outputs", {}).values():
                if "Export" in output:
                    yield output["Export"]["Name"], (stack, output["Value"])

    def _resolve(self, stack: str, value: Any) -> Any:
        if isinstance(value, list):
            found = [self._resolve(stack, part) for part in value]
            return [part for part in found if part is not None]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Ref":
                return self._ref(stack, argument)
            if name.startswith("Fn::"):
                return self._call(stack, name.removeprefix("Fn::"), argument)
        return {key: self._resolve(stack, part) for key, part in value.items()}

    def _call(self, stack: str, function: str, argument: Any) -> Any:
        match function:
            case "GetAtt":
                name, attribute = argument if isinstance(argument, list) else argument.split(".", 1)
                return self._attribute(stack, name, attribute)
            case "Join":
                separator, parts = argument
                return separator.join(self._resolve(stack, parts))
            case "Sub":
                text, given = argument if isinstance(argument, list) else (argument, {})
                return re.sub(r"\$\{([^}]+)\}", lambda found: self._named(stack, found[1], given), text)
            case "Select":
                index, parts = argument
                return self._resolve(stack, parts)[int(index)]
            case "Split":
                separator, text = argument
                return self._resolve(stack, text).split(separator)
            case "ImportValue":
                return self._resolve(*self._exports[self._resolve(stack, argument)])
            case "GetAZs":
                return [f"{REGION}{zone}" for zone in "abc"]
        raise NotUnderstood(f"Fn::{function}")

    def _named(self, stack: str, name: str, given: dict[str, Any]) -> str:
        if name in given:
            return str(self._resolve(stack, given[name]))
        return self._attribute(stack, *name.split(".", 1)) if "." in name else str(self._ref(stack, name))

    def _ref(self, stack: str, name: str) -> Any:
        if name in _PSEUDO:
            return _PSEUDO[name]
        template = self._stacks[stack]
        if name in template.get("Parameters", {}):
            return template["Parameters"][name].get("Default", f"unknown:{name}")
        return self._facts(stack, name).get("Ref", f"unknown:{name}")

    def _attribute(self, stack: str, name: str, attribute: str) -> str:
        return self._facts(stack, name).get(attribute, f"unknown:{name}.{attribute}")

    def _facts(self, stack: str, name: str) -> dict[str, str]:
        raw = self._stacks[stack]["Resources"][name]
        properties = raw.get("Properties", {})

        def told(key: str) -> str:
            found = self._resolve(stack, properties[key]) if key in properties else None
            return str(found or name)

        make = _FACTS.get(raw["Type"])
        return make(told, properties) if make else {}


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


Told = Callable[[str], str]
"""A property's value, or the logical id where the template leaves the name to CloudFormation."""


def _bucket(told: Told, _: Any) -> dict[str, str]:
    name = told("BucketName")
    return {"Ref": name, "Arn": f"arn:aws:s3:::{name}"}


def _table(told: Told, _: Any) -> dict[str, str]:
    arn = _arn("dynamodb", f"table/{told('TableName')}")
    return {"Ref": told("TableName"), "Arn": arn, "StreamArn": f"{arn}/stream/{STREAM_LABEL}"}


def _queue(told: Told, _: Any) -> dict[str, str]:
    name = told("QueueName")
    url = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"
    return {"Ref": url, "QueueUrl": url, "Arn": _arn("sqs", name), "QueueName": name}


def _topic(told: Told, _: Any) -> dict[str, str]:
    arn = _arn("sns", told("TopicName"))
    return {"Ref": arn, "TopicArn": arn, "TopicName": told("TopicName")}


def _rule(told: Told, properties: Any) -> dict[str, str]:
    bus = f"{told('EventBusName')}/" if "EventBusName" in properties else ""
    return {"Ref": told("Name"), "Arn": _arn("events", f"rule/{bus}{told('Name')}")}


def _role(told: Told, properties: Any) -> dict[str, str]:
    path = told("Path") if "Path" in properties else "/"
    return {"Ref": told("RoleName"), "Arn": f"arn:aws:iam::{ACCOUNT}:role{path}{told('RoleName')}"}


def _machine(told: Told, _: Any) -> dict[str, str]:
    arn = _arn("states", f"stateMachine:{told('StateMachineName')}")
    return {"Ref": arn, "Arn": arn, "Name": told("StateMachineName")}


def _schedule(told: Told, properties: Any) -> dict[str, str]:
    group = told("GroupName") if "GroupName" in properties else "default"
    return {"Ref": told("Name"), "Arn": _arn("scheduler", f"schedule/{group}/{told('Name')}")}


def _key(told: Told, _: Any) -> dict[str, str]:
    name = told("")
    return {"Ref": name, "KeyId": name, "Arn": _arn("kms", f"key/{name}")}


def _plain(key: str, service: str, prefix: str, suffix: str = "") -> Callable[[Told, Any], dict[str, str]]:
    def facts(told: Told, _: Any) -> dict[str, str]:
        return {"Ref": told(key), "Arn": _arn(service, f"{prefix}{told(key)}{suffix}")}

    return facts


def _rest_api(told: Told, _: Any) -> dict[str, str]:
    return {"Ref": told(""), "RestApiId": told(""), "RootResourceId": f"{told('')}-root"}


_FACTS: dict[str, Callable[[Told, Any], dict[str, str]]] = {
    "AWS::S3::Bucket": _bucket,
    "AWS::DynamoDB::Table": _table,
    "AWS::SQS::Queue": _queue,
    "AWS::SNS::Topic": _topic,
    "AWS::Events::Rule": _rule,
    "AWS::Events::EventBus": _plain("Name", "events", "event-bus/"),
    "AWS::IAM::Role": _role,
    "AWS::Lambda::Function": _plain("FunctionName", "lambda", "function:"),
    "AWS::Logs::LogGroup": _plain("LogGroupName", "logs", "log-group:", ":*"),
    "AWS::StepFunctions::StateMachine": _machine,
    "AWS::Scheduler::Schedule": _schedule,
    "AWS::Scheduler::ScheduleGroup": _plain("Name", "scheduler", "schedule-group/"),
    "AWS::CloudWatch::Alarm": _plain("AlarmName", "cloudwatch", "alarm:"),
    "AWS::KMS::Key": _key,
    "AWS::ApiGateway::RestApi": _rest_api,
    "AWS::ApiGateway::Stage": _plain("StageName", "apigateway", "stage/"),
    "AWS::ApiGateway::Resource": lambda told, _: {"Ref": told("")},
    "AWS::ApiGateway::Deployment": lambda told, _: {"Ref": told("")},
}

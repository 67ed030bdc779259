"""Policies of resources: whom queues, topics, buckets, functions and buses let in, and which services knock there."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.iam.policy import NotUnderstood, Request, Statement, listed
from tests.iam.template import ACCOUNT, REGION, Resource, Templates

EVENTS, ALARMS, TOPICS = "events.amazonaws.com", "cloudwatch.amazonaws.com", "sns.amazonaws.com"
API, ACCESS_LOGS = "apigateway.amazonaws.com", "logging.s3.amazonaws.com"
_ACTIONS = {"sqs": "sqs:SendMessage", "sns": "sns:Publish", "lambda": "lambda:InvokeFunction"}


@dataclass(frozen=True)
class Door:
    """The policy of one resource.

    Attributes:
        resource: the policy, as the template has it.
        statements: what it says.
    """

    resource: Resource
    statements: tuple[Statement, ...]


def doors(templates: Templates) -> list[Door]:
    """Every policy of a resource that the app has."""
    found = []
    for resource in templates.resources:
        properties = resource.properties
        match resource.kind:
            case "AWS::SQS::QueuePolicy" | "AWS::SNS::TopicPolicy" | "AWS::S3::BucketPolicy":
                written = properties["PolicyDocument"]["Statement"]
            case "AWS::KMS::Key":
                written = properties["KeyPolicy"]["Statement"]
            case "AWS::ApiGateway::RestApi" if "Policy" in properties:
                written = properties["Policy"]["Statement"]
            case "AWS::Events::EventBusPolicy":
                written = [properties["Statement"]]
            case "AWS::Events::EventBus" if "Policy" in properties:
                written = properties["Policy"]["Statement"]
            case "AWS::Lambda::Permission":
                written = [_permission(properties, templates)]
            case kind if kind.endswith(("Policy", "Permission")) and kind not in _OF_IDENTITIES:
                raise NotUnderstood(f"a resource of type {kind}")
            case _:
                continue
        found.append(Door(resource, tuple(Statement.of(statement) for statement in written)))
    return found


_OF_IDENTITIES = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")


def _permission(properties: dict[str, Any], templates: Templates) -> dict[str, Any]:
    """A permission to call a function, as the statement that Lambda makes of it (AddPermission)."""
    (function,) = (
        templates.arn(function)
        for function in templates.of("AWS::Lambda::Function")
        if properties["FunctionName"] in (templates.arn(function), templates.ref(function))
    )
    condition: dict[str, dict[str, str]] = {}
    if "SourceArn" in properties:
        condition["ArnLike"] = {"AWS:SourceArn": properties["SourceArn"]}
    if "SourceAccount" in properties:
        condition["StringEquals"] = {"AWS:SourceAccount": properties["SourceAccount"]}
    return {
        "Effect": "Allow",
        "Action": properties["Action"],
        "Resource": function,
        "Principal": {"Service": properties["Principal"]},
        "Condition": condition,
    }


def knocks(templates: Templates) -> list[Request]:
    """Every call a service makes in its own name, which only the policy of its target can allow."""
    return [
        *_of_rules(templates),
        *_of_alarms(templates),
        *_of_topics(templates),
        *_of_apis(templates),
        *_of_access_logs(templates),
    ]


def _knock(principal: str, source: str, target: str) -> Request:
    service = target.split(":")[2]
    if service not in _ACTIONS:
        raise NotUnderstood(f"{principal} calls {target}")
    context = {"aws:SourceArn": source, "aws:SourceAccount": ACCOUNT, "aws:SecureTransport": "true"}
    return Request(_ACTIONS[service], target, context, principal)


def _of_rules(templates: Templates) -> Iterator[Request]:
    for rule in templates.of("AWS::Events::Rule"):
        for target in rule.properties["Targets"]:
            if "RoleArn" not in target:
                yield _knock(EVENTS, templates.arn(rule), target["Arn"])
            if letters := target.get("DeadLetterConfig", {}).get("Arn"):
                yield _knock(EVENTS, templates.arn(rule), letters)


def _of_alarms(templates: Templates) -> Iterator[Request]:
    for alarm in [*templates.of("AWS::CloudWatch::Alarm"), *templates.of("AWS::CloudWatch::CompositeAlarm")]:
        for kind in ("AlarmActions", "OKActions", "InsufficientDataActions"):
            for target in alarm.properties.get(kind, []):
                yield _knock(ALARMS, templates.arn(alarm), target)


def _of_topics(templates: Templates) -> Iterator[Request]:
    for subscription in templates.of("AWS::SNS::Subscription"):
        properties = subscription.properties
        if properties["Protocol"] in ("sqs", "lambda"):
            yield _knock(TOPICS, properties["TopicArn"], properties["Endpoint"])


def _of_apis(templates: Templates) -> Iterator[Request]:
    """API Gateway Developer Guide: the source is `{api}/{stage}/{method}/{path}`."""
    for method in templates.of("AWS::ApiGateway::Method"):
        uri = method.properties.get("Integration", {}).get("Uri", "")
        found = re.search(r"functions/(arn:aws:lambda:[^/]+)/invocations", uri)
        if found and "Credentials" not in method.properties["Integration"]:
            api = method.properties["RestApiId"]
            path = f"{method.properties['HttpMethod']}{_path(method.properties['ResourceId'], templates)}"
            for stage in templates.of("AWS::ApiGateway::Stage"):
                if stage.properties["RestApiId"] == api:
                    source = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}/{templates.ref(stage)}/{path}"
                    yield _knock(API, source, found[1])


def _path(resource_id: str, templates: Templates) -> str:
    """The path of an API's resource, with something in place of its parameters."""
    for resource in templates.of("AWS::ApiGateway::Resource"):
        if templates.ref(resource) == resource_id:
            part = re.sub(r"\{.*\}", "one", resource.properties["PathPart"])
            return f"{_path(resource.properties['ParentId'], templates)}/{part}"
    return ""


def _of_access_logs(templates: Templates) -> Iterator[Request]:
    for bucket in templates.of("AWS::S3::Bucket"):
        logging = bucket.properties.get("LoggingConfiguration")
        if logging:
            target = f"arn:aws:s3:::{logging['DestinationBucketName']}/{logging.get('LogFilePrefix', '')}one"
            context = {
                "aws:SourceArn": templates.arn(bucket),
                "aws:SourceAccount": ACCOUNT,
                "aws:SecureTransport": "true",
            }
            yield Request("s3:PutObject", target, context, ACCESS_LOGS)


def services(statement: Statement) -> list[str]:
    """The services that a statement names."""
    return [named.removeprefix("Service:") for named in statement.principals if named.startswith("Service:")]


def condition(statement: Statement, key: str) -> tuple[str, ...]:
    """The values a statement asks of a condition key; none where it does not ask."""
    return tuple(
        value
        for _, keys in statement.conditions
        for name, values in keys
        if name.lower() == key.lower()
        for value in listed(values)
    )


def asked(statement: Statement, key: str) -> bool:
    """Whether the statement matches only where the key is sent."""
    return any(
        name.lower() == key.lower() and not operator.endswith("IfExists")
        for operator, keys in statement.conditions
        for name, _ in keys
    )

"""What AWS's services do under a role of ours: by themselves, so in no record of calls. Each with its source.

Both ways: a service that may not do what it needs fails at night; a right that no service needs is one too many.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from haulier.contracts.keys import batch_list_key, plan_key
from tests.iam.policy import NotUnderstood, Request
from tests.iam.roles import Role
from tests.iam.template import ACCOUNT, REGION, Resource, Templates

VIA_S3 = f"s3.{REGION}.amazonaws.com"
CALLBACK = ".waitForTaskToken"
PLANS = {"haulier-test-chunks": plan_key("job", 1, 0), "haulier-test-batch": batch_list_key("job", 1, 0, "digest")}
"""Machine → the list its map reads, whose key comes in the input: from the functions of the machine alone."""


@dataclass(frozen=True)
class Need:
    """Something a service does.

    Attributes:
        request: the action, and one resource it is done to.
        why: who does it, and when.
    """

    request: Request
    why: str


def needs(role: Role, templates: Templates) -> list[Need]:
    """What services do under this role, whoever takes it."""
    found: list[Need] = []
    for user in role.users:
        found += _BY_KIND.get(user.kind, _nothing)(user, templates)
    return found


def _nothing(_user: Resource, _templates: Templates) -> Iterator[Need]:
    yield from ()


def _need(action: str, resource: str, why: str) -> Need:
    return Need(Request(action, resource), why)


def _function(function: Resource, templates: Templates) -> Iterator[Need]:
    """Lambda Developer Guide: execution roles, X-Ray, event sources; AWS's own managed policies for each."""
    properties = function.properties
    group = properties.get("LoggingConfig", {}).get("LogGroup", f"/aws/lambda/{templates.ref(function)}")
    stream = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:log-stream:2026/01/01/one"
    for action in ("logs:CreateLogStream", "logs:PutLogEvents"):
        yield _need(action, stream, "Lambda writes the function's log")
    if properties.get("TracingConfig", {}).get("Mode") == "Active":
        for action in ("xray:PutTraceSegments", "xray:PutTelemetryRecords"):
            yield _need(action, "*", "Lambda sends the function's traces")
    if queue := properties.get("DeadLetterConfig", {}).get("TargetArn"):
        yield _to(queue, "Lambda puts aside what the function could not do")
    if "VpcConfig" in properties:
        yield from _network(properties["VpcConfig"])
    names = (templates.ref(function), templates.arn(function))
    for config in templates.of("AWS::Lambda::EventInvokeConfig"):
        for way in config.properties.get("DestinationConfig", {}).values():
            if config.properties["FunctionName"] in names and "Destination" in way:
                yield _to(way["Destination"], "Lambda puts aside an invocation that failed")
    for source in templates.of("AWS::Lambda::EventSourceMapping"):
        if source.properties["FunctionName"] in names:
            yield from _event_source(source.properties)


def _network(vpc: dict[str, list[str]]) -> Iterator[Need]:
    """The actions of AWSLambdaVPCAccessExecutionRole."""
    for action in ("ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"):
        yield _need(action, "*", "Lambda looks for the function's place in the VPC")
    interface = f"arn:aws:ec2:{REGION}:{ACCOUNT}:network-interface/one"
    for action in ("Create", "Delete"):
        yield _need(f"ec2:{action}NetworkInterface", interface, "Lambda joins the function to the VPC")
    # Making one is a right on its subnet and groups, too, which in a shared VPC are another account's.
    ends = [f"subnet/{one}" for one in vpc["SubnetIds"]] + [f"security-group/{one}" for one in vpc["SecurityGroupIds"]]
    for end in ends:
        shared = f"arn:aws:ec2:{REGION}:111122223333:{end}"
        yield _need("ec2:CreateNetworkInterface", shared, "Lambda joins the function to the VPC")
    for action in ("Assign", "Unassign"):
        yield _need(f"ec2:{action}PrivateIpAddresses", interface, "Lambda joins the function to the VPC")


def _api_account(_account: Resource, _templates: Templates) -> Iterator[Need]:
    """The actions of AmazonAPIGatewayPushToCloudWatchLogs; a role with fewer is refused."""
    for action in (
        "CreateLogGroup", "CreateLogStream", "DescribeLogGroups", "DescribeLogStreams", "PutLogEvents", "GetLogEvents",
        "FilterLogEvents",
    ):  # fmt: skip
        yield _need(f"logs:{action}", "*", "API Gateway writes the logs of every REST API of the region")


def _event_source(source: dict[str, Any]) -> Iterator[Need]:
    arn = source["EventSourceArn"]
    if ":sqs:" in arn:
        # The actions of AWSLambdaSQSQueueExecutionRole.
        for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"):
            yield _need(f"sqs:{action}", arn, "Lambda takes messages from the queue")
    elif ":dynamodb:" in arn:
        # The actions of AWSLambdaDynamoDBExecutionRole.
        for action in ("DescribeStream", "GetRecords", "GetShardIterator"):
            yield _need(f"dynamodb:{action}", arn, "Lambda reads the table's stream")
        yield _need("dynamodb:ListStreams", "*", "Lambda looks for the table's stream")
    else:
        raise NotUnderstood(f"events from {arn}")
    if failed := source.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination"):
        yield _to(failed, "Lambda puts aside a batch that failed")


def _to(arn: str, why: str) -> Need:
    service = arn.split(":")[2]
    actions = {
        "sqs": "sqs:SendMessage",
        "sns": "sns:Publish",
        "lambda": "lambda:InvokeFunction",
        "states": "states:StartExecution",
        "events": "events:PutEvents",
    }
    if service not in actions:
        raise NotUnderstood(f"a destination like {arn}")
    return _need(actions[service], arn, why)


def _schedule(schedule: Resource, _: Templates) -> Iterator[Need]:
    target = schedule.properties["Target"]
    yield _to(target["Arn"], f"Scheduler calls its target ({schedule.properties['ScheduleExpression']})")
    if letters := target.get("DeadLetterConfig", {}).get("Arn"):
        yield _to(letters, "Scheduler puts aside an invocation it could not make")


def _rule(rule: Resource, _: Templates) -> Iterator[Need]:
    for target in rule.properties["Targets"]:
        if "RoleArn" in target:
            yield _to(target["Arn"], f"EventBridge brings events of the rule {rule.properties['Name']}")


def _machine(machine: Resource, templates: Templates) -> Iterator[Need]:
    """Step Functions Developer Guide: "IAM policies for integrated services", "for Distributed Map", "logging"."""
    definition = json.loads(machine.properties["DefinitionString"])
    for state in states(definition):
        yield from _state(state, machine, templates)
    if machine.properties.get("LoggingConfiguration", {}).get("Level", "OFF") != "OFF":
        for action in (
            "CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries",
            "PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups",
        ):  # fmt: skip
            yield _need(f"logs:{action}", "*", "Step Functions sets up the delivery of its log")
    if machine.properties.get("TracingConfiguration", {}).get("Enabled"):
        for action in ("PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets"):
            yield _need(f"xray:{action}", "*", "Step Functions sends its traces")


def states(definition: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every state of a definition, of maps and parallels, too."""
    for state in definition["States"].values():
        yield state
        inner = [state.get("ItemProcessor"), state.get("Iterator"), *state.get("Branches", [])]
        for part in inner:
            if part:
                yield from states(part)


def _state(state: dict[str, Any], machine: Resource, templates: Templates) -> Iterator[Need]:
    if state["Type"] == "Task":
        yield from _task(state, machine, templates)
    elif state["Type"] == "Map" and state["ItemProcessor"].get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED":
        yield from _distributed(state, machine, templates)
    elif state["Type"] not in ("Map", "Choice", "Pass", "Succeed", "Fail", "Wait", "Parallel"):
        raise NotUnderstood(f"a state of type {state['Type']}")


def _task(state: dict[str, Any], machine: Resource, templates: Templates) -> Iterator[Need]:
    call = state["Resource"].removeprefix("arn:aws:states:::").removesuffix(CALLBACK)
    given = state.get("Parameters", state.get("Arguments", {}))
    if call == "lambda:invoke":
        yield _need("lambda:InvokeFunction", _function_arn(given["FunctionName"], templates), "a step of the machine")
    elif call == "sqs:sendMessage":
        for queue in _queues(given, machine, templates):
            yield _need("sqs:SendMessage", queue, "a step of the machine sends work")
    else:
        raise NotUnderstood(f"a task that calls {call}")


def _distributed(state: dict[str, Any], machine: Resource, templates: Templates) -> Iterator[Need]:
    arn = templates.arn(machine)
    yield _need("states:StartExecution", arn, "a Distributed Map starts a child for each item")
    name = machine.properties["StateMachineName"]
    for execution in (f"{name}:one", f"{name}/{state.get('Label', 'map')}:one"):
        for action in ("DescribeExecution", "StopExecution"):
            executions = arn.replace(":stateMachine:", ":execution:").replace(name, execution)
            yield _need(f"states:{action}", executions, "a Distributed Map watches and stops its children")
    if "ResultWriter" in state:
        raise NotUnderstood("a ResultWriter")
    if reader := state.get("ItemReader"):
        if not reader["Resource"].endswith("s3:getObject"):
            raise NotUnderstood(f"a map that reads {reader['Resource']}")
        bucket = _output(templates)
        yield _need("s3:GetObject", f"{bucket}/{PLANS[name]}", "a Distributed Map reads its list")
        if key := key_of(bucket, templates):
            yield Need(Request("kms:Decrypt", key, {"kms:ViaService": VIA_S3}), "a Distributed Map reads its list")


def key_of(bucket: str, templates: Templates) -> str | None:
    """ARN of the customer's key a bucket is encrypted with."""
    (found,) = (one for one in templates.of("AWS::S3::Bucket") if templates.arn(one) == bucket)
    (rule,) = found.properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    key: str | None = rule["ServerSideEncryptionByDefault"].get("KMSMasterKeyID")
    return key


def _function_arn(named: str, templates: Templates) -> str:
    (function,) = (f for f in templates.of("AWS::Lambda::Function") if named in (templates.ref(f), templates.arn(f)))
    return templates.arn(function)


def _queues(given: dict[str, Any], machine: Resource, templates: Templates) -> list[str]:
    """The queue that is named; where it comes in the input, every queue that functions of the machine know to send to.

    Those are the only ones who write that input.
    """
    urls = {templates.ref(queue): templates.arn(queue) for queue in templates.of("AWS::SQS::Queue")}
    if "QueueUrl" in given:
        return [urls[given["QueueUrl"]]]
    definition = machine.properties["DefinitionString"]
    told = [
        value
        for function in templates.of("AWS::Lambda::Function")
        if templates.arn(function) in definition
        for key, value in function.properties["Environment"]["Variables"].items()
        if key.endswith("_QUEUE_URL")
    ]
    assert told, "no function of the machine knows a queue"
    return sorted({urls[url] for url in told})


def _output(templates: Templates) -> str:
    (bucket,) = {
        function.properties["Environment"]["Variables"].get("HAULIER_OUTPUT_BUCKET")
        for function in templates.of("AWS::Lambda::Function")
    } - {None}
    return f"arn:aws:s3:::{bucket}"


_BY_KIND = {
    "AWS::Lambda::Function": _function,
    "AWS::Scheduler::Schedule": _schedule,
    "AWS::Events::Rule": _rule,
    "AWS::StepFunctions::StateMachine": _machine,
    "AWS::ApiGateway::Account": _api_account,
}

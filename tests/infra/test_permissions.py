"""Least privilege: every wildcard resource is one that AWS does not let us narrow, and is listed here."""

import json
from typing import Any

import pytest

from tests.infra.conftest import Stacks, listed

WITHOUT_RESOURCES = {
    # X-Ray knows no resources.
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    # Listing streams is not for one table.
    "dynamodb:ListStreams",
    # Log delivery of a state machine: AWS's documentation gives "*".
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
    # A task token is the right to answer it.
    "states:SendTaskSuccess",
    "states:SendTaskFailure",
    "states:SendTaskHeartbeat",
}


def all_statements(stacks: Stacks) -> list[tuple[str, dict[str, Any]]]:
    found = [
        (name, statement)
        for name, policy in stacks.of_type("AWS::IAM::Policy").items()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]
    assert len(found) > 40
    return found


def allowed(stacks: Stacks, role: str) -> set[str]:
    return {
        action
        for statement in stacks.statements(role)
        if statement["Effect"] == "Allow"
        for action in listed(statement["Action"])
    }


def test_no_action_is_a_wildcard(prod: Stacks):
    for name, statement in all_statements(prod):
        assert not [action for action in listed(statement["Action"]) if "*" in action], name


def test_a_resource_is_a_wildcard_only_where_aws_knows_none(prod: Stacks):
    for name, statement in all_statements(prod):
        if statement["Effect"] == "Allow" and "*" in [r for r in listed(statement["Resource"]) if isinstance(r, str)]:
            assert set(listed(statement["Action"])) <= WITHOUT_RESOURCES, name


def test_every_role_is_denied_to_delete_a_bucket_or_the_table(prod: Stacks):
    roles = set(prod.of_type("AWS::IAM::Role"))
    denied = set()
    for policy in prod.of_type("AWS::IAM::Policy").values():
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            if statement["Effect"] == "Deny":
                assert set(listed(statement["Action"])) == {"s3:DeleteBucket", "dynamodb:DeleteTable"}
                denied |= {role["Ref"] for role in policy["Properties"]["Roles"]}
    assert denied == roles


def test_no_role_has_a_managed_policy(prod: Stacks):
    for role in prod.of_type("AWS::IAM::Role").values():
        assert "ManagedPolicyArns" not in role["Properties"]


def test_each_function_has_a_role_of_its_own(prod: Stacks):
    roles = {json.dumps(f["Properties"]["Role"]) for f in prod.of_type("AWS::Lambda::Function").values()}
    assert len(roles) == 5


def test_the_worker_role_is_for_ecs_tasks_and_has_its_agreed_name(prod: Stacks):
    role = prod.named("AWS::IAM::Role", "RoleName", "haulier-test-worker-task")
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}


def test_a_worker_may_do_what_its_chunks_take_and_nothing_else(prod: Stacks):
    assert allowed(prod, "WorkerRole") == {
        "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:ChangeMessageVisibilityBatch",
        "sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:SendMessage",
        "s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:PutObject", "s3:DeleteObject",
        "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts", "s3:ListBucketMultipartUploads",
        "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem",
        "dynamodb:ConditionCheckItem",
        "states:SendTaskSuccess", "states:SendTaskFailure", "states:SendTaskHeartbeat",
        "ecs:GetTaskProtection", "ecs:UpdateTaskProtection",
    }  # fmt: skip


def test_a_worker_may_ask_to_be_left_alone_for_tasks_of_its_own_cluster_only(prod: Stacks):
    (statement,) = (s for s in prod.statements("WorkerRole") if "ecs:UpdateTaskProtection" in listed(s["Action"]))
    assert statement["Resource"]["Fn::Join"][1][-1] == ":task/haulier-test/*"


def test_a_chunk_may_move_to_the_on_demand_queue_and_intake_and_janitor_may_send_to_it(prod: Stacks):
    for role in ("WorkerRole", "IntakeRole", "JanitorRole"):
        (sends,) = (s for s in prod.statements(role) if "sqs:SendMessage" in listed(s["Action"]))
        assert "QueuesOndemand" in json.dumps(sends["Resource"]), role


@pytest.mark.parametrize("role", ["IntakeRole", "PlanRole", "AssembleRole", "NotifyRole", "JanitorRole", "WorkerRole"])
def test_nobody_writes_to_the_input_bucket(prod: Stacks, role: str):
    writing = {"s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"}
    for statement in prod.statements(role):
        if statement["Effect"] == "Allow" and writing & set(listed(statement["Action"])):
            assert "Input" not in json.dumps(statement["Resource"])


def test_writes_of_a_worker_stay_under_the_prefixes_of_results(prod: Stacks):
    (statement,) = (s for s in prod.statements("WorkerRole") if s["Action"] == "s3:PutObject")
    prefixes = {resource["Fn::Join"][1][-1] for resource in statement["Resource"]}
    assert prefixes == {"/processed/*", "/rejected/*", "/failed/*"}


def test_a_worker_may_copy_what_it_joins_and_read_nothing_else_of_the_output_bucket(prod: Stacks):
    """UploadPartCopy: GetObject on its source, PutObject on its target; both lie under `processed/`."""
    resources = [
        resource
        for statement in prod.statements("WorkerRole")
        if "s3:GetObject" in listed(statement["Action"]) and "StorageOutput" in json.dumps(statement["Resource"])
        for resource in listed(statement["Resource"])
    ]
    assert {resource["Fn::Join"][1][-1] for resource in resources} == {
        "/processed/*", "/rejected/*", "/failed/*", "/temp/*",
    }  # fmt: skip


def test_the_machine_may_start_only_itself(prod: Stacks):
    (statement,) = (s for s in prod.statements("MachineRole") if s["Action"] == "states:StartExecution")
    assert json.dumps(statement["Resource"]).endswith(':stateMachine:haulier-test-chunks"]]}')


def test_intake_may_not_touch_the_output_bucket(prod: Stacks):
    assert "StorageOutput" not in json.dumps(prod.statements("IntakeRole"))

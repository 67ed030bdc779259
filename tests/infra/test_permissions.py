"""Least privilege, part by part: what this or that part must never get. What holds for every role is in tests/iam."""

import json

import pytest

from tests.iam.policy import Request, decide
from tests.iam.roles import Role, roles
from tests.iam.template import Templates
from tests.infra.conftest import Stacks

INPUT, OUTPUT = (f"arn:aws:s3:::haulier-test-{name}-000000000000-us-east-1" for name in ("input", "output"))
WRITING = ("s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:AbortMultipartUpload")
Roles = dict[str, Role]


@pytest.fixture(scope="module")
def role(prod: Stacks) -> Roles:
    """Roles by who takes them."""
    return {role.label: role for role in roles(Templates(prod.outdir))}


def resources(role: Role, *actions: str) -> set[str]:
    """What a role may do these things to."""
    return {resource for action, resource in role.allowed if action in actions}


def test_no_role_has_a_managed_policy(prod: Stacks):
    for role in prod.of_type("AWS::IAM::Role").values():
        assert "ManagedPolicyArns" not in role["Properties"]


def test_each_function_has_a_role_of_its_own(prod: Stacks):
    functions = prod.of_type("AWS::Lambda::Function")
    assert len({json.dumps(function["Properties"]["Role"]) for function in functions.values()}) == len(functions) >= 5


def test_the_worker_role_is_for_ecs_tasks_and_has_its_agreed_name(prod: Stacks):
    role = prod.named("AWS::IAM::Role", "RoleName", "haulier-test-worker-task")
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}


def test_a_worker_may_do_what_its_chunks_take_and_nothing_else(role: Roles):
    assert role["worker"].actions == {
        "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:SendMessage",
        "s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:PutObject", "s3:DeleteObject",
        "s3:AbortMultipartUpload", "s3:ListBucketMultipartUploads",
        "dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:UpdateItem",
        "states:SendTaskSuccess", "states:SendTaskFailure", "states:SendTaskHeartbeat",
        "ecs:GetTaskProtection", "ecs:UpdateTaskProtection",
    }  # fmt: skip


def test_a_worker_may_ask_to_be_left_alone_for_tasks_of_its_own_cluster_only(role: Roles):
    (tasks,) = resources(role["worker"], "ecs:GetTaskProtection", "ecs:UpdateTaskProtection")
    assert tasks.endswith(":task/haulier-test/*")


@pytest.mark.parametrize("label", ["worker", "intake", "janitor"])
def test_a_chunk_may_move_to_the_on_demand_queue_and_intake_and_janitor_may_send_to_it(role: Roles, label: str):
    assert "arn:aws:sqs:us-east-1:000000000000:haulier-test-ondemand" in resources(role[label], "sqs:SendMessage")


def test_nobody_writes_to_the_input_bucket(role: Roles):
    for one in role.values():
        for action in WRITING:
            assert decide(one.statements, Request(action, f"{INPUT}/incoming/key")) != "allow", one.label


def test_nobody_deletes_versions_or_items_or_changes_what_holds_data(role: Roles):
    for one in role.values():
        forbidden = {"s3:DeleteObjectVersion", "s3:PutBucketPolicy", "dynamodb:DeleteItem", "dynamodb:UpdateTable"}
        assert not one.actions & forbidden, one.label


def test_writes_of_a_worker_stay_under_the_prefixes_of_results(role: Roles):
    assert resources(role["worker"], "s3:PutObject") == {f"{OUTPUT}/{p}/*" for p in ("processed", "rejected", "failed")}


def test_a_worker_may_copy_what_it_joins_and_read_nothing_else_of_the_output_bucket(role: Roles):
    """UploadPartCopy: GetObject on its source, PutObject on its target; both lie under `processed/`."""
    assert resources(role["worker"], "s3:GetObject") == {f"{INPUT}/*", f"{OUTPUT}/processed/*"}


def test_the_machine_may_start_only_itself(role: Roles):
    started = resources(role["state machine chunks"], "states:StartExecution")
    assert started == {"arn:aws:states:us-east-1:000000000000:stateMachine:haulier-test-chunks"}


def test_intake_may_not_touch_the_output_bucket(role: Roles):
    assert not [resource for _, resource in role["intake"].allowed if resource.startswith(OUTPUT)]

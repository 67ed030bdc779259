"""The judgement over a record, on records made up here: it must fail where something is wrong."""

import pytest

from tests.iam import usage
from tests.iam.explained import NEVER, SOMETIMES
from tests.iam.policy import Request
from tests.iam.record import Call
from tests.iam.roles import Role, roles
from tests.iam.template import Templates

JOBS = "arn:aws:dynamodb:us-east-1:000000000000:table/haulier-test-jobs"


@pytest.fixture
def worker(prod_templates: Templates) -> Role:
    (role,) = (role for role in roles(prod_templates) if role.label == "worker")
    return role


def call(role: str | None, action: str, resource: str = JOBS, error: str | None = None) -> Call:
    return Call(role, (Request(action, resource),), 403 if error else 200, error, (None, None))


def test_a_call_is_judged_by_the_policy_of_its_role(worker: Role) -> None:
    by_name = {"role": worker}
    assert not usage.not_allowed([call("role", "dynamodb:GetItem"), call(None, "dynamodb:DeleteTable")], by_name)
    assert usage.not_allowed([call("role", "dynamodb:DeleteItem")], by_name) == [
        f"worker: dynamodb:DeleteItem on {JOBS}: nothing"
    ]
    assert usage.not_allowed([call("role", "dynamodb:DeleteTable")], by_name) == [
        f"worker: dynamodb:DeleteTable on {JOBS}: deny"
    ]
    assert usage.not_allowed([call("role", "dynamodb:GetItem", f"{JOBS}2")], by_name)
    assert usage.not_allowed([call("stranger", "dynamodb:GetItem")], by_name)


def test_a_call_that_the_emulator_refused_is_told_though_the_policy_allows_it(worker: Role) -> None:
    refused = call("role", "dynamodb:GetItem", error="AccessDeniedException")
    assert usage.not_allowed([refused], {"role": worker})
    assert not usage.used([refused], {"role": "worker"})


def test_a_right_that_nobody_used_or_explained_is_told(prod_templates: Templates, worker: Role) -> None:
    everything = {("worker", action) for action in worker.actions}
    assert not usage.unexplained([worker], prod_templates, everything)
    without = everything - {("worker", "s3:PutObject")}
    assert usage.unexplained([worker], prod_templates, without) == ["worker: s3:PutObject"]


def test_what_a_service_uses_by_itself_needs_no_call(prod_templates: Templates) -> None:
    alone = [role for role in roles(prod_templates) if role.label.startswith(("schedule ", "state machine "))]
    assert len(alone) > 2
    assert not usage.unexplained(alone, prod_templates, set())


def test_an_explanation_that_is_not_true_any_more_is_told(worker: Role) -> None:
    assert not usage.stale([worker], set())
    right = next(iter(NEVER))
    assert usage.stale([worker], {right}) == [f"{right[0]}: {right[1]} is used after all"]


def test_every_explained_right_is_one(full_templates: Templates) -> None:
    allowed = {(role.label, action) for role in roles(full_templates) for action in role.actions}
    assert NEVER.keys() | SOMETIMES.keys() <= allowed
    assert not NEVER.keys() & SOMETIMES.keys()
    assert all(why.strip() for why in [*NEVER.values(), *SOMETIMES.values()])


def test_what_settings_add_to_the_defaults_is_explained(prod_templates: Templates, full_templates: Templates) -> None:
    """The stack that is tested has what the defaults make. Use of a key is proven in test_services."""
    default, full = roles(prod_templates), roles(full_templates)
    taken = {(role.label, action) for role in default for action in role.actions}
    rest = usage.unexplained(full, full_templates, taken)
    assert {line.rpartition(": ")[2].partition(":")[0] for line in rest} == {"kms"}


def test_what_calls_prove_for_the_stack_that_is_tested_holds_in_production(
    prod_templates: Templates, dev_templates: Templates
) -> None:
    """The embedded stack has the profile `dev`."""
    prod, dev = ({role.label: role.allowed for role in roles(one)} for one in (prod_templates, dev_templates))
    assert prod == dev

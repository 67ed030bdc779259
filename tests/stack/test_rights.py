"""After everything else (sorted last): what the whole run called, judged by the policies that ship.

A record of every call lies where `CALLS` of conftest says, for whoever wants to look. The emulator enforces policies,
too; these tests judge by an engine of their own, so neither has to be believed.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from haulier.local.stack import ACCOUNT
from tests.iam import usage
from tests.iam.record import Call, read
from tests.iam.roles import Role, roles
from tests.iam.template import Templates
from tests.stack.conftest import Stack


@pytest.fixture(scope="module")
def templates(stack: Stack) -> Templates:
    """What is deployed."""
    return Templates(Path(stack.info.directory) / "cdk.out")


@pytest.fixture(scope="module")
def by_name(stack: Stack, templates: Templates) -> Mapping[str, Role]:
    """The role of each name that CloudFormation gave."""
    pages = stack.clients["cloudformation"].get_paginator("list_stack_resources")
    names = {
        entry["LogicalResourceId"]: entry["PhysicalResourceId"]
        for deployed in ("data", "pipeline")
        for page in pages.paginate(StackName=stack.names.stack(deployed))
        for entry in page["StackResourceSummaries"]
        if entry["ResourceType"] == "AWS::IAM::Role"
    }
    return {names[role.resource.name]: role for role in roles(templates)}


@pytest.fixture(scope="module")
def calls(stack: Stack) -> list[Call]:
    return list(read(stack.record))


def test_roles_made_calls(calls: list[Call], by_name: Mapping[str, Role]) -> None:
    """Else the others would prove nothing."""
    seen = {by_name[call.role].label for call in calls if call.role in by_name}
    assert "worker" in seen
    assert "intake" in seen


def test_every_call_is_allowed_by_the_policy_of_the_role_that_made_it(
    calls: list[Call], by_name: Mapping[str, Role]
) -> None:
    wrong = usage.not_allowed(calls, by_name)
    assert not wrong


def test_every_call_to_a_bucket_names_the_account_that_must_own_it(calls: list[Call]) -> None:
    to_buckets = [call for call in calls if call.role and any(r.action.startswith("s3:") for r in call.rights)]
    assert to_buckets
    for call in to_buckets:
        assert call.owner[0] == ACCOUNT, call
        if len({right.action for right in call.rights}) > 1:
            # A copy reads its source, too.
            assert call.owner[1] == ACCOUNT, call


@pytest.mark.whole_run
def test_every_right_is_used_or_explained(calls: list[Call], templates: Templates, by_name: Mapping[str, Role]) -> None:
    labels = {name: role.label for name, role in by_name.items()}
    taken = usage.used(calls, labels)
    neither = usage.unexplained(by_name.values(), templates, taken)
    assert not neither
    wrong = usage.stale(by_name.values(), taken)
    assert not wrong

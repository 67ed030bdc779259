"""What AWS's services do under our roles, which no emulator enforces: each may do what it needs, and no more."""

import pytest

from tests.iam.needs import VIA_S3, key_of, needs
from tests.iam.policy import Request, decide, like
from tests.iam.roles import Role, roles
from tests.iam.template import Templates

SERVICES_ALONE = ("AWS::StepFunctions::StateMachine", "AWS::Scheduler::Schedule", "AWS::Events::Rule")
"""Who takes a role and runs no code of ours under it: there, what no service needs nobody needs."""


def test_every_service_may_do_what_it_does_by_itself(templates: Templates, every_role: list[Role]) -> None:
    missing = [
        f"{role.label}: {need.request.action} on {need.request.resource} ({need.why})"
        for role in every_role
        for need in needs(role, templates)
        if decide(role.statements, need.request) != "allow"
    ]
    assert not missing


def test_a_role_that_only_services_take_allows_what_they_need_and_nothing_else(
    templates: Templates, every_role: list[Role]
) -> None:
    alone = [role for role in every_role if role.users and all(user.kind in SERVICES_ALONE for user in role.users)]
    assert {user.kind for role in alone for user in role.users} >= set(SERVICES_ALONE[:2])
    needless = [
        f"{role.label}: {action} on {resource}"
        for role in alone
        for action, resource in role.allowed
        if not any(
            need.request.action == action and like(resource, need.request.resource) for need in needs(role, templates)
        )
    ]
    assert not needless


def test_a_state_machine_has_a_role_a_schedule_has_one_and_a_function_has_one(
    templates: Templates, every_role: list[Role]
) -> None:
    taken = [user for role in every_role for user in role.users]
    kinds = ("AWS::Lambda::Function", *SERVICES_ALONE[:2])
    assert sorted(user.name for user in taken if user.kind in kinds) == sorted(
        resource.name for kind in kinds for resource in templates.of(kind)
    )


def test_no_role_is_shared(every_role: list[Role]) -> None:
    shared = {role.label: [user.name for user in role.users] for role in every_role if len(role.users) > 1}
    assert not shared


def test_the_analysis_sees_a_right_that_is_missing(templates: Templates, every_role: list[Role]) -> None:
    """Were one of its statements taken away, each role of a service would lack something."""
    for role in every_role:
        if not role.users or role.users[0].kind not in SERVICES_ALONE:
            continue
        for index, statement in enumerate(role.statements):
            if statement.effect == "Deny":
                continue
            rest = role.statements[:index] + role.statements[index + 1 :]
            lacking = [n for n in needs(role, templates) if decide(rest, n.request) != "allow"]
            assert lacking, f"{role.label}: {statement}"


@pytest.mark.parametrize("action", ["states:SendTaskSuccess", "states:SendTaskFailure", "states:SendTaskHeartbeat"])
def test_tokens_are_answered_for_the_state_machines_of_the_app_only(
    templates: Templates, every_role: list[Role], action: str
) -> None:
    """A Distributed Map's children are of the machine `{machine}/{label}`."""
    machines = {templates.arn(machine) for machine in templates.of("AWS::StepFunctions::StateMachine")}
    given = {resource for role in every_role for allowed, resource in role.allowed if allowed == action}
    assert given
    assert {resource.removesuffix("/*") for resource in given} <= machines


def test_who_reads_or_writes_what_a_key_encrypts_may_use_the_key_and_through_s3_only(full_templates: Templates) -> None:
    buckets = {full_templates.arn(bucket) for bucket in full_templates.of("AWS::S3::Bucket")}
    keys = {bucket: key for bucket in buckets if (key := key_of(bucket, full_templates))}
    assert len(keys) == 2
    for role in roles(full_templates):
        for action, resource in role.allowed:
            key = keys.get(resource.partition("/")[0])
            needed = {"s3:GetObject": ("kms:Decrypt",), "s3:PutObject": ("kms:Decrypt", "kms:GenerateDataKey")}
            for use in needed.get(action, ()) if key else ():
                assert key
                assert decide(role.statements, Request(use, key, {"kms:ViaService": VIA_S3})) == "allow", role.label
                assert decide(role.statements, Request(use, key)) != "allow", role.label

"""Who may take a role: a service that acts for this account, and for the resource the role is made for."""

import re

from tests.iam.doors import asked, condition, services
from tests.iam.policy import Request, Statement, decide, like
from tests.iam.roles import Role
from tests.iam.template import ACCOUNT, Templates

SOURCE_ACCOUNT, SOURCE_ARN = "aws:SourceAccount", "aws:SourceArn"
NOT_DOCUMENTED = {
    (
        "lambda.amazonaws.com",
        SOURCE_ACCOUNT,
    ): "Lambda's guide says of no key that it is sent when it takes a role;"
    " and a role can be passed to functions of its own account only (IAM User Guide, PassRole)",
    ("lambda.amazonaws.com", SOURCE_ARN): "as the account",
    ("apigateway.amazonaws.com", SOURCE_ACCOUNT): "the role belongs to the account's settings and to no API; the guide"
    " says of nothing that it is sent",
    ("apigateway.amazonaws.com", SOURCE_ARN): "as the account",
}
"""Service and key → why the key may be absent. A condition on a key that is not sent is never met, and nothing runs."""


def by_services(every_role: list[Role]) -> list[tuple[Role, Statement, str]]:
    found = [(role, s, service) for role in every_role for s in role.trust for service in services(s)]
    assert found
    return found


def test_every_service_takes_a_role_for_this_account_only(every_role: list[Role]) -> None:
    for role, statement, service in by_services(every_role):
        assert condition(statement, SOURCE_ACCOUNT) == (ACCOUNT,), role.label
        assert asked(statement, SOURCE_ACCOUNT) == ((service, SOURCE_ACCOUNT) not in NOT_DOCUMENTED), role.label


def test_and_for_the_resource_the_role_is_made_for(templates: Templates, every_role: list[Role]) -> None:
    for role, statement, service in by_services(every_role):
        sources = condition(statement, SOURCE_ARN)
        assert asked(statement, SOURCE_ARN) == ((service, SOURCE_ARN) not in NOT_DOCUMENTED), role.label
        assert all(f":{ACCOUNT}:" in source for source in sources), role.label
        for user in role.users:
            # Scheduler sends the ARN of the group a schedule lies in (Scheduler User Guide, "Confused deputy").
            arn = re.sub(r":schedule/([^/]+)/.*", r":schedule-group/\1", templates.arn(user))
            assert not sources or any(like(source, arn) for source in sources), f"{role.label}: {arn}"


def test_every_exception_is_one(every_role: list[Role]) -> None:
    named = {service for _, _, service in by_services(every_role)}
    assert {service for service, _ in NOT_DOCUMENTED} <= named


def test_only_services_take_roles_or_who_proves_to_be_a_named_repository(every_role: list[Role]) -> None:
    for role in every_role:
        for statement in role.trust:
            kinds = {named.partition(":")[0] for named in statement.principals}
            assert kinds in ({"Service"}, {"Federated"}), role.label
            if kinds == {"Federated"}:
                keys = {key.rpartition(":")[2] for _, pairs in statement.conditions for key, _ in pairs}
                assert keys >= {"aud", "sub"}, role.label
                assert not [s for s in condition(statement, "token.actions.githubusercontent.com:sub") if s == "*"]


def test_every_role_is_denied_to_delete_a_bucket_or_a_table(every_role: list[Role]) -> None:
    for role in every_role:
        for action, arn in (
            ("s3:DeleteBucket", "arn:aws:s3:::any"),
            ("dynamodb:DeleteTable", f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/any"),
        ):
            assert decide(role.statements, Request(action, arn)) == "deny", role.label

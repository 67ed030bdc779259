"""Every wildcard in a right has its reason, and no action is one."""

import re

from tests.iam.doors import condition, doors
from tests.iam.roles import Role, roles
from tests.iam.template import Templates
from tests.iam.wildcards import NO_RESOURCES, PATTERNS, SOURCES, reason


def test_no_action_is_a_wildcard(every_role: list[Role]) -> None:
    assert not [
        f"{role.label}: {action}" for role in every_role for action in role.actions if re.search(r"[*?]", action)
    ]


def test_every_resource_is_known(every_role: list[Role]) -> None:
    """Nothing was left unresolved, so what the other tests judge is what IAM sees."""
    rights = [right for role in every_role for right in role.allowed]
    assert len(rights) > 100
    assert not [right for right in rights if "unknown" in right[1] or not right[1].startswith(("arn:", "*"))]


def test_every_wildcard_has_its_reason(every_role: list[Role]) -> None:
    unexplained = [
        f"{role.label}: {action} on {resource}"
        for role in every_role
        for action, resource in role.allowed
        if re.search(r"[*?]", resource) and reason(action, resource) is None
    ]
    assert not unexplained


def test_every_reason_is_for_a_wildcard_that_is_there(full_templates: Templates) -> None:
    rights = [right for role in roles(full_templates) for right in role.allowed]
    assert not [action for action in NO_RESOURCES if (action, "*") not in rights]
    assert not [p for p in PATTERNS if not any(re.fullmatch(p, resource) for _, resource in rights)]


def let_in(templates: Templates) -> set[str]:
    """Every ARN that a trust policy or a resource's policy allows something for, or to."""
    found = [s for door in doors(templates) for s in door.statements] + [s for r in roles(templates) for s in r.trust]
    allows = [statement for statement in found if statement.effect == "Allow"]
    return {arn for s in allows for arn in (*s.resources, *condition(s, "aws:SourceArn"))}


def test_every_wildcard_in_who_is_let_in_has_its_reason(templates: Templates) -> None:
    wide = {arn for arn in let_in(templates) if re.search(r"[*?]", arn)}
    assert not [arn for arn in wide if not any(re.fullmatch(pattern, arn) for pattern in SOURCES)]


def test_and_every_such_reason_is_for_a_wildcard_that_is_there(full_templates: Templates) -> None:
    wide = let_in(full_templates)
    assert not [pattern for pattern in SOURCES if not any(re.fullmatch(pattern, arn) for arn in wide)]


def test_metrics_are_put_into_their_own_namespace_or_not_at_all(every_role: list[Role]) -> None:
    """Metrics in embedded format are log lines and need no right."""
    for role in every_role:
        for statement in role.statements:
            if statement.effect == "Allow" and "cloudwatch:PutMetricData" in statement.actions:
                assert condition(statement, "cloudwatch:namespace"), role.label


def test_who_may_put_events_on_the_bus(every_role: list[Role]) -> None:
    assert {role.label for role in every_role if "events:PutEvents" in role.actions} == {"notify"}

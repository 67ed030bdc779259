"""Policies of resources: every service that calls in its own name is let in, for its own source, and nobody else."""

from dataclasses import replace

from tests.iam.doors import Door, condition, doors, knocks, services
from tests.iam.policy import Request, Statement, decide
from tests.iam.roles import roles
from tests.iam.template import ACCOUNT, REGION, Templates

STRANGER = "111122223333"


def statements(templates: Templates) -> list[Statement]:
    return [statement for door in doors(templates) for statement in door.statements]


def allows(templates: Templates) -> list[tuple[Door, Statement]]:
    return [(door, s) for door in doors(templates) for s in door.statements if s.effect == "Allow"]


def test_every_service_that_calls_a_resource_of_ours_is_let_in(templates: Templates) -> None:
    policy = statements(templates)
    calls = knocks(templates)
    assert len(calls) >= 2 * len(templates.of("AWS::Events::Rule"))
    refused = [call for call in calls if decide(policy, call) != "allow"]
    assert not refused


def test_and_only_for_its_own_source(templates: Templates) -> None:
    """The same call for a stranger's rule, alarm, bucket: as the deputy would make it if somebody confused it."""
    policy = statements(templates)
    for call in knocks(templates):
        source = call.context["aws:SourceArn"]
        confused = call.context | {"aws:SourceAccount": STRANGER, "aws:SourceArn": source.replace(ACCOUNT, STRANGER)}
        assert decide(policy, replace(call, context=confused)) != "allow", call


def test_and_only_over_tls(templates: Templates) -> None:
    policy = statements(templates)
    guarded = [call for call in knocks(templates) if not call.action.startswith("lambda:")]
    for call in guarded:
        assert decide(policy, replace(call, context=call.context | {"aws:SecureTransport": "false"})) == "deny", call


def test_every_service_let_in_is_held_to_this_account(templates: Templates) -> None:
    """By its account, or by the ARN of the source; an ARN without an account (a bucket's) is not enough."""
    for door, statement in allows(templates):
        for service in services(statement):
            accounts = condition(statement, "aws:SourceAccount")
            sources = condition(statement, "aws:SourceArn")
            named = sources and all(f":{ACCOUNT}:" in source for source in sources)
            assert accounts == (ACCOUNT,) or named, f"{door.resource.name} lets {service} in for anybody"


def test_every_service_that_is_let_in_comes(templates: Templates) -> None:
    calls = knocks(templates)
    needless = [
        f"{door.resource.name}: {statement}"
        for door, statement in allows(templates)
        if services(statement) and not any(statement.matches(call) for call in calls)
    ]
    assert not needless


def test_no_resource_is_open_to_everybody(templates: Templates) -> None:
    """A `*` in an Allow is held to this account by a condition; else it is for the whole world."""
    for door, statement in allows(templates):
        if any(named in ("AWS:*", "Service:*") for named in statement.principals):
            accounts = condition(statement, "aws:PrincipalAccount") + condition(statement, "aws:SourceAccount")
            assert accounts == (ACCOUNT,), door.resource.name


def test_only_named_principals_may_put_events_on_the_bus(templates: Templates) -> None:
    for door, statement in allows(templates):
        if door.resource.kind == "AWS::Events::EventBusPolicy":
            named = [principal.partition(":")[2] for principal in statement.principals]
            assert not [name for name in named if name == "*" or name.endswith(":root")], door.resource.name


def test_queues_topics_and_buckets_refuse_what_did_not_come_over_tls(templates: Templates) -> None:
    policy = [statement for statement in statements(templates) if statement.effect == "Deny"]
    guarded = {
        resource
        for statement in policy
        if condition(statement, "aws:SecureTransport") == ("false",)
        for resource in statement.resources
    }
    kinds = ("AWS::SQS::Queue", "AWS::S3::Bucket")
    wanted = {templates.arn(resource) for kind in kinds for resource in templates.of(kind)}
    wanted |= {templates.ref(topic) for topic in templates.of("AWS::SNS::Topic")}
    assert wanted <= guarded


def put(principal: str, account: str) -> Request:
    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/haulier-test"
    context = {
        "aws:PrincipalAccount": account,
        "aws:PrincipalArn": principal,
        "events:source": "haulier",
        "events:detail-type": "Job Requested",
    }
    return Request("events:PutEvents", bus, context, principal)


def test_a_stranger_may_not_put_events_on_the_bus_whatever_its_own_policy_says(templates: Templates) -> None:
    stranger = put(f"arn:aws:iam::{STRANGER}:role/any", STRANGER)
    assert decide(statements(templates), stranger) == "deny"


def test_where_principals_are_named_nobody_else_may_put_events_on_the_bus(full_templates: Templates) -> None:
    policy = statements(full_templates)
    (notify,) = (role for role in roles(full_templates) if role.label == "notify")
    assert decide(policy, put(f"arn:aws:iam::{ACCOUNT}:role/caller", ACCOUNT)) == "allow"
    # Ours is allowed by its own policy; the bus's must not deny it.
    assert decide(policy, put(full_templates.arn(notify.resource), ACCOUNT)) == "nothing"
    assert decide(policy, put(f"arn:aws:iam::{ACCOUNT}:role/any", ACCOUNT)) == "deny"

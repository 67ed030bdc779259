"""The engine: properties that IAM's rules have, and examples from its documentation."""

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.iam.policy import NotUnderstood, Request, Statement, decide, like

RULE, RULES = "arn:aws:events:e:1:rule/r", "arn:aws:events:*:1:rule/r"
WORDS = st.text(alphabet="ab:/*?[", max_size=8)
NAMES = st.text(alphabet="ab:/[", max_size=8)
ACTIONS = st.sampled_from(["s3:GetObject", "s3:PutObject", "sqs:SendMessage"])
PATTERNS = st.sampled_from(["*", "s3:*", "s3:Get*", "S3:getobject", "sqs:SendMessage", "s3:?utObject"])
ARNS = st.sampled_from(["arn:aws:s3:::a/b", "arn:aws:s3:::a/c/d", "arn:aws:sqs:r:1:q"])
RESOURCES = st.sampled_from(["*", "arn:aws:s3:::a/*", "arn:aws:s3:::a/?", "arn:aws:sqs:r:1:q"])


@st.composite
def statements(draw: st.DrawFn) -> Statement:
    return Statement(
        effect=draw(st.sampled_from(["Allow", "Deny"])),
        actions=tuple(draw(st.lists(PATTERNS, min_size=1, max_size=3))),
        resources=tuple(draw(st.lists(RESOURCES, min_size=1, max_size=3))),
    )


@given(st.lists(statements(), max_size=6), ACTIONS, ARNS)
def test_a_deny_wins_and_nothing_is_allowed_by_itself(policy: list[Statement], action: str, arn: str) -> None:
    request = Request(action, arn)
    matching = {statement.effect for statement in policy if statement.matches(request)}
    expected = "deny" if "Deny" in matching else "allow" if "Allow" in matching else "nothing"
    assert decide(policy, request) == expected
    assert decide(policy[::-1], request) == expected


@given(st.lists(statements(), max_size=5), statements(), ACTIONS, ARNS)
def test_another_statement_never_takes_a_deny_back(
    policy: list[Statement], more: Statement, action: str, arn: str
) -> None:
    before, after = decide(policy, Request(action, arn)), decide([*policy, more], Request(action, arn))
    assert before != "deny" or after == "deny"
    assert more.effect == "Deny" or before != "allow" or after == "allow"


@given(NAMES)
def test_a_pattern_without_wildcards_is_itself_only(name: str) -> None:
    assert like(name, name)
    assert not like(name, name + "a")
    assert like("*", name)


@given(WORDS, NAMES)
def test_wildcards_mean_what_they_mean_in_file_names_but_for_brackets(pattern: str, name: str) -> None:
    assert like(pattern, name) == fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))


def test_actions_are_told_in_any_case_and_resources_are_not() -> None:
    statement = Statement("Allow", ("S3:getOBJECT",), ("arn:aws:s3:::Bucket/*",))
    assert statement.matches(Request("s3:GetObject", "arn:aws:s3:::Bucket/key"))
    assert not statement.matches(Request("s3:GetObject", "arn:aws:s3:::bucket/key"))


def of(operator: str, key: str, value: object) -> Statement:
    return Statement.of({"Effect": "Allow", "Action": "a:B", "Resource": "*", "Condition": {operator: {key: value}}})


@pytest.mark.parametrize(
    ("statement", "context", "met"),
    [
        (of("StringEquals", "aws:SourceAccount", "1"), {"AWS:SourceAccount": "1"}, True),
        (of("StringEquals", "aws:SourceAccount", ["1", "2"]), {"aws:sourceaccount": "2"}, True),
        (of("StringEquals", "aws:SourceAccount", "1"), {"aws:SourceAccount": "3"}, False),
        (of("StringEquals", "aws:SourceAccount", "1"), {}, False),
        (of("StringEqualsIfExists", "aws:SourceAccount", "1"), {}, True),
        (of("StringNotEquals", "aws:SourceAccount", ["1", "2"]), {"aws:SourceAccount": "1"}, False),
        (of("StringNotEquals", "aws:SourceAccount", "1"), {}, True),
        (of("ArnLike", "aws:SourceArn", RULES), {"aws:SourceArn": RULE}, True),
        (of("ArnEquals", "aws:SourceArn", RULE), {"aws:SourceArn": RULE + "s"}, False),
        (of("Bool", "aws:SecureTransport", "false"), {"aws:SecureTransport": "true"}, False),
        (of("Bool", "aws:SecureTransport", "false"), {"aws:SecureTransport": "false"}, True),
        (of("ForAllValues:StringLike", "dynamodb:LeadingKeys", "a#*"), {"dynamodb:LeadingKeys": ["a#1", "a#2"]}, True),
        (of("ForAllValues:StringLike", "dynamodb:LeadingKeys", "a#*"), {"dynamodb:LeadingKeys": ["a#1", "b#2"]}, False),
        (of("ForAllValues:StringLike", "dynamodb:LeadingKeys", "a#*"), {}, True),
        (of("ForAnyValue:StringEquals", "events:detail-type", ["a", "b"]), {"events:detail-type": ["c", "a"]}, True),
        (of("ForAnyValue:StringEquals", "events:detail-type", ["a", "b"]), {"events:detail-type": "c"}, False),
        (of("ForAnyValue:StringEquals", "events:detail-type", "a"), {}, False),
        (of("NumericLessThan", "s3:TlsVersion", "1.2"), {"s3:TlsVersion": "1.1"}, True),
    ],
)  # fmt: skip
def test_conditions(statement: Statement, context: dict[str, str | list[str]], met: bool) -> None:
    assert statement.matches(Request("a:B", "x", context)) is met


def test_all_conditions_must_hold() -> None:
    condition = {
        "StringEquals": {"aws:SourceAccount": "1", "aws:PrincipalTag/x": "y"},
        "Bool": {"aws:SecureTransport": "true"},
    }
    statement = Statement.of({"Effect": "Allow", "Action": "a:B", "Resource": "*", "Condition": condition})
    whole = {"aws:SourceAccount": "1", "aws:PrincipalTag/x": "y", "aws:SecureTransport": "true"}
    assert statement.matches(Request("a:B", "x", whole))
    for key in whole:
        assert not statement.matches(Request("a:B", "x", {k: v for k, v in whole.items() if k != key}))


def test_a_policy_of_a_resource_is_for_whom_it_names() -> None:
    written = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "a:B", "Resource": "*"}
    statement = Statement.of(written)
    assert statement.matches(Request("a:B", "x", principal="events.amazonaws.com"))
    assert not statement.matches(Request("a:B", "x", principal="sns.amazonaws.com"))
    assert Statement.of(written | {"Principal": "*"}).matches(Request("a:B", "x", principal="anybody"))


@pytest.mark.parametrize(
    "more",
    [
        {"NotAction": "a:B"},
        {"NotResource": "x"},
        {"NotPrincipal": {"AWS": "x"}},
        {"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}},
        {"Condition": {"ForAnyValue:IpAddress": {"aws:SourceIp": ["10.0.0.0/8"]}}},
        {"Resource": "arn:aws:s3:::b/${aws:username}"},
    ],
)
def test_what_is_not_known_is_refused(more: dict[str, object]) -> None:
    with pytest.raises(NotUnderstood):
        Statement.of({"Effect": "Allow", "Action": "a:B", "Resource": "*"} | more)

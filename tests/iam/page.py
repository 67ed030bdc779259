"""docs/permissions.md, from what the tests of this package judge by."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from tests.iam.doors import asked, condition, doors, services
from tests.iam.explained import NEVER, SOMETIMES
from tests.iam.needs import Need, needs
from tests.iam.policy import Statement, like
from tests.iam.roles import Role, roles
from tests.iam.template import ACCOUNT, REGION, Templates
from tests.iam.wildcards import reason

INTRODUCTION = """# Permissions

<!-- Written by `python -m tests.iam` from the synthesised templates (all settings at their defaults) and from the
tables of tests/iam; tests/iam/test_page.py fails where the two differ. Do not edit by hand. -->

What each part may do, on what, and how we know that it must. `{env}`, `{account}` and `{region}` are those of the
deployment.

**How it is proven.** `make test` runs every test of the stack in an emulator that enforces these policies, and writes
down each call with the role that made it (`.cache/iam/record.jsonl`; `haulier/local/recording.py` says what a line
holds). Then, by a small policy engine of its own (`tests/iam/policy.py`):

1. every recorded call is allowed by the shipped policy of the role that made it;
2. every right below was used in a recorded call, or has its reason beside it;
3. every wildcard has its reason, and no action is one;
4. every call to a bucket named the account that must own it.

What no emulator enforces is proven from the templates: what Step Functions, Scheduler, EventBridge and Lambda do by
themselves is allowed, and where a role is taken by a service alone, nothing else is; queues, topics, buckets and
functions let in exactly the services that call them, for their own source and account; a role is taken only on behalf
of this account. Calls are recorded at the emulator's front and not in the chaos tests' proxy, which sees workers alone;
the chaos test is recorded there, too, and none of its calls may be refused.

Every role is **denied** `s3:DeleteBucket` and `dynamodb:DeleteTable`, whatever else it is allowed. No role may put
metrics: they are log lines in embedded format.
"""


def render(templates: Templates) -> str:
    """The whole page."""
    every_role = roles(templates)
    parts = [INTRODUCTION, "## Roles\n", *(_role(role, templates) for role in every_role)]
    parts.append("## Wildcards\n")
    parts.append(_table(("Right", "On", "Why"), _wildcards(every_role)))
    parts.append("## Who else is let in\n")
    parts.append("Services that call in their own name, by the policy of what they call.\n")
    parts.append(_table(("Of", "Service", "May", "For"), _doors(templates)))
    return "\n".join(parts)


def _role(role: Role, templates: Templates) -> str:
    taken = ", ".join(sorted({_trusted(statement) for statement in role.trust}))
    by_service = needs(role, templates)
    reasons: dict[tuple[str, str], set[str]] = defaultdict(set)
    for action, resource in role.allowed:
        reasons[action, _reason(role, action, resource, by_service)].add(resource)
    rows: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (action, why), resources in sorted(reasons.items()):
        rows[_codes(resources), why].append(f"`{action}`")
    table = [("<br>".join(actions), resources, why) for (resources, why), actions in rows.items()]
    return f"### {role.label}\n\nTaken by {taken}.\n\n" + _table(("Right", "On", "Why"), table)


def _reason(role: Role, action: str, resource: str, by_service: Iterable[Need]) -> str:
    for need in by_service:
        if need.request.action == action and like(resource, need.request.resource):
            return need.why
    right = (role.label, action)
    return NEVER.get(right) or SOMETIMES.get(right) or "used"


def _trusted(statement: Statement) -> str:
    named = " or ".join(name.partition(":")[2] for name in statement.principals)
    sources = condition(statement, "aws:SourceArn")
    if not condition(statement, "aws:SourceAccount"):
        return f"`{named}`"
    whom = "for this account" + (f" and {_codes(sources)}" if sources else "")
    told = "" if asked(statement, "aws:SourceAccount") else ", wherever it says for whom"
    return f"`{named}` {whom}{told}"


def _wildcards(every_role: Iterable[Role]) -> list[tuple[str, ...]]:
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for role in every_role:
        for action, resource in role.allowed:
            if "*" in resource:
                found[resource, reason(action, resource) or ""].add(f"`{action}`")
    rows: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (resource, why), actions in sorted(found.items()):
        rows["<br>".join(sorted(actions)), why].append(resource)
    return [(actions, _codes(resources), why) for (actions, why), resources in rows.items()]


def _doors(templates: Templates) -> Iterator[tuple[str, ...]]:
    rows: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for door in doors(templates):
        for statement in door.statements:
            for service in services(statement):
                held = {*condition(statement, "aws:SourceArn"), *condition(statement, "aws:SourceAccount")}
                actions = "<br>".join(f"`{action}`" for action in sorted(statement.actions))
                rows[_codes(statement.resources), f"`{service}`", actions].update(held)
    for row, held in sorted(rows.items()):
        yield (*row, _codes(held))


def _codes(values: Iterable[str]) -> str:
    return "<br>".join(f"`{_general(value)}`" for value in sorted(values))


def _general(arn: str) -> str:
    arn = re.sub(r"(:execute-api:[^:]*:[^:]*:)[^/]+", r"\1{api}", arn)
    return arn.replace("haulier-test", "haulier-{env}").replace(ACCOUNT, "{account}").replace(REGION, "{region}")


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)

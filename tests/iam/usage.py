"""Which rights a record used, which it did not, and what is said of those."""

from collections.abc import Collection, Iterable, Mapping

from tests.iam.explained import NEVER, SOMETIMES
from tests.iam.needs import needs
from tests.iam.policy import decide
from tests.iam.record import Call
from tests.iam.roles import Role
from tests.iam.template import Templates

Right = tuple[str, str]
"""A role's label and an action."""


def used(calls: Iterable[Call], labels: Mapping[str, str]) -> set[Right]:
    """The rights that calls took and were given.

    Args:
        calls: of a record.
        labels: role's name → its label.
    """
    return {
        (labels[call.role], right.action)
        for call in calls
        if call.role in labels and not call.refused
        for right in call.rights
    }


def not_allowed(calls: Iterable[Call], by_name: Mapping[str, Role]) -> list[str]:
    """Calls that the shipped policy of their role does not allow, or that were refused; each once."""
    found = set()
    for call in calls:
        if call.role is None:
            continue
        role = by_name.get(call.role)
        for right in call.rights:
            verdict = decide(role.statements, right) if role else "no role of ours"
            if verdict != "allow" or call.refused:
                found.add(f"{role.label if role else call.role}: {right.action} on {right.resource}: {verdict}")
    return sorted(found)


def by_services(every_role: Iterable[Role], templates: Templates) -> set[Right]:
    """Rights that AWS's services use by themselves."""
    return {(role.label, need.request.action) for role in every_role for need in needs(role, templates)}


def unexplained(every_role: Collection[Role], templates: Templates, taken: set[Right]) -> list[str]:
    """Rights that are neither used nor explained."""
    allowed = {(role.label, action) for role in every_role for action in role.actions}
    known = taken | by_services(every_role, templates) | NEVER.keys() | SOMETIMES.keys()
    return sorted(f"{label}: {action}" for label, action in allowed - known)


def stale(every_role: Collection[Role], taken: set[Right]) -> list[str]:
    """Explanations of rights that were used after all, or that their role has not."""
    allowed = {(role.label, action) for role in every_role for action in role.actions}
    contradicted = [f"{label}: {action} is used after all" for label, action in NEVER.keys() & taken]
    deployed = {role.label for role in every_role}
    explained = {right for right in NEVER.keys() | SOMETIMES.keys() if right[0] in deployed}
    lost = [f"{label}: {action} is no right any more" for label, action in explained - allowed]
    return sorted(contradicted + lost)

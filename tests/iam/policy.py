"""How IAM decides, as far as our policies go. What is not known here is refused, never guessed.

After AWS's policy evaluation logic: a Deny that matches wins, else an Allow that matches, else no.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

Decision = Literal["allow", "deny", "nothing"]
Conditions = tuple[tuple[str, tuple[tuple[str, tuple[str, ...]], ...]], ...]
"""Operator → key → values, as pairs."""

FOR_ALL, FOR_ANY = "ForAllValues:", "ForAnyValue:"
_KNOWN = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}


class NotUnderstood(Exception):
    """A policy says something this engine does not know."""


@dataclass(frozen=True)
class Request:
    """What somebody asks for.

    Attributes:
        action: `service:Action`.
        resource: an ARN; `*` for an action without resources.
        context: condition keys that come with the request; their names in any case.
        principal: who asks, for policies of resources: a service's name, or an ARN.
    """

    action: str
    resource: str
    context: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    principal: str = ""


@dataclass(frozen=True)
class Statement:
    """One statement, its intrinsics resolved.

    Attributes:
        principals: `kind:name` for each (`Service:…`, `AWS:…`, `Federated:…`); empty in a policy of an identity.
    """

    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: Conditions = ()
    principals: tuple[str, ...] = ()
    sid: str = ""

    @classmethod
    def of(cls, written: Mapping[str, Any]) -> "Statement":
        """From a policy document's statement.

        Raises:
            NotUnderstood: it has elements, operators or variables that are not known here.
        """
        if unknown := set(written) - _KNOWN:
            raise NotUnderstood(f"elements {sorted(unknown)}")
        conditions = tuple(
            (operator, tuple((key, listed(values)) for key, values in keys.items()))
            for operator, keys in written.get("Condition", {}).items()
        )
        if unknown := {_base(operator) for operator, _ in conditions} - set(_OPERATORS):
            raise NotUnderstood(f"operators {sorted(unknown)}")
        resources = listed(written.get("Resource", ()))
        if any("${" in resource for resource in resources):
            raise NotUnderstood(f"policy variables in {resources}")
        return cls(
            effect=written["Effect"],
            actions=listed(written["Action"]),
            resources=resources,
            conditions=conditions,
            principals=_principals(written.get("Principal", {})),
            sid=written.get("Sid", ""),
        )

    def matches(self, request: Request) -> bool:
        return (
            (not self.principals or any(_is(named, request.principal) for named in self.principals))
            and any(like(action, request.action, any_case=True) for action in self.actions)
            and (not self.resources or any(like(resource, request.resource) for resource in self.resources))
            and _holds(self.conditions, request.context)
        )


def decide(statements: Iterable[Statement], request: Request) -> Decision:
    """What IAM answers to `request` where these statements are all there is."""
    effects = {statement.effect for statement in statements if statement.matches(request)}
    if "Deny" in effects:
        return "deny"
    return "allow" if "Allow" in effects else "nothing"


def like(pattern: str, value: str, *, any_case: bool = False) -> bool:
    """Whether `value` is what `pattern` says, where `*` is any text and `?` any character."""
    return _compiled(pattern, any_case).fullmatch(value) is not None


def listed(value: Any) -> tuple[str, ...]:
    """IAM writes one thing without a list around it."""
    return tuple(value) if isinstance(value, list | tuple) else (value,)


@cache
def _compiled(pattern: str, any_case: bool) -> re.Pattern[str]:
    text = "".join({"*": ".*", "?": "."}.get(character, re.escape(character)) for character in pattern)
    return re.compile(text, re.DOTALL | (re.IGNORECASE if any_case else 0))


def _principals(written: Any) -> tuple[str, ...]:
    if isinstance(written, str):
        return (f"AWS:{written}",)
    return tuple(f"{kind}:{name}" for kind, names in written.items() for name in listed(names))


def _is(named: str, principal: str) -> bool:
    name = named.partition(":")[2]
    return name in ("*", principal)


def _base(operator: str) -> str:
    return operator.removesuffix("IfExists").removeprefix(FOR_ALL).removeprefix(FOR_ANY)


def _holds(conditions: Conditions, context: Mapping[str, str | Sequence[str]]) -> bool:
    """All operators and keys must hold; of one key's values, one is enough (for a negated operator: all)."""
    known = {key.lower(): value for key, value in context.items()}
    return all(
        _compare(operator, known.get(key.lower()), values) for operator, keys in conditions for key, values in keys
    )


def _compare(operator: str, actual: str | Sequence[str] | None, expected: Sequence[str]) -> bool:
    base = _base(operator)
    if operator.startswith((FOR_ALL, FOR_ANY)):
        # IAM: where the key is not there, the one is met and the other is not.
        quantified = all if operator.startswith(FOR_ALL) else any
        return quantified(_compare(base, value, expected) for value in listed(actual or ()))
    negated = "Not" in base
    if actual is None:
        # IAM: a key that is not there meets no condition, but for the negated ones and for `…IfExists`.
        return negated or base != operator
    if not isinstance(actual, str):
        raise NotUnderstood(f"several values for {operator}")
    found = any(_OPERATORS[base](str(value), actual) for value in expected)
    return not found if negated else found


def _equal(expected: str, actual: str) -> bool:
    return expected == actual


_OPERATORS = {
    "StringEquals": _equal,
    "StringNotEquals": _equal,
    "StringLike": like,
    "StringNotLike": like,
    # ArnEquals and ArnLike behave identically (IAM User Guide, "Amazon Resource Name (ARN) condition operators").
    "ArnEquals": like,
    "ArnLike": like,
    "ArnNotEquals": like,
    "ArnNotLike": like,
    "Bool": lambda expected, actual: expected.lower() == actual.lower(),
    "NumericLessThan": lambda expected, actual: float(actual) < float(expected),
}

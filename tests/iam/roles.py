"""The roles of an app: who takes each, under which conditions, and what it may do."""

import re
from dataclasses import dataclass

from tests.iam.policy import Statement
from tests.iam.template import Resource, Templates


@dataclass(frozen=True)
class Role:
    """One role.

    Attributes:
        resource: as the template has it.
        label: who takes it, in words: `intake`, `worker`, `state machine chunks`, `schedule janitor`.
        users: the resources it is given to.
        trust: its trust policy.
        statements: of all its policies.
    """

    resource: Resource
    label: str
    users: tuple[Resource, ...]
    trust: tuple[Statement, ...]
    statements: tuple[Statement, ...]

    @property
    def allowed(self) -> list[tuple[str, str]]:
        """Action and resource of everything it is allowed, each once."""
        return sorted(
            {
                (action, resource)
                for statement in self.statements
                if statement.effect == "Allow"
                for action in statement.actions
                for resource in statement.resources
            }
        )

    @property
    def actions(self) -> set[str]:
        return {action for action, _ in self.allowed}


def roles(templates: Templates) -> list[Role]:
    """Every role of the app, in the template's order. No two have the same label."""
    found = [_role(templates, resource) for resource in templates.of("AWS::IAM::Role")]
    assert found
    labels = [role.label for role in found]
    assert len(set(labels)) == len(labels), f"two roles are called the same: {labels}"
    return found


def _role(templates: Templates, resource: Resource) -> Role:
    users = tuple(
        other
        for other in templates.resources
        if other.kind not in ("AWS::IAM::Role", "AWS::IAM::Policy") and _gives(other, templates.arn(resource))
    )
    properties = resource.properties
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
    for policy in [*templates.of("AWS::IAM::Policy"), *templates.of("AWS::IAM::ManagedPolicy")]:
        named = policy.properties.get("Roles", [])
        if policy.stack == resource.stack and templates.ref(resource) in named:
            documents.append(policy.properties["PolicyDocument"])
    return Role(
        resource=resource,
        label=_label(resource, users),
        users=users,
        trust=_statements(properties["AssumeRolePolicyDocument"]),
        statements=tuple(statement for document in documents for statement in _statements(document)),
    )


def _statements(document: dict[str, list[dict[str, object]]]) -> tuple[Statement, ...]:
    return tuple(Statement.of(written) for written in document["Statement"])


def _gives(other: Resource, arn: str) -> bool:
    properties = other.properties
    match other.kind:
        case "AWS::Lambda::Function":
            return properties["Role"] == arn
        case "AWS::StepFunctions::StateMachine":
            return properties["RoleArn"] == arn
        case "AWS::Scheduler::Schedule":
            return properties["Target"]["RoleArn"] == arn
        case "AWS::Events::Rule":
            return any(target.get("RoleArn") == arn for target in properties.get("Targets", []))
        case "AWS::ApiGateway::Account":
            return properties.get("CloudWatchRoleArn") == arn
    return False


def _label(resource: Resource, users: tuple[Resource, ...]) -> str:
    if not users:
        return {"WorkerRole": "worker"}.get(resource.label, resource.label)
    user = users[0]
    words = {
        "AWS::Lambda::Function": ("", "FunctionName"),
        "AWS::StepFunctions::StateMachine": ("state machine ", "StateMachineName"),
        "AWS::Scheduler::Schedule": ("schedule ", "Name"),
        "AWS::Events::Rule": ("rule ", "Name"),
    }
    if user.kind not in words:
        return resource.label
    kind, key = words[user.kind]
    return kind + re.sub(r"^haulier-[a-z0-9]+-", "", user.properties[key])

"""The customer's own key: what it encrypts, and what a role needs of it."""

from collections.abc import Iterable

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.settings import Settings

READS = frozenset({"s3:GetObject", "s3:GetObjectVersion"})
WRITES = frozenset({"s3:PutObject"})
OF_A_TABLE = ("kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:DescribeKey")
"""DynamoDB's guide names these for whoever uses a table, and CreateGrant beside them for whoever makes it: not us."""


def customer_key(scope: Construct, settings: Settings) -> kms.IKey | None:
    """The key of the settings, by its ARN; None where AWS's own keys encrypt."""
    return kms.Key.from_key_arn(scope, "Key", settings.kms_key_arn) if settings.kms_key_arn else None


def with_key(statements: Iterable[iam.PolicyStatement], key: kms.IKey | None) -> list[iam.PolicyStatement]:
    """The statements, and what their actions on objects and tables need of the key, through these services only."""
    given = list(statements)
    if key is None:
        return given
    # A denial takes no key: every role is denied `dynamodb:DeleteTable`, and few use the table.
    actions = {action for statement in given if statement.effect is iam.Effect.ALLOW for action in statement.actions}
    needed: list[iam.PolicyStatement] = []
    # A multipart upload is encrypted with one data key, which each of its parts decrypts.
    if actions & WRITES:
        needed.append(_through("s3", ["kms:Decrypt", "kms:GenerateDataKey"], key))
    elif actions & READS:
        needed.append(_through("s3", ["kms:Decrypt"], key))
    if any(action.startswith("dynamodb:") for action in actions):
        needed.append(_through("dynamodb", OF_A_TABLE, key))
    return given + needed


def _through(service: str, actions: Iterable[str], key: kms.IKey) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        actions=list(actions),
        resources=[key.key_arn],
        conditions={"StringEquals": {"kms:ViaService": f"{service}.{Aws.REGION}.amazonaws.com"}},
    )

"""What outlives its stack, and how long logs are kept."""

from aws_cdk import RemovalPolicy
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.settings import Settings

RETENTION = {
    1: logs.RetentionDays.ONE_DAY,
    3: logs.RetentionDays.THREE_DAYS,
    5: logs.RetentionDays.FIVE_DAYS,
    7: logs.RetentionDays.ONE_WEEK,
    14: logs.RetentionDays.TWO_WEEKS,
    30: logs.RetentionDays.ONE_MONTH,
    60: logs.RetentionDays.TWO_MONTHS,
    90: logs.RetentionDays.THREE_MONTHS,
    180: logs.RetentionDays.SIX_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
}


def outliving(settings: Settings) -> RemovalPolicy:
    """For what has a name of its own and must survive its stack in production.

    Not so where the deployment that makes it fails: nothing is in it then, and what stayed under its name would make
    every further deployment fail with `already exists`.
    """
    return RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if settings.keeps_data else RemovalPolicy.DESTROY


def outlives_with_its_policy(bucket: s3.Bucket, settings: Settings) -> None:
    """Else a bucket that is kept would lose its policy with the stack, and then whoever came without TLS would get in.

    CDK does not think of it (aws-cdk#27125).
    """
    assert bucket.policy is not None  # noqa: S101 - narrows a type: `enforce_ssl` makes one
    bucket.policy.apply_removal_policy(outliving(settings))


def log_group(scope: Construct, name: str, *, physical: str, settings: Settings) -> logs.LogGroup:
    """A log group that forgets after the setting's days, and outlives its stack only in production."""
    return logs.LogGroup(
        scope,
        name,
        log_group_name=physical,
        retention=RETENTION[settings.log_retention_days],
        removal_policy=outliving(settings),
    )

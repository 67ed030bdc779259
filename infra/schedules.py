"""The janitor's minute."""

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from haulier.contracts.names import Names
from infra import statements as may


def janitor_schedule(scope: Construct, *, names: Names, janitor: lambda_.Function, dlq: sqs.Queue) -> None:
    """Invokes the janitor each minute. A lost minute is not made up for: the next one does the same work."""
    role = iam.Role(
        scope,
        "JanitorScheduleRole",
        assumed_by=iam.ServicePrincipal(
            "scheduler.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
        ),
    )
    role.add_to_policy(may.allow(["lambda:InvokeFunction"], janitor.function_arn))
    role.add_to_policy(may.send_to([dlq]))
    role.add_to_policy(may.deny_destruction())
    schedule = scheduler.CfnSchedule(
        scope,
        "JanitorSchedule",
        name=f"{names.prefix}-janitor",
        description="Sees to it that every job reaches a final state",
        schedule_expression="rate(1 minute)",
        flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
        target=scheduler.CfnSchedule.TargetProperty(
            arn=janitor.function_arn,
            role_arn=role.role_arn,
            input="{}",
            retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                maximum_event_age_in_seconds=60, maximum_retry_attempts=1
            ),
            dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=dlq.queue_arn),
        ),
    )
    # Scheduler checks at creation that its role may be used.
    schedule.node.add_dependency(role)

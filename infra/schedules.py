"""What runs by the clock: one schedule group, and for each schedule a role that may invoke its one function."""

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from haulier.contracts.names import Names
from infra import statements as may
from infra.function import failures_go_to
from infra.trust import arn, service_principal


class Schedules(Construct):
    """The schedules of a stack, by name; made by the first call of `schedule`.

    Attributes:
        group: they lie in. EventBridge Scheduler tells its metrics (TargetErrorCount, InvocationDroppedCount,
            InvocationsFailedToBeSentToDeadLetterCount) by group and not by schedule.
        by_name: `janitor`, `cleanup`, … → schedule.
    """

    def __init__(self, scope: Construct, *, names: Names) -> None:
        super().__init__(scope, "Schedules")
        self.group = scheduler.CfnScheduleGroup(self, "Group", name=names.schedule_group)
        self.by_name: dict[str, scheduler.CfnSchedule] = {}

    @classmethod
    def of(cls, scope: Construct, *, names: Names) -> "Schedules":
        """Those of the scope's stack."""
        stack = Stack.of(scope)
        found = stack.node.try_find_child("Schedules")
        return found if isinstance(found, cls) else cls(stack, names=names)


def schedule(
    scope: Construct,
    name: str,
    *,
    names: Names,
    function: lambda_.Function,
    dlq: sqs.IQueue,
    expression: str,
    timezone: str = "UTC",
    description: str,
    input: str = "{}",  # noqa: A002 - Scheduler's own word
    enabled: bool = True,
    most_age_seconds: int = 3600,
    retries: int = 10,
) -> scheduler.CfnSchedule:
    """Invokes a function by the clock, under a role that may do only this.

    Args:
        scope: where role and schedule are put, each under a name made of `name`.
        name: of the schedule.
        names: of the environment.
        function: is invoked without waiting for its answer.
        dlq: takes what Scheduler could not hand to Lambda, and what the function failed at.
        expression: `cron(…)` or `rate(…)`, as Scheduler writes them.
        timezone: of a cron expression, an IANA name.
        description: for whoever looks at it in the console.
        input: the event, as JSON.
        enabled: a schedule that is off stays there, and its function may be invoked by hand.
        most_age_seconds: how long Scheduler tries to hand an invocation over.
        retries: how often.
    """
    schedules = Schedules.of(scope, names=names)
    role = _role(scope, name, names=names, function=function, dlq=dlq)
    made = scheduler.CfnSchedule(
        scope,
        f"{name.capitalize()}Schedule",
        name=names.schedule(name),
        group_name=schedules.group.ref,
        description=description,
        schedule_expression=expression,
        schedule_expression_timezone=timezone,
        state="ENABLED" if enabled else "DISABLED",
        flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
        target=scheduler.CfnSchedule.TargetProperty(
            arn=function.function_arn,
            role_arn=role.role_arn,
            input=input,
            retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                maximum_event_age_in_seconds=most_age_seconds, maximum_retry_attempts=retries
            ),
            dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=dlq.queue_arn),
        ),
    )
    # Scheduler checks at creation that its role may be used.
    made.node.add_dependency(role)
    schedules.by_name[name] = made
    failures_go_to(function, dlq)
    return made


def _role(scope: Construct, name: str, *, names: Names, function: lambda_.IFunction, dlq: sqs.IQueue) -> iam.Role:
    """Scheduler takes it, for schedules of our group. It sends its group's ARN, so a condition on one schedule would
    never be met (EventBridge Scheduler User Guide, "Confused deputy prevention").
    """
    group = arn("scheduler", f"schedule-group/{names.schedule_group}")
    role = iam.Role(
        scope,
        f"{name.capitalize()}ScheduleRole",
        assumed_by=service_principal("scheduler.amazonaws.com", source_arn=group),
        description=f"Invokes the {name} function by the clock",
    )
    role.add_to_policy(may.allow(["lambda:InvokeFunction"], function.function_arn))
    role.add_to_policy(may.send_to([dlq]))
    role.add_to_policy(may.deny_destruction())
    return role

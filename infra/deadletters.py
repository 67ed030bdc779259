"""Where invocations go that a function could not do."""

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from haulier.contracts import limits
from haulier.contracts.names import Names


def dead_letters(scope: Construct, names: Names, name: str) -> sqs.Queue:
    """The dead-letter queue of a function: metadata of the stream's batch, or an invocation by the clock."""
    return sqs.Queue(
        scope,
        f"{name.capitalize()}Dlq",
        queue_name=names.dlq(name),
        retention_period=Duration.seconds(limits.DLQ_RETENTION_SECONDS),
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        # Lambda and Scheduler send here themselves: no queue leads to it.
        redrive_allow_policy=sqs.RedriveAllowPolicy(redrive_permission=sqs.RedrivePermission.DENY_ALL),
    )

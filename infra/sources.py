"""What invokes functions by itself: the intake queue, and the table's stream."""

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs

from haulier.contracts.limits import RECEIVE_BATCH
from haulier.jobs.items import JOB_SK
from infra import statements as may
from infra.settings import Settings

STREAM_RETRIES = 10
STREAM_BATCH = 25


def intake_from_queue(function: lambda_.Function, queue: sqs.Queue, settings: Settings) -> None:
    """Events in batches of ten, each of which fails by itself. No batching window: a lone file must not wait.

    Not CDK's `SqsEventSource`, which gives the role more than Lambda asks for (Lambda Developer Guide, "Execution role
    permissions" of SQS).
    """
    function.add_to_role_policy(
        may.allow(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], queue.queue_arn)
    )
    function.add_event_source_mapping(
        "IntakeQueue",
        event_source_arn=queue.queue_arn,
        batch_size=RECEIVE_BATCH,
        report_batch_item_failures=True,
        max_concurrency=settings.intake_max_concurrency,
    )


def notify_from_stream(
    function: lambda_.Function, table: dynamodb.Table, failures: sqs.Queue, settings: Settings
) -> None:
    """Job transitions only. What cannot be told after ten tries goes to `failures`; the janitor announces it.

    Not CDK's `SqsDlq`, which gives the role more than Lambda asks for.
    """
    keys = {"sk": {"S": lambda_.FilterRule.is_equal(JOB_SK)}}
    changed = {"eventName": lambda_.FilterRule.or_("INSERT", "MODIFY"), "dynamodb": {"Keys": keys}}
    mapping = function.add_event_source_mapping(
        "JobStream",
        event_source_arn=table.table_stream_arn,
        starting_position=lambda_.StartingPosition.TRIM_HORIZON,
        batch_size=STREAM_BATCH,
        # Lambda keeps the order of one partition key's records however many calls a shard has.
        parallelization_factor=settings.notify_parallelism,
        bisect_batch_on_error=True,
        report_batch_item_failures=True,
        retry_attempts=STREAM_RETRIES,
        max_record_age=Duration.hours(24),
        filters=[lambda_.FilterCriteria.filter(changed)],
    )
    table.grant_stream_read(function)
    function.add_to_role_policy(may.send_to([failures]))
    resource = mapping.node.default_child
    assert isinstance(resource, lambda_.CfnEventSourceMapping)  # noqa: S101 - narrows a type
    destination = lambda_.CfnEventSourceMapping.OnFailureProperty(destination=failures.queue_arn)
    resource.destination_config = lambda_.CfnEventSourceMapping.DestinationConfigProperty(on_failure=destination)

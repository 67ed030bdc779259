"""What invokes functions by itself: the intake queue, and the table's stream."""

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_sqs as sqs

from haulier.contracts.limits import RECEIVE_BATCH
from haulier.jobs.items import JOB_SK

STREAM_RETRIES = 10
STREAM_BATCH = 25


def intake_from_queue(function: lambda_.Function, queue: sqs.Queue) -> None:
    """Events in batches of ten, each of which fails by itself. No batching window: a lone file must not wait."""
    function.add_event_source(
        event_sources.SqsEventSource(queue, batch_size=RECEIVE_BATCH, report_batch_item_failures=True)
    )


def notify_from_stream(function: lambda_.Function, table: dynamodb.Table, failures: sqs.Queue) -> None:
    """Job transitions only. What cannot be told after ten tries goes to `failures`; the janitor announces it."""
    keys = {"sk": {"S": lambda_.FilterRule.is_equal(JOB_SK)}}
    function.add_event_source(
        event_sources.DynamoEventSource(
            table,
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            batch_size=STREAM_BATCH,
            bisect_batch_on_error=True,
            report_batch_item_failures=True,
            retry_attempts=STREAM_RETRIES,
            max_record_age=Duration.hours(24),
            on_failure=event_sources.SqsDlq(failures),
            filters=[
                lambda_.FilterCriteria.filter(
                    {
                        "eventName": lambda_.FilterRule.or_("INSERT", "MODIFY"),
                        "dynamodb": {"Keys": keys},
                    }
                )
            ],
        )
    )

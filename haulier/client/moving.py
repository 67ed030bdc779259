"""SQS's own way back from a dead-letter queue, where the service has one: for whole queues of events.

Letters of the work queues are never moved by it: each needs a judgement first (`redrive.decide`), since a letter of a
job that is final would only be acknowledged. Events that failed at intake need none: intake takes them in again.
"""

from botocore.exceptions import ClientError

from haulier.client.connection import Connection
from haulier.client.errors import Refused, TimedOut
from haulier.client.waiting import Patience

_NO_SUCH_OPERATION = ("InvalidAction", "UnknownOperationException", "AWS.SimpleQueueService.UnsupportedOperation")
"""What servers without StartMessageMoveTask answer: the embedded emulator, and S3- and SQS-compatible ones."""


def move_all(connection: Connection, queue: str, patience: Patience | None = None) -> int | None:
    """Moves all letters of a queue back to where they came from, and waits until that is done.

    Args:
        connection: the stack.
        queue: whose dead-letter queue.
        patience: how the end is waited for; five minutes if not said.

    Returns:
        How many were moved; None if this service has no move task, so that it must be done by hand.

    Raises:
        Refused: the task failed; letters it had not moved are where they were.
        TimedOut: it was not over in time; it goes on without us.
    """
    patience = patience or Patience(timeout_seconds=300)
    sqs = connection.client("sqs")
    url = connection.queue_url(connection.names.dlq(queue))
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    try:
        sqs.start_message_move_task(SourceArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] in _NO_SUCH_OPERATION:
            return None
        raise
    began = patience.monotonic()
    while True:
        # The newest task comes first (ListMessageMoveTasks, API reference).
        task = sqs.list_message_move_tasks(SourceArn=arn, MaxResults=1)["Results"][0]
        moved = int(task.get("ApproximateNumberOfMessagesMoved", 0))
        if task["Status"] == "COMPLETED":
            return moved
        if task["Status"] != "RUNNING":
            raise Refused(
                f"moving the letters of {queue} ended as {task['Status']} after {moved}: {task.get('FailureReason')}",
                "the others are still there: `haulier dlq list`",
            )
        if patience.timeout_seconds is not None and patience.monotonic() - began >= patience.timeout_seconds:
            raise TimedOut(
                f"the letters of {queue} are still being moved, {moved} so far",
                "it goes on by itself; `haulier dlq list` shows what is left",
            )
        patience.sleep(patience.poll_seconds)

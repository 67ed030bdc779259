"""What must not be left when all jobs are over: messages in flight, uploads nobody completed, jobs that are open."""

import time
from collections.abc import Collection, Iterator

from haulier.client.connection import Connection
from haulier.client.jobs import listing
from haulier.contracts.states import OPEN

QUEUES = ("intake", "priority", "standard", "bulk", "ondemand")
NUMBERS = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")


def leftovers(connection: Connection, *, known: Collection[str] = (), seconds: float = 0.0) -> list[str]:
    """What is still left after that many seconds, without what is `known`; nothing as soon as there is nothing.

    A message is deleted after its job is over, and a second delivery comes only when its lease ends: hence the wait.
    """
    deadline = time.monotonic() + seconds
    while True:
        found = [left for left in _look(connection) if left not in known]
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.5)


def _look(connection: Connection) -> Iterator[str]:
    sqs, names = connection.client("sqs"), connection.names
    for queue in [*map(names.queue, QUEUES), *map(names.dlq, QUEUES)]:
        url = connection.queue_url(queue)
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(NUMBERS))["Attributes"]
        if any(int(found[number]) for number in NUMBERS):
            waiting, flying, delayed = (found[number] for number in NUMBERS)
            yield f"queue {queue}: {waiting} waiting, {flying} in flight, {delayed} delayed"
    for bucket in (connection.input_bucket, connection.output_bucket):
        for upload in connection.client("s3").list_multipart_uploads(Bucket=bucket).get("Uploads", []):
            yield f"bucket {bucket}: open upload of {upload['Key']}"
    for state in OPEN:
        for job in listing(connection, status=state):
            yield f"job {job.job_id} of {job.key} is {job.status}"

"""What waits in the work queues, and what is being worked on."""

from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from haulier.contracts.dataset import WORK_QUEUES
from haulier.contracts.names import Names
from haulier.local.stack import ACCESS_KEY, SECRET_KEY, StackInfo


@dataclass(frozen=True)
class Depth:
    """Messages in all work queues together.

    Attributes:
        waiting: could be received now.
        in_flight: received, not deleted yet.
    """

    waiting: int
    in_flight: int


class Backlog:
    """Reads the queues' depths."""

    def __init__(self, info: StackInfo) -> None:
        session = boto3.Session(aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY, region_name=info.region)
        self._sqs: Any = session.client("sqs", endpoint_url=info.endpoint_url)
        names = Names(info.environment)
        self._urls = [queue_url(info, names.queue(name)) for name in WORK_QUEUES]

    def read(self) -> Depth | None:
        """The depths now; None if the emulator did not answer, so that nobody scales by what is not known."""
        wanted = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        waiting = in_flight = 0
        try:
            for url in self._urls:
                found = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=wanted)["Attributes"]
                waiting += int(found[wanted[0]])
                in_flight += int(found[wanted[1]])
        except (BotoCoreError, ClientError):
            return None
        return Depth(waiting=waiting, in_flight=in_flight)


def queue_url(info: StackInfo, name: str) -> str:
    """A queue's URL in the emulator."""
    return f"{info.endpoint_url}/{info.account}/{name}"

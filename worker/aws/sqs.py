"""Work queues on SQS."""

from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

from haulier.contracts.dataset import QueueName
from haulier.contracts.messages import TRACE_HEADER
from worker.aws.faults import code_of, told
from worker.ports import Received

_DEAD_RECEIPT = frozenset(
    {
        "ReceiptHandleIsInvalid",
        "InvalidParameterValue",
        "MessageNotInflight",
        "AWS.SimpleQueueService.MessageNotInflight",
        "InvalidAttributeValue",
    }
)
"""What SQS says of a receipt whose message was received again or deleted (API reference, ChangeMessageVisibility)."""


class SqsQueue:
    """A `ports.Queue`."""

    def __init__(self, client: Any, name: QueueName, *, url: str, dlq_url: str) -> None:
        self._client = client
        self._url = url
        self.name = name
        self.dlq_url = dlq_url

    async def receive(self, count: int, *, wait_seconds: int, visibility_seconds: int) -> Sequence[Received]:
        async with told(f"ReceiveMessage from {self.name}"):
            answer = await self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=count,
                WaitTimeSeconds=wait_seconds,
                VisibilityTimeout=visibility_seconds,
                MessageSystemAttributeNames=["ApproximateReceiveCount", "MessageGroupId", TRACE_HEADER],
            )
        return [self._received(message) for message in answer.get("Messages", [])]

    async def delete(self, receipt: str) -> bool:
        return await self._on_receipt(
            "DeleteMessage", self._client.delete_message, QueueUrl=self._url, ReceiptHandle=receipt
        )

    async def show_after(self, receipt: str, seconds: int) -> bool:
        return await self._on_receipt(
            "ChangeMessageVisibility",
            self._client.change_message_visibility,
            QueueUrl=self._url,
            ReceiptHandle=receipt,
            VisibilityTimeout=seconds,
        )

    async def _on_receipt(self, what: str, method: Any, **params: Any) -> bool:
        async with told(f"{what} on {self.name}"):
            try:
                await method(**params)
            except ClientError as error:
                if code_of(error) in _DEAD_RECEIPT:
                    return False
                raise
        return True

    def _received(self, message: dict[str, Any]) -> Received:
        attributes = message.get("Attributes", {})
        return Received(
            queue=self.name,
            message_id=message["MessageId"],
            receipt=message["ReceiptHandle"],
            body=message["Body"],
            receives=int(attributes.get("ApproximateReceiveCount", 1)),
            group=attributes.get("MessageGroupId"),
            trace=attributes.get(TRACE_HEADER),
        )

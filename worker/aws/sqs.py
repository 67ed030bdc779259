"""Work queues on SQS."""

from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

from haulier.contracts.dataset import QueueName
from haulier.contracts.limits import RECEIVE_BATCH
from haulier.contracts.messages import TRACE_HEADER
from worker.aws.faults import code_of, told
from worker.ports import Received

_DEAD_RECEIPT = frozenset(
    {
        "ReceiptHandleIsInvalid",
        "InvalidParameterValue",
        "InvalidParameterValueException",
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
        self.url = url
        self.name = name
        self.dlq_url = dlq_url

    async def receive(self, count: int, *, wait_seconds: int, visibility_seconds: int) -> Sequence[Received]:
        async with told(f"ReceiveMessage from {self.name}", service="sqs"):
            answer = await self._client.receive_message(
                QueueUrl=self.url,
                MaxNumberOfMessages=count,
                WaitTimeSeconds=wait_seconds,
                VisibilityTimeout=visibility_seconds,
                MessageSystemAttributeNames=[
                    "ApproximateReceiveCount",
                    "MessageGroupId",
                    "SentTimestamp",
                    TRACE_HEADER,
                ],
            )
        return [self._received(message) for message in answer.get("Messages", [])]

    async def delete(self, receipt: str) -> bool:
        return await self._on_receipt(
            "DeleteMessage", self._client.delete_message, QueueUrl=self.url, ReceiptHandle=receipt
        )

    async def show_after(self, receipt: str, seconds: int) -> bool:
        return await self._on_receipt(
            "ChangeMessageVisibility",
            self._client.change_message_visibility,
            QueueUrl=self.url,
            ReceiptHandle=receipt,
            VisibilityTimeout=seconds,
        )

    async def show_all_after(self, receipts: Sequence[str], seconds: int) -> Sequence[bool | None]:
        found: list[bool | None] = []
        for at in range(0, len(receipts), RECEIVE_BATCH):
            found += await self._show_batch(receipts[at : at + RECEIVE_BATCH], seconds)
        return found

    async def _show_batch(self, receipts: Sequence[str], seconds: int) -> list[bool | None]:
        entries = [
            {"Id": str(at), "ReceiptHandle": receipt, "VisibilityTimeout": seconds}
            for at, receipt in enumerate(receipts)
        ]
        async with told(f"ChangeMessageVisibilityBatch on {self.name}", service="sqs"):
            answer = await self._client.change_message_visibility_batch(QueueUrl=self.url, Entries=entries)
        found: list[bool | None] = [True] * len(receipts)
        for failure in answer.get("Failed", []):
            # What is not said of the receipt is the service's trouble: the next beat tries again.
            found[int(failure["Id"])] = False if failure.get("Code") in _DEAD_RECEIPT else None
        return found

    async def _on_receipt(self, what: str, method: Any, **params: Any) -> bool:
        async with told(f"{what} on {self.name}", service="sqs"):
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
            sent_at_ms=int(attributes["SentTimestamp"]) if "SentTimestamp" in attributes else None,
            group=attributes.get("MessageGroupId"),
            trace=attributes.get(TRACE_HEADER),
        )

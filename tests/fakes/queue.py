"""SQS: visibility by the clock, a receipt that is good for one delivery only, dead letters beside."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from haulier.contracts.dataset import QueueName
from tests.fakes.clock import ManualClock
from tests.fakes.kill import Switch
from worker.errors import Transient
from worker.ports import Received


@dataclass
class _Message:
    message_id: str
    body: str
    group: str | None = None
    visible_at: float = 0.0
    sent_at_ms: int = 0
    receives: int = 0
    receipt: str = ""


@dataclass
class FakeQueue:
    """SQS's rules for one queue.

    Attributes:
        hidden: how long messages were asked to stay hidden, in order.
        batches: of how many messages each was that were renewed together.
        failing: so many receives fail.
        asked: set at the first receive.
        emptied: set when the last message is deleted.
        poll: if set, a receive that may wait and finds nothing waits for it, then looks once more.
    """

    name: QueueName
    clock: ManualClock
    switch: Switch
    messages: list[_Message] = field(default_factory=list)
    hidden: list[int] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    failing: int = 0
    sent: int = 0
    poll: asyncio.Event | None = None
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    emptied: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"https://sqs/{self.name}"

    @property
    def dlq_url(self) -> str:
        return f"https://sqs/{self.name}-dlq"

    def send(self, body: str, group: str | None = None) -> str:
        self.sent += 1
        self.messages.append(_Message(f"{self.name}-{self.sent}", body, group, sent_at_ms=self.clock.now_ms()))
        return self.messages[-1].message_id

    async def receive(self, count: int, *, wait_seconds: int, visibility_seconds: int) -> Sequence[Received]:
        self.switch.before(f"receive {self.name}")
        self.asked.set()
        if self.failing:
            self.failing -= 1
            raise Transient("the queue does not answer")
        if wait_seconds and self.poll is not None and not self._ready():
            await self.poll.wait()
        now = self.clock.monotonic()
        ready = self._ready()[:count]
        for message in ready:
            message.receives += 1
            message.receipt = f"{message.message_id}/{message.receives}"
            message.visible_at = now + visibility_seconds
        self.switch.behind()
        return [
            Received(
                self.name,
                message.message_id,
                message.receipt,
                message.body,
                message.receives,
                message.sent_at_ms,
                message.group,
            )
            for message in ready
        ]

    async def delete(self, receipt: str) -> bool:
        self.switch.before(f"delete_message {self.name}")
        message = self._find(receipt)
        if message is not None:
            self.messages.remove(message)
        if not self.messages:
            self.emptied.set()
        self.switch.behind()
        return message is not None

    async def show_after(self, receipt: str, seconds: int) -> bool:
        self.switch.before(f"show_after {self.name}")
        message = self._find(receipt)
        if message is not None:
            message.visible_at = self.clock.monotonic() + seconds
            self.hidden.append(seconds)
        self.switch.behind()
        return message is not None

    async def show_all_after(self, receipts: Sequence[str], seconds: int) -> Sequence[bool | None]:
        self.batches.append(len(receipts))
        return [await self.show_after(receipt, seconds) for receipt in receipts]

    def _ready(self) -> list[_Message]:
        return [message for message in self.messages if message.visible_at <= self.clock.monotonic()]

    def _find(self, receipt: str) -> _Message | None:
        return next((message for message in self.messages if message.receipt == receipt), None)


@dataclass
class Letters:
    """What was sent to any dead-letter queue: body and reason."""

    letters: list[dict[str, Any]] = field(default_factory=list)

    def perform(self, operation: str, params: dict[str, Any]) -> Any:
        if operation != "send_message":
            raise AssertionError(f"the worker has no business with sqs {operation}")
        self.letters.append(params)
        return {"MessageId": f"letter-{len(self.letters)}"}

    def reasons(self) -> list[str]:
        return [letter["MessageAttributes"]["error_type"]["StringValue"] for letter in self.letters]

"""What the worker needs of the world. `aws` has the real ones, `tests/fakes` twins with the same rules.

Every method may raise `errors.Throttled`, `ServiceFault`, `NotPermitted` or `Unreachable`; what else it may raise is
said beside it. No method retries a refusal; adapters retry accidents a few times.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from haulier.contracts.dataset import QueueName
from haulier.contracts.events import JobError
from haulier.contracts.report import ChunkReport
from haulier.contracts.source import Source
from haulier.jobs.calls import Call
from haulier.jobs.claim import Claimed
from worker.progress import Progress

Perform = Callable[[Call], Awaitable[Any]]
"""Makes a call of `haulier.jobs`; raises `calls.Refused` for an answer that is part of the protocol."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message as SQS handed it out.

    Attributes:
        queue: which of the work queues it came from.
        message_id: the same for every delivery.
        receipt: good for this delivery only.
        body: as it is.
        receives: how often it was delivered, this one included.
        sent_at_ms: when it was sent, milliseconds since the epoch by SQS's clock; None if it did not say.
        group: its fairness group, if it has one.
        trace: X-Ray's trace header, if it has one.
    """

    queue: QueueName
    message_id: str
    receipt: str
    body: str
    receives: int = 1
    sent_at_ms: int | None = None
    group: str | None = None
    trace: str | None = None


class Queue(Protocol):
    """One work queue."""

    @property
    def name(self) -> QueueName: ...

    @property
    def url(self) -> str: ...

    @property
    def dlq_url(self) -> str: ...

    async def receive(self, count: int, *, wait_seconds: int, visibility_seconds: int) -> Sequence[Received]:
        """At most `count` (1 to 10) messages; returns early as soon as there is one."""
        ...

    async def delete(self, receipt: str) -> bool:
        """False if the receipt is no longer good."""
        ...

    async def show_after(self, receipt: str, seconds: int) -> bool:
        """Hides the message for so long from now (0 shows it at once). False if the receipt is no longer good."""
        ...

    async def show_all_after(self, receipts: Sequence[str], seconds: int) -> Sequence[bool | None]:
        """`show_after` for many messages in as few calls as can be; for each, None says that it was not done now."""
        ...


class Body(Protocol):
    """The bytes of an answer, as they arrive."""

    async def read(self, amount: int) -> bytes:
        """At least one byte and at most `amount`, or b"" at the end. Raises BrokenStream."""
        ...

    def close(self) -> None:
        """Gives the connection up if the body was not read to its end."""
        ...


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to a ranged read, unchecked: servers differ.

    Attributes:
        content_range: `bytes 0-99/1000`, or None if the server sent the whole object.
        length: bytes of the body as announced.
        etag: without quotes.
        body: the bytes.
    """

    content_range: str | None
    length: int | None
    etag: str | None
    body: Body


class ReadObject(Protocol):
    async def get(self, source: Source, start: int, end: int, *, by_version: bool) -> Reply:
        """Asks for bytes `[start, end)` of the object, which must have the pinned ETag.

        Args:
            source: the object.
            start: first byte.
            end: the byte after the last; greater than start.
            by_version: name the version too, where the source has one.

        Raises:
            SourceGone, SourceChanged, SourceForbidden.
        """
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """An object to be written in the output bucket."""

    key: str
    content_type: str
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """A part that is stored. `crc32` as S3 writes it: base64 of four bytes, big-endian; empty if the server copied the
    part and said none.
    """

    number: int
    etag: str
    crc32: str


@dataclass(frozen=True, slots=True)
class Stored:
    etag: str
    crc64nvme: str | None = None


class StoreParts(Protocol):
    """Writes objects into the output bucket. Part numbers count from 1; every part but the last has at least 5 MiB."""

    @property
    def bucket(self) -> str: ...

    async def put(self, target: Target, data: bytes, crc32: str) -> Stored: ...

    async def create(self, target: Target) -> str:
        """Opens a multipart upload; returns its id."""
        ...

    async def put_part(self, key: str, upload: str, number: int, data: bytes, crc32: str) -> Part: ...

    async def copy_part(self, key: str, upload: str, number: int, source: Source, start: int, end: int) -> Part:
        """Has the server copy bytes `[start, end)` of an object, which must have the pinned ETag, as a part.

        Raises:
            SourceGone, SourceChanged.
        """
        ...

    async def complete(
        self, key: str, upload: str, parts: Sequence[Part], crc32: str | None, *, size: int | None = None
    ) -> Stored:
        """Makes the object of its parts; `crc32` is of the whole, where that is known, `size` is what it comes to."""
        ...

    async def abort(self, key: str, upload: str) -> None:
        """Drops the upload; one that is gone already is no error."""
        ...

    async def delete(self, key: str) -> None: ...


class Tokens(Protocol):
    """Step Functions task tokens. Each returns False for a token nobody waits for any more."""

    async def success(self, token: str) -> bool: ...

    async def failure(self, token: str, error: JobError) -> bool: ...

    async def heartbeat(self, token: str) -> bool: ...


@dataclass(frozen=True, slots=True)
class AgentReply:
    """What ECS's agent answered to a request for task protection: exactly one of these is set, or none if protection
    is as was asked.

    Attributes:
        failure: ECS's reason why it is not, `DEPLOYMENT_BLOCKED` for instance.
        trouble: why nobody knows: a time-out, an error of the agent, no right.
    """

    failure: str | None = None
    trouble: str | None = None


class TaskAgent(Protocol):
    """ECS's agent beside this task."""

    async def protect(self, *, enabled: bool, minutes: int | None) -> AgentReply:
        """Asks that this task be left alone by scale-in and deployments for so long, or no more. Never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """What one thread speaks to AWS through; clients are never shared between threads.

    Attributes:
        agent: None outside ECS.
    """

    perform: Perform
    queues: Mapping[QueueName, Queue]
    tokens: Tokens
    agent: TaskAgent | None = None


class Work(Protocol):
    """What is done with a claimed chunk."""

    async def __call__(
        self, claimed: Claimed, *, attempt: str, progress: Progress, holds: Callable[[], bool]
    ) -> ChunkReport:
        """Reads, processes and writes the chunk; commits nothing.

        Args:
            claimed: the chunk.
            attempt: the id under which outputs are written.
            progress: to be told.
            holds: whether the attempt still holds its lease; only then may it clean up after itself.

        Raises:
            Permanent, Transient: what was written is deleted then, as far as possible.
        """
        ...

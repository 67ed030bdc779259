"""What a caller may ask for on the bus, and what the world is told about a job."""

import json
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from haulier.contracts.dataset import NAME_PATTERN, QueueName
from haulier.contracts.ids import JOB_ID_PATTERN
from haulier.contracts.limits import MAX_KEY_BYTES, MAX_LISTED_BYTES
from haulier.contracts.model import WireModel
from haulier.contracts.states import JobState

EVENT_SOURCE = "haulier"
JOB_REQUESTED = "Job Requested"
JOB_CHANGED = "Job State Changed"
EXECUTION_SOURCE = "aws.states"
EXECUTION_ENDED = "Step Functions Execution Status Change"
"""Step Functions' own event, on the default bus."""


def _is_key(key: str) -> str:
    if not 0 < len(key.encode()) <= MAX_KEY_BYTES:
        raise ValueError(f"a key has 1 to {MAX_KEY_BYTES} bytes of UTF-8")
    return key


Key = Annotated[str, AfterValidator(_is_key)]
"""An object's key, as it is (not URL-encoded). S3 has none longer than 1,024 bytes."""
_WAYS = ("key", "keys", "keys_object", "prefix", "job_id")


class JobRequested(WireModel):
    """Detail of a `Job Requested` event. Exactly one of `key` (process an object), `keys`, `keys_object`, `prefix` (a
    batch: process many, each as a job of its own) and `job_id` (enqueue a job that is already accepted: a retry).

    Attributes:
        bucket: the objects' bucket.
        key: the object's key, as it is (not URL-encoded).
        version_id: a version of it; the newest if not given.
        keys: several objects' keys; a longer list comes as an object.
        keys_object: key of an object in the bucket that lists keys, one a line: the key as it is, or, where the line
            begins with `"`, as a JSON string.
        prefix: every object under it.
        dataset: the dataset's name; matched by key if not given.
        queue: overrides the dataset's.
        cause: names the request; the same cause for the same object (or batch) and dataset is the same job.
        job_id: an accepted job to enqueue, instead of all the above.
    """

    version: Literal[1] = 1
    bucket: str | None = None
    key: str | None = None
    version_id: str | None = None
    keys: Annotated[tuple[Key, ...], Field(min_length=1)] | None = None
    keys_object: Key | None = None
    prefix: Key | None = None
    dataset: Annotated[str, Field(pattern=NAME_PATTERN)] | None = None
    queue: QueueName | None = None
    cause: str = ""
    job_id: Annotated[str, Field(pattern=JOB_ID_PATTERN)] | None = None

    @model_validator(mode="after")
    def _one_of_all(self) -> "JobRequested":
        given = [way for way in _WAYS if getattr(self, way)]
        if self.job_id is not None and (len(given) > 1 or self.bucket or self.dataset):
            raise ValueError("job_id stands alone: it names a job that knows its object already")
        if self.job_id is None and not (given and self.bucket):
            raise ValueError(
                "give bucket and key of an object (or keys, keys_object, prefix of several), or job_id of an "
                "accepted job"
            )
        if len(given) > 1:
            raise ValueError(f"give one of {', '.join(given)}")
        if self.version_id and not self.key:
            raise ValueError("version_id is of one object: it goes with key")
        return self

    @model_validator(mode="after")
    def _fits(self) -> "JobRequested":
        if self.keys and sum(len(json.dumps(key)) + 1 for key in self.keys) > MAX_LISTED_BYTES:
            raise ValueError(
                f"the keys take more than {MAX_LISTED_BYTES} bytes of JSON: put them into an object, one a line, and "
                "name it in keys_object"
            )
        return self

    @property
    def is_batch(self) -> bool:
        """Whether it asks for several objects."""
        return bool(self.keys or self.keys_object or self.prefix)


_MESSAGE_CHARS = 2000
"""An item holds 400 KB and an SNS message 256 KB: what a person reads is shorter."""


def _cut(message: object) -> object:
    if isinstance(message, str) and len(message) > _MESSAGE_CHARS:
        return f"{message[: _MESSAGE_CHARS - 40]}... ({len(message) - _MESSAGE_CHARS + 40} characters more)"
    return message


class JobError(WireModel):
    """Why a job failed or was rejected.

    Attributes:
        stage: see reject.Stage.
        code: short and stable.
        message: what happened and what to do.
    """

    stage: str
    code: str
    message: Annotated[str, BeforeValidator(_cut)]


class JobChanged(WireModel):
    """Detail of a `Job State Changed` event; also the body on SNS and on the results queue.

    Attributes:
        event_id: the same for every delivery of the same transition (deduplication id on FIFO).
        state: what the job became.
        file_type: csv, jsonl, … where it is known.
        members: of a batch, how many of its members ended in which state.
        manifest: s3:// address, for SUCCEEDED; of a batch for FAILED, too.
    """

    version: Literal[1] = 1
    event_id: str
    job_id: str
    run: int
    state: JobState
    at: str
    dataset: str
    bucket: str
    key: str
    size: int | None = None
    file_type: str | None = None
    read: int | None = None
    written: int | None = None
    rejected: int | None = None
    members: dict[str, int] | None = None
    manifest: str | None = None
    error: JobError | None = None

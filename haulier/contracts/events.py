"""What a caller may ask for on the bus, and what the world is told about a job."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from haulier.contracts.dataset import NAME_PATTERN, QueueName
from haulier.contracts.ids import JOB_ID_PATTERN
from haulier.contracts.model import WireModel
from haulier.contracts.states import JobState

EVENT_SOURCE = "haulier"
JOB_REQUESTED = "Job Requested"
JOB_CHANGED = "Job State Changed"


class JobRequested(WireModel):
    """Detail of a `Job Requested` event: either process an object, or enqueue a job that is already accepted (a retry).

    Attributes:
        bucket: the object's bucket.
        key: the object's key, as it is (not URL-encoded).
        version_id: a version of it; the newest if not given.
        dataset: the dataset's name; matched by key if not given.
        queue: overrides the dataset's.
        cause: names the request; the same cause for the same object and dataset is the same job.
        job_id: an accepted job to enqueue, instead of all the above.
    """

    version: Literal[1] = 1
    bucket: str | None = None
    key: str | None = None
    version_id: str | None = None
    dataset: Annotated[str, Field(pattern=NAME_PATTERN)] | None = None
    queue: QueueName | None = None
    cause: str = ""
    job_id: Annotated[str, Field(pattern=JOB_ID_PATTERN)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "JobRequested":
        if self.job_id is None and not (self.bucket and self.key):
            raise ValueError("give bucket and key of an object, or job_id of an accepted job")
        if self.job_id is not None and (self.bucket or self.key or self.dataset):
            raise ValueError("job_id stands alone: it names a job that knows its object already")
        return self


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
        manifest: s3:// address, for SUCCEEDED.
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
    manifest: str | None = None
    error: JobError | None = None

"""Job, run and chunk as the one table holds them: partition key `job_id`, sort key `sk`.

`job` · `r0001` (a run) · `r0001#c00042#0` (chunk 42, round 0) · `r0001#p00042#0#…` (its profile by an attempt, where a
job has several chunks) · `r0001#s0003` (of a batch, a section of its list: `jobs.batch`). A pointer item per object,
partition `object#…`, keeps the newest sequencer and the job it started.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ValidationError

from haulier.contracts.batch import BATCH, BatchProgress
from haulier.contracts.errors import InvalidRecord, NewerRecord
from haulier.contracts.events import JobError
from haulier.contracts.ids import shard_of
from haulier.contracts.report import ChunkReport
from haulier.contracts.run import Plan, RunPin
from haulier.contracts.states import FINAL, WORKABLE, JobState
from haulier.jobs.attributes import decode_item

M = TypeVar("M", bound=BaseModel)
JOB_SK = "job"
POINTER_SK = "pointer"
_CHUNK_SK = re.compile(r"^r(\d{4,})#c(\d{5})#(\d+)$")


def run_sk(run: int) -> str:
    return f"r{run:04d}"


def chunk_sk(run: int, chunk: int, round_: int) -> str:
    return f"r{run:04d}#c{chunk:05d}#{round_}"


def profile_sk(run: int, chunk: int, round_: int, attempt: str) -> str:
    """Named by its attempt like an output: nobody overwrites anybody, and only the committed attempt's is read."""
    return f"{profiles_prefix(run)}{chunk:05d}#{round_}#{attempt}"


def profiles_prefix(run: int) -> str:
    return f"r{run:04d}#p"


def chunks_prefix(run: int) -> str:
    return f"r{run:04d}#c"


def status_shard(state: JobState, job: str) -> str:
    """The partition of the status index a job in that state lies in."""
    return f"{state}#{shard_of(job)}"


def pointer_id(bucket: str, key: str) -> str:
    """Partition key of an object's pointer item; hashed, since a key may be longer than DynamoDB's 2,048 bytes."""
    return "object#" + hashlib.sha256(f"{bucket}\n{key}".encode()).hexdigest()


def key_of(job: str, sk: str) -> dict[str, dict[str, str]]:
    return {"job_id": {"S": job}, "sk": {"S": sk}}


def read_stored(model: type[M], values: Mapping[str, Any], attribute: str) -> M:
    """What an attribute holds as JSON.

    Raises:
        NewerRecord: it names things this release does not know: fields, versions, choices.
        InvalidRecord: it is wrong in any other way.
    """
    try:
        return model.model_validate_json(values.get(attribute) or "")
    except ValidationError as error:
        mistakes = error.errors(include_url=False)
        told = "; ".join(f"{'.'.join(map(str, one['loc'])) or attribute}: {one['msg']}" for one in mistakes[:3])
        newer = any(one["type"] in ("extra_forbidden", "literal_error") for one in mistakes)
        who = "a newer release wrote it" if newer else "it is damaged, or no release of Haulier wrote it"
        text = f"{attribute} of {values.get('job_id')} {values.get('sk')} cannot be read: {who} ({told})"
        raise (NewerRecord if newer else InvalidRecord)(text) from None


@dataclass(frozen=True, slots=True)
class JobItem:
    """The job item. Times are milliseconds since the epoch; counts are of the run that was judged, None before; of one
    that failed then, nothing is written. Of a batch's member: `batch` and the batch's run that last started it; of a
    batch: its `progress`, and when a cancelled one's members had been stopped.
    """

    job_id: str
    status: JobState
    run: int
    dataset: str
    bucket: str
    key: str
    size: int
    accepted_at_ms: int
    updated_at: str
    created_at: str
    chunked: bool
    queue: str
    etag: str = ""
    version_id: str | None = None
    uploaded_at: str | None = None
    operation: str = "records"
    cause: str = ""
    sequencer: str | None = None
    enqueued_at_ms: int = 0
    enqueues: int = 0
    restarts: int = 0
    error: JobError | None = None
    chunks: int | None = None
    file_type: str | None = None
    read: int | None = None
    written: int | None = None
    rejected: int | None = None
    filtered: int | None = None
    input_bytes: int | None = None
    output_bytes: int | None = None
    reject_codes: Mapping[str, int] | None = field(default=None, hash=False)
    running_at: str | None = None
    sealed_at: str | None = None
    finished_at: str | None = None
    cleaned_at: str | None = None
    announced: str | None = None
    announce_again: str | None = None
    batch: str | None = None
    batch_run: int | None = None
    progress: BatchProgress | None = field(default=None, hash=False)
    stopped_at: str | None = None
    remarks: tuple[str, ...] = ()

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Self:
        """Reads a typed item; attributes this release does not know are passed over."""
        values = decode_item(item)
        try:
            values["status"] = JobState(values["status"])
        except ValueError:
            raise NewerRecord(f"{values['job_id']} is {values['status']}, a state this release does not know") from None
        if values.get("error"):
            values["error"] = read_stored(JobError, values, "error")
        if values.get("progress"):
            values["progress"] = read_stored(BatchProgress, values, "progress")
        values["remarks"] = tuple(values.get("remarks") or ())
        return cls(**{name: values[name] for name in cls.__dataclass_fields__ if name in values})

    @property
    def is_batch(self) -> bool:
        return self.operation == BATCH

    @property
    def group(self) -> str:
        """Whose share of a queue the job takes (SQS fair queues): its batch's, else its dataset's."""
        return self.batch or self.dataset

    @property
    def final(self) -> bool:
        return self.status in FINAL

    @property
    def workable(self) -> bool:
        return self.status in WORKABLE


@dataclass(frozen=True, slots=True)
class RunItem:
    """The run item: what was pinned at acceptance, and the plan once there is one."""

    job_id: str
    run: int
    pin: RunPin
    plan: Plan | None = None

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Self:
        values = decode_item(item)
        return cls(
            job_id=values["job_id"],
            run=int(values["sk"][1:]),
            pin=read_stored(RunPin, values, "pin"),
            plan=read_stored(Plan, values, "plan") if values.get("plan") else None,
        )


@dataclass(frozen=True, slots=True)
class ChunkItem:
    """One round of one chunk. It comes into being at its first claim, or when a redo is ordered.

    Attributes:
        attempts: failures so far, the present attempt among them until it ends in order.
        releases: orderly interruptions.
        outages: tries that a service's failure ended; not among `attempts`.
        lease_until: milliseconds since the epoch, by the holder's clock.
        lease_message: SQS message id the holder works for.
        token: the newest Step Functions token that waits for this chunk.
        given: where a redo's first record starts.
        end: where a redo's span ends, if it is more than the chunk's own range.
        report: what was committed, if anything was.
        profile: with it, as JSON, if the job has but this chunk.
    """

    job_id: str
    run: int
    chunk: int
    round: int
    attempts: int = 0
    releases: int = 0
    outages: int = 0
    lease_attempt: str | None = None
    lease_until: int | None = None
    lease_message: str | None = None
    worker: str | None = None
    token: str | None = None
    given: int | None = None
    end: int | None = None
    report: ChunkReport | None = None
    profile: str | None = None
    committed_attempt: str | None = None
    committed_at: str | None = None
    enqueued_at_ms: int = 0
    enqueues: int = 0
    failure: JobError | None = None
    progress_bytes: int = 0
    progress_read: int = 0
    progress_rejected: int = 0

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Self:
        values = decode_item(item)
        found = _CHUNK_SK.match(values["sk"])
        if found is None:
            raise ValueError(f"{values['sk']!r} is not a chunk's sort key")
        values["run"], values["chunk"], values["round"] = (int(part) for part in found.groups())
        if values.get("report"):
            values["report"] = read_stored(ChunkReport, values, "report")
        if values.get("failure"):
            values["failure"] = read_stored(JobError, values, "failure")
        return cls(**{name: values[name] for name in cls.__dataclass_fields__ if name in values})

    @property
    def sk(self) -> str:
        return chunk_sk(self.run, self.chunk, self.round)

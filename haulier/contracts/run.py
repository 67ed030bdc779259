"""What a run pins when it is accepted, and what the planner adds: every chunk of a run works by the same values."""

from typing import Literal

from pydantic import Field

from haulier.contracts.dataset import ColumnType, Dataset, FileType, InputCompression, QueueName
from haulier.contracts.limits import DEFAULT_CHUNK_BYTES, DEFAULT_CHUNK_THRESHOLD_BYTES, ONDEMAND_AFTER_SECONDS
from haulier.contracts.model import StoredModel, WireModel
from haulier.contracts.source import Source

ENGINE_REVISION = 3
"""Raised when the same input would give other bytes; outputs of different revisions never meet in one run."""


class RunPin(StoredModel):
    """The run item's pinned half, written once at acceptance.

    Attributes:
        source: the object, with the ETag every read must find.
        dataset: its configuration as it was then.
        operation: what is done; `records`.
        accepted_at_ms: milliseconds since the epoch; `_processed_at` of every record.
        chunked: whether the job goes through Step Functions.
        queue: which work queue its messages go to.
        threshold_bytes: objects larger than this are cut.
        chunk_bytes: chunk size asked for.
        wanted_queue: the queue a request asked for; a retry asks for it again.
        stack_threshold_bytes: the stack's own, for a retry with a dataset that says nothing.
        stack_chunk_bytes: likewise.
        stack_ondemand_after_seconds: likewise.
        engine_revision: of the release that accepted it.
    """

    schema_version: Literal[1] = 1
    source: Source
    dataset: Dataset
    operation: Literal["records"] = "records"
    accepted_at_ms: int
    chunked: bool
    queue: QueueName
    threshold_bytes: int
    chunk_bytes: int
    wanted_queue: QueueName | None = None
    stack_threshold_bytes: int = DEFAULT_CHUNK_THRESHOLD_BYTES
    stack_chunk_bytes: int = DEFAULT_CHUNK_BYTES
    stack_ondemand_after_seconds: int = ONDEMAND_AFTER_SECONDS
    engine_revision: int = ENGINE_REVISION


class Reading(WireModel):
    """How the bytes are read: what `jobs.peek` finds in an object's first bytes, pinned so that all chunks agree.

    Attributes:
        type: csv and tsv are delimited; json is one value (an object, or an array of them).
        compression: of the whole object; anything but `none` cannot be cut.
        encoding: a Python codec name.
        delimiter: one character; empty for JSON.
        quote: one character; empty for JSON.
        columns: names in order, made unique; empty for JSON.
        body_start: offset of the first byte after BOM and header, in bytes of the (decompressed, not decoded) object.
        splittable: whether chunks may be parsed by several workers.
        remarks: what was found to differ from what the name promised, for the job's record.
        inferred: column → type, for those the schema leaves to the file's beginning; None if it does not.
    """

    type: FileType
    compression: InputCompression = "none"
    encoding: str = "utf-8"
    delimiter: str = ""
    quote: str = ""
    columns: tuple[str, ...] = ()
    body_start: int = Field(default=0, ge=0)
    splittable: bool = True
    remarks: tuple[str, ...] = ()
    inferred: dict[str, ColumnType] | None = None


class Plan(StoredModel):
    """The run item's planned half, written once by the planner. A chunk's range follows from it by arithmetic.

    Attributes:
        reading: how to read; None for a compressed object, whose one worker finds out for itself.
        size: bytes of the object.
        chunk_bytes: bytes of each chunk but the last.
        chunks: how many there are.
    """

    schema_version: Literal[1] = 1
    reading: Reading | None = None
    size: int
    chunk_bytes: int = Field(ge=1)
    chunks: int = Field(ge=1)

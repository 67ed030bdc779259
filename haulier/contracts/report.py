"""What an attempt commits: where its chunk began and ended, what it counted, and the objects it wrote."""

from pydantic import Field

from haulier.contracts.dataset import ColumnType
from haulier.contracts.model import StoredModel, WireModel
from haulier.contracts.profile import ChunkProfile


class OutputObject(WireModel):
    """One object an attempt wrote.

    Attributes:
        key: in the output bucket.
        bytes: as stored.
        records: how many it holds.
        etag: as S3 returned it, without quotes.
        crc64nvme: base64 of the full-object checksum, where S3 returned one.
    """

    key: str
    bytes: int = Field(ge=0)
    records: int = Field(ge=0)
    etag: str
    crc64nvme: str | None = None


class ChunkReport(StoredModel):
    """An attempt's account of its chunk. Balance: `read == written + rejected + filtered`.

    A join's account (`haulier.jobs.join`) counts nothing, since its records are the chunks', and lists one output; it
    is never judged.

    Attributes:
        first: offset where the chunk's first record starts; `next` of an empty chunk.
        next: offset where the record after the chunk's last one starts; None if the record that reaches past the
            chunk's end was longer than the record limit, so that nobody knows.
        read: records that start in the chunk.
        written: records in the outputs.
        rejected: records in the rejects.
        filtered: records a filter left out.
        input_bytes: bytes parsed.
        reject_codes: code → how many.
        outputs: in order; empty if nothing was written.
        rejects: the rejects' object, if there is one.
        seconds: from claim to commit, for the user's table only.
        file_type: what the bytes were read as (csv, jsonl, …).
        remarks: what differed from what was expected; shown in `haulier status`.
        inferred: as in `run.Reading`, where the attempt found it itself and the run has no plan that says it.
        profile: of its outputs, where there is one; not among the report's JSON but beside it in the table, so that
            whoever reads reports does not read profiles, and an older release reads them at all.
    """

    first: int = Field(ge=0)
    next: int | None = Field(default=None, ge=0)
    read: int = Field(ge=0)
    written: int = Field(ge=0)
    rejected: int = Field(ge=0)
    filtered: int = Field(ge=0)
    input_bytes: int = Field(ge=0)
    reject_codes: dict[str, int] = Field(default_factory=dict)
    outputs: tuple[OutputObject, ...] = ()
    rejects: OutputObject | None = None
    seconds: float = 0.0
    remarks: tuple[str, ...] = ()
    file_type: str | None = None
    inferred: dict[str, ColumnType] | None = None
    profile: ChunkProfile | None = Field(default=None, exclude=True)

    @property
    def balanced(self) -> bool:
        return (
            self.read == self.written + self.rejected + self.filtered
            and self.written == sum(output.records for output in self.outputs)
            and self.rejected == (self.rejects.records if self.rejects else 0)
        )

"""The closing account of a run: readers trust only what it lists."""

from typing import Literal

from haulier.contracts.dataset import Column
from haulier.contracts.model import WireModel
from haulier.contracts.profile import RunProfile
from haulier.contracts.report import OutputObject
from haulier.contracts.source import Source


class ManifestChunk(WireModel):
    """A chunk's share of a run.

    Where a run was joined (`layout: single`), its chunks list no outputs, and one more entry after the last lists the
    joined object: its counts are 0, and `first` and `next` are the source's end. So whoever reads the outputs of all
    entries in order reads every record once, joined or not.

    Attributes:
        chunk: its index.
        first: offset of its first record.
        next: offset where the next chunk's first record starts.
        base: how many records all chunks before it read, so that `base + n` numbers its n-th record in the file.
    """

    chunk: int
    first: int
    next: int
    base: int
    read: int
    written: int
    rejected: int
    filtered: int
    outputs: tuple[OutputObject, ...] = ()
    rejects: OutputObject | None = None


class Manifest(WireModel):
    """`_manifest.json`. Outputs are listed in the order of the source.

    Attributes:
        columns: the schema every record was checked against, before transforms; what it does not list was kept as it
            was, or as `schema.extra` says.
        inferred: names of those columns whose types were found in the file's beginning.
        profile: what the outputs hold, by column; None where records went through unread.
    """

    version: Literal[1] = 1
    job_id: str
    run: int
    dataset: str
    source: Source
    format: str
    compression: str
    accepted_at: str
    sealed_at: str
    engine_revision: int
    bucket: str
    read: int
    written: int
    rejected: int
    filtered: int
    reject_codes: dict[str, int]
    input_bytes: int
    output_bytes: int
    chunks: tuple[ManifestChunk, ...]
    remarks: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    inferred: tuple[str, ...] = ()
    profile: RunProfile | None = None

    @property
    def output_keys(self) -> list[str]:
        return [output.key for chunk in self.chunks for output in chunk.outputs]

    @property
    def rejects_keys(self) -> list[str]:
        return [chunk.rejects.key for chunk in self.chunks if chunk.rejects]

    @classmethod
    def of(cls, body: bytes) -> "Manifest":
        """A manifest of this release or a later one, whose further fields are passed over: it is for readers, and they
        are not upgraded in step.
        """
        return cls.model_validate_json(body, extra="ignore")

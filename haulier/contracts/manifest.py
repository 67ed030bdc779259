"""The closing account of a run: readers trust only what it lists."""

from typing import Literal

from haulier.contracts.model import WireModel
from haulier.contracts.report import OutputObject
from haulier.contracts.source import Source


class ManifestChunk(WireModel):
    """A chunk's share of a run.

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
    """`_manifest.json`. Outputs are listed in the order of the source."""

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

    @property
    def output_keys(self) -> list[str]:
        return [output.key for chunk in self.chunks for output in chunk.outputs]

    @property
    def rejects_keys(self) -> list[str]:
        return [chunk.rejects.key for chunk in self.chunks if chunk.rejects]

"""What a way is told, and what it answers: JSON, as a child's argument and on its standard output."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.data.recipe import Recipe, Truth
from bench.endpoint import OUTPUT


@dataclass(frozen=True, slots=True)
class Job:
    """One run of one way.

    Attributes:
        way: its name in `bench.ways.WAYS`.
        recipe: what is read.
        url: the S3 endpoint.
        output: jsonl or parquet.
        scratch: a folder for local outputs.
        local: the input as a file, for ways that read files.
        bucket: where S3 outputs go.
        chunks: which chunks of a chunked job this process works on; all of them, and the proof, if None.
        chunk_bytes: a chunk's size; 0 for one stream.
        slots: chunks worked on at once.
        threads: parsing threads; 0 for the worker's own number.
        core: which of the machine's cores the process is held to, from 0; None for all.
        files: the object lies there so many times, under keys `{n}-{key}`, and all are read; 0 for once, as it is.
        etag: the object's, where the server is not the bench's own.
    """

    way: str
    recipe: Recipe
    url: str
    output: str
    scratch: str
    local: str = ""
    bucket: str = OUTPUT
    chunks: tuple[int, ...] | None = None
    chunk_bytes: int = 0
    slots: int = 8
    threads: int = 0
    core: int | None = None
    files: int = 0
    etag: str = ""

    @property
    def read_bytes(self) -> int:
        return self.recipe.read_bytes * max(self.files, 1)

    @property
    def truth(self) -> Truth:
        return self.recipe.truth.times(max(self.files, 1))

    @property
    def folder(self) -> Path:
        return Path(self.scratch)

    def to_json(self) -> str:
        return json.dumps(asdict(self) | {"recipe": self.recipe.to_json()})

    @classmethod
    def from_json(cls, text: str) -> "Job":
        raw = json.loads(text)
        raw["recipe"] = Recipe.from_json(raw["recipe"])
        if raw["chunks"] is not None:
            raw["chunks"] = tuple(raw["chunks"])
        return cls(**raw)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a way did.

    Attributes:
        seconds: the work alone: no interpreter start, no imports, no clients' opening.
        cpu_seconds: of this process meanwhile, all threads, user and system.
        written: rows in its output.
        caught: bad rows it set aside, by code; a way that sets none aside has none.
        extra: of Haulier: `redone`, chunks the proof wanted parsed again; `keys`, its objects.
    """

    seconds: float
    cpu_seconds: float
    written: int
    caught: dict[str, int] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Answer":
        return cls(**json.loads(text))

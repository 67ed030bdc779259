"""An object made of pieces, some of them repeated: 10 GiB come from 61 MiB on disk, and the truth is counted once.

A piece is whole records, so its repetition is a file like any other; only its values come again. A piece's length is
no multiple of a chunk's, so that chunks are cut at other places of it each time.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class Truth:
    """What the generator knows.

    Attributes:
        records: all of them, good and bad.
        bad: reject code → how many records must be set aside with it.
    """

    records: int = 0
    bad: dict[str, int] = field(default_factory=dict)

    @property
    def rejected(self) -> int:
        return sum(self.bad.values())

    @property
    def good(self) -> int:
        return self.records - self.rejected

    def times(self, count: int) -> "Truth":
        return Truth(self.records * count, {code: n * count for code, n in self.bad.items()})

    def plus(self, other: "Truth") -> "Truth":
        codes = sorted({*self.bad, *other.bad})
        bad = {code: self.bad.get(code, 0) + other.bad.get(code, 0) for code in codes}
        return Truth(self.records + other.records, bad)


class Segment(NamedTuple):
    """A file of the data directory, `repeats` times. `size` is the file's, in bytes."""

    file: str
    size: int
    repeats: int


@dataclass(frozen=True, slots=True)
class Recipe:
    """One object.

    Attributes:
        key: in the input bucket; its extension says the format.
        dataset: the dataset's configuration, as `contracts.dataset.Dataset` reads it.
        segments: in order.
        truth: what it holds.
        data_bytes: bytes of it decompressed; what throughput is counted in. 0: as it is.
    """

    key: str
    dataset: dict[str, Any]
    segments: tuple[Segment, ...]
    truth: Truth
    data_bytes: int = 0

    @property
    def size(self) -> int:
        return sum(segment.size * segment.repeats for segment in self.segments)

    @property
    def read_bytes(self) -> int:
        return self.data_bytes or self.size

    @property
    def etag(self) -> str:
        return hashlib.sha256(repr((self.key, self.segments)).encode()).hexdigest()[:32]

    @property
    def delimiter(self) -> str:
        return str(self.dataset.get("format", {}).get("delimiter") or ",")

    @property
    def columns(self) -> dict[str, dict[str, Any]]:
        """Name → the dataset's entry, in order."""
        return {column["name"]: column for column in self.dataset["schema"]["columns"]}

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Recipe":
        raw = json.loads(text)
        raw["segments"] = tuple(Segment(*segment) for segment in raw["segments"])
        raw["truth"] = Truth(**raw["truth"])
        return cls(**raw)


class Piece(NamedTuple):
    """`length` bytes of a file from `offset` on."""

    file: str
    offset: int
    length: int


def pieces(segments: tuple[Segment, ...], start: int, end: int) -> Iterator[Piece]:
    """Bytes `[start, end)` of the object as pieces of its files."""
    at = 0
    for file, size, repeats in segments:
        whole = size * repeats
        low, high = max(start, at), min(end, at + whole)
        while low < high:
            offset = (low - at) % size
            length = min(size - offset, high - low)
            yield Piece(file, offset, length)
            low += length
        at += whole
        if at >= end:
            return


def write_out(recipe: Recipe, root: Path, target: Path) -> None:
    """Makes the object a real file, for engines that read files."""
    partial = target.with_suffix(target.suffix + ".part")
    with partial.open("wb") as out:
        for file, _, repeats in recipe.segments:
            data = (root / file).read_bytes()
            for _ in range(repeats):
                out.write(data)
    partial.replace(target)

"""How often a chunk's guess of its first record is wrong, on real and on hostile files. Pure: no endpoint, no worker.

The truth is Python's csv module over the whole file. A guess counts as wrong where the proof would call the chunk's
link broken: the chunk owns a record and its first is not where the guess said. A wrong guess costs a round of that
chunk and never a wrong result.
"""

import csv
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from haulier.contracts.dataset import Dataset
from haulier.contracts.limits import KIB, MIB, PEEK_BYTES
from haulier.contracts.run import Reading
from haulier.jobs.peek import peek
from worker.records.cutting import cutter_for, read_from

_LINES = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+\Z")
_PIECE = 64 * KIB


@dataclass(frozen=True, slots=True)
class Guessed:
    """One file at one chunk size.

    Attributes:
        name: the file's.
        chunk_bytes: size of a chunk.
        cuts: how many chunks had to guess and own a record.
        wrong: how many of them guessed wrong.
    """

    name: str
    chunk_bytes: int
    cuts: int
    wrong: int


def starts(data: bytes, at: int, delimiter: str) -> list[int]:
    """Offset of every line that starts outside of quotes, from `at` on, and of the end."""
    csv.field_size_limit(1 << 40)
    taken = at

    def lines() -> Iterator[str]:
        nonlocal taken
        for found in _LINES.finditer(data, at):
            taken = found.end()
            yield found.group().decode("latin-1")

    return [at, *(taken for _ in csv.reader(lines(), delimiter=delimiter))]


def reading_of(data: bytes, dataset: Dataset) -> Reading:
    """As the planner finds it."""
    return peek(data[:PEEK_BYTES], key="a.csv", complete=len(data) <= PEEK_BYTES, compression="none", dataset=dataset)


def guessed(name: str, data: bytes, reading: Reading, chunk_bytes: int, truth: list[int]) -> Guessed:
    """Cuts the file every `chunk_bytes` and lets each chunk but the first guess."""
    cuts = wrong = 0
    for start in range(chunk_bytes, len(data), chunk_bytes):
        end = min(start + chunk_bytes, len(data))
        first = truth[bisect_left(truth, start)]
        if first >= end or start <= reading.body_start:
            continue
        cuts += 1
        wrong += _guess(data, reading, start, end) != first
    return Guessed(name, chunk_bytes, cuts, wrong)


def _guess(data: bytes, reading: Reading, start: int, end: int) -> int | None:
    cutter = cutter_for(reading, start=start, end=end, given=None)
    at = read_from(reading, start=start, given=None)
    while cutter.first is None and at < len(data):
        cutter.feed(data[at : at + _PIECE])
        at += _PIECE
    if cutter.first is None:
        cutter.finish()
    return cutter.first


def over(files: Iterable[tuple[str, bytes, Dataset]], sizes: tuple[int, ...]) -> Iterator[Guessed]:
    """Every file at every chunk size."""
    for name, data, dataset in files:
        reading = reading_of(data, dataset)
        truth = starts(data, reading.body_start, reading.delimiter)
        for size in sizes:
            yield guessed(name, data, reading, size, truth)


CHUNK_SIZES = (64 * KIB + 1, 256 * KIB + 3, 1 * MIB + 7)
"""Far smaller than a job's 64 MiB, for many cuts; where a cut falls matters to a guess, not how far the next one is.
No powers of two, so that they fall everywhere."""

"""Files whose every record has an id of its own, and what must become of them.

What a file should come out as is computed from its bytes by Python's own parsers, never by Haulier's code.
"""

import csv
import gzip
import io
import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

PREFIX = "incoming/chaos/"
RECORD_ID = re.compile(r"\bn\d{4}x\d{6}\b")
TEXTS = ("plain", "Zoë", "漢字", "a,b", 'say "x"', "line\nbreak", '\n"",\n', "", "1,2,3\n4,5,6\n7")

DATASETS = {
    "chaos-cut": "match: [{prefix: incoming/chaos/cut/}]\nchunking: {threshold_bytes: 4096, chunk_bytes: 100000}\n",
    "chaos-large": "match: [{prefix: incoming/chaos/large/}]\nchunking: {threshold_bytes: 1000000000}\n",
    "chaos-packed": "match: [{prefix: incoming/chaos/packed/}]\noutput: {format: jsonl, compression: gzip}\n",
    "chaos-strict": "match: [{prefix: incoming/chaos/strict/}]\nmax_invalid_ratio: 0\n",
    "chaos-unfit": "match: [{prefix: incoming/chaos/unfit/}]\ntransforms: [{derive: {x: no_such_column + 1}}]\n",
    "chaos-broken": "match: [{prefix: incoming/chaos/broken/}]\nqueue: fast\n",
}


@dataclass(frozen=True)
class Cargo:
    """A file to be put.

    Attributes:
        number: its number in the run; part of every record's id.
        kind: see KINDS.
        key: where it goes.
        body: its bytes.
        ends: states and error codes its job may end in; ("SUCCEEDED", "") for a good one.
    """

    number: int
    kind: str
    key: str
    body: bytes
    ends: frozenset[tuple[str, str]]


def record_id(cargo: int, n: int) -> str:
    return f"n{cargo:04d}x{n:06d}"


def _rows(dice: random.Random, number: int, rows: int, bad: float) -> Iterator[list[str]]:
    yield ["id", "text", "tail"]
    for n in range(rows):
        text = "".join(dice.choice(TEXTS) for _ in range(dice.randint(0, 5)))
        row = [record_id(number, n), text, dice.choice(["x", "y z", ""])]
        yield [*row, "too", "many"] if dice.random() < bad else row


def _delimited(dice: random.Random, number: int, rows: int, bad: float = 0.01) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(_rows(dice, number, rows, bad))
    return out.getvalue().encode()


def _small(dice: random.Random, number: int) -> bytes:
    return _delimited(dice, number, dice.randint(1, 400))


def _cut(dice: random.Random, number: int) -> bytes:
    return _delimited(dice, number, dice.randint(8_000, 30_000))


def _guesses(dice: random.Random, number: int) -> bytes:
    """A field that looks like the file itself: whoever starts inside of it is sure, and wrong."""
    inside = "".join(f"k,{n},{n}\n" for n in range(dice.randint(10_000, 30_000)))
    head = f'id,text,tail\n{record_id(number, 0)},"{inside}",y\n'
    return (head + "".join(f"{record_id(number, n)},k,z\n" for n in range(1, 5_000))).encode()


def _lines(dice: random.Random, number: int) -> bytes:
    lines = []
    for n in range(dice.randint(2_000, 12_000)):
        line = json.dumps({"id": record_id(number, n), "text": "x" * dice.randint(0, 40), "deep": {"n": [n]}})
        lines.append(line[:-2] if dice.random() < 0.01 else line)
    return "\n".join(lines).encode() + b"\n"


def _large(dice: random.Random, number: int) -> bytes:
    """More than 8 MiB out, so that it is a multipart upload."""
    pad = "p" * 150
    rows = (f"{record_id(number, n)},{pad},{n}\n" for n in range(dice.randint(60_000, 90_000)))
    return ("id,text,tail\n" + "".join(rows)).encode()


GOOD = frozenset({("SUCCEEDED", "")})
_Make = Callable[[random.Random, int], bytes]
KINDS: dict[str, tuple[str, str, _Make, frozenset[tuple[str, str]]]] = {
    # kind: (folder, suffix, maker, ends)
    "small": ("small", ".csv", _small, GOOD),
    "cut": ("cut", ".csv", _cut, GOOD),
    "guesses": ("cut", ".csv", _guesses, GOOD),
    "lines": ("cut", ".jsonl", _lines, GOOD),
    "packed": ("packed", ".csv.gz", lambda dice, n: gzip.compress(_delimited(dice, n, 3_000), 1, mtime=0), GOOD),
    "large": ("large", ".csv", _large, GOOD),
    "truncated": (
        "small",
        ".csv.gz",
        lambda dice, n: gzip.compress(_delimited(dice, n, 3_000), 1, mtime=0)[:-20],
        frozenset({("FAILED", "truncated")}),
    ),
    "nonsense": (
        "small",
        ".csv",
        lambda dice, n: b"\x89PNG\r\n\x1a\n" + n.to_bytes(4, "big") + bytes(200),
        frozenset({("FAILED", "unsupported_content")}),
    ),
    "strict": (
        "strict",
        ".csv",
        lambda dice, n: _delimited(dice, n, 50, bad=1.0),
        frozenset({("FAILED", "too_many_rejects")}),
    ),
    "unfit": ("unfit", ".csv", _small, frozenset({("FAILED", "bad_expression")})),
    "broken": ("broken", ".csv", _small, frozenset({("REJECTED", "invalid_dataset")})),
    "empty": ("small", ".csv", lambda dice, n: b"", frozenset({("REJECTED", "empty")})),
}


def load(seed: int, number: int, kind: str) -> Cargo:
    """The file with that number; the same bytes for the same seed, number and kind."""
    folder, suffix, make, ends = KINDS[kind]
    dice = random.Random(f"{seed}/{number}/{kind}")
    return Cargo(number, kind, f"{PREFIX}{folder}/f{number:04d}{suffix}", make(dice, number), ends)


@dataclass(frozen=True)
class Expected:
    """What a file comes out as.

    Attributes:
        records: every good record by its id.
        rejects: ids of the records that must be set aside.
    """

    records: dict[str, dict[str, object]]
    rejects: frozenset[str]


def expected(key: str, body: bytes) -> Expected:
    """Reads a file as the plain sequential parse does: Python's csv, gzip and json."""
    if key.endswith(".gz"):
        body = gzip.decompress(body)
    if ".jsonl" in key:
        return _expected_lines(body)
    csv.field_size_limit(1 << 30)
    rows = [row for row in csv.reader(io.TextIOWrapper(io.BytesIO(body), encoding="utf-8", newline="")) if row]
    head = rows[0]
    good: dict[str, dict[str, object]] = {
        row[0]: dict[str, object](zip(head, row, strict=True)) for row in rows[1:] if len(row) == len(head)
    }
    return Expected(good, frozenset(row[0] for row in rows[1:] if len(row) != len(head)))


def _expected_lines(body: bytes) -> Expected:
    good: dict[str, dict[str, object]] = {}
    bad: set[str] = set()
    for line in body.decode().splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            bad.update(RECORD_ID.findall(line)[:1])
        else:
            good[record["id"]] = record
    return Expected(good, frozenset(bad))

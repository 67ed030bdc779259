"""Chooses the reader of an object's blocks, and says which columns it gives."""

import polars as pl

from haulier.contracts.dataset import Cast, Dataset, Default, Derive, Drop, Filter, Flatten, Rename, Transform, Trim
from haulier.contracts.run import Reading
from haulier.jobs.delimited import Dialect
from worker.records.csv_block import CsvReader
from worker.records.errors import DatasetUnusable
from worker.records.json_block import JsonReader
from worker.records.parsed import HIDDEN, starting


def reader_for(reading: Reading, dataset: Dataset, *, limit: int) -> CsvReader | JsonReader:
    """Makes the reader.

    Raises:
        DatasetUnusable: `column_missing`, `extra_column`, `schema_needed`, `bad_expression`, `column_unusable`,
            `not_json`.
    """
    _refuse_hidden(reading, dataset)
    if reading.type in ("json", "jsonl"):
        return _json_reader(reading, dataset, limit)
    if dataset.flattening is not None:
        raise DatasetUnusable(
            "not_json",
            f"dataset {dataset.name}: flatten takes the nested objects of JSON apart, and this file is {reading.type}: "
            "match it with another dataset",
        )
    return CsvReader(
        dialect=Dialect.of(reading.delimiter, reading.quote),
        columns=reading.columns,
        wanted=_wanted(reading, dataset),
        encoding=reading.encoding,
        limit=limit,
    )


def starting_frame(reading: Reading, dataset: Dataset, *, limit: int) -> pl.DataFrame:
    """No rows, and the columns of text that a parse gives."""
    if reading.type in ("json", "jsonl"):
        return starting(list(_json_reader(reading, dataset, limit).schema()))
    return starting(_wanted(reading, dataset))


def _refuse_hidden(reading: Reading, dataset: Dataset) -> None:
    """Names that begin with NUL are the pipeline's own, and Arrow ends a name at a NUL (polars panics)."""
    made = (name for transform in dataset.transforms for names in _columns_of(transform) for name in names)
    for name in (*reading.columns, *(column.name for column in dataset.schema_.columns), *made):
        if HIDDEN in name:
            raise DatasetUnusable(
                "column_unusable",
                f"dataset {dataset.name}: column {name!r} holds a NUL character: name it otherwise, or say the "
                "columns' names in the dataset (header: false, columns)",
            )


def _wanted(reading: Reading, dataset: Dataset) -> tuple[str, ...]:
    """Columns of the header that are kept, in its order.

    A header that lacks a required column, or has one that is not allowed, would make a reject of every record: that is
    a mistake in the configuration or the wrong file, and is said once.
    """
    schema = dataset.schema_
    listed = {column.name for column in schema.columns}
    if not reading.columns:
        return ()
    for column in schema.columns:
        if column.required and column.name not in reading.columns:
            raise DatasetUnusable(
                "column_missing",
                f"dataset {dataset.name} requires column {column.name!r}; the file has: {', '.join(reading.columns)}",
            )
    if schema.extra == "keep":
        return reading.columns
    extra = [name for name in reading.columns if name not in listed]
    if schema.extra == "reject" and extra:
        raise DatasetUnusable(
            "extra_column", f"dataset {dataset.name} allows no column {extra[0]!r}, which the file has (extra: reject)"
        )
    return tuple(name for name in reading.columns if name in listed)


def _json_reader(reading: Reading, dataset: Dataset, limit: int) -> JsonReader:
    schema = dataset.schema_
    if dataset.output.format != "jsonl" and not schema.columns and not schema.infer:
        raise DatasetUnusable(
            "schema_needed",
            f"dataset {dataset.name}: JSON becomes {dataset.output.format} only by a schema: list the columns",
        )
    listed = tuple(column.name for column in schema.columns)
    return JsonReader(
        lines=reading.type == "jsonl",
        listed=listed,
        floats=frozenset(column.name for column in schema.columns if column.type == "float" and not column.exact),
        named=_named(dataset, frozenset(listed)) if schema.extra == "keep" else (),
        extra=schema.extra,
        taken=(*dataset.enrich, *(name for transform in dataset.transforms for name in _columns_of(transform)[1])),
        encoding=reading.encoding,
        limit=limit,
        flattening=dataset.flattening,
    )


def _named(dataset: Dataset, listed: frozenset[str]) -> tuple[str, ...]:
    """Fields that transforms name and neither the schema nor an earlier transform makes, in order of appearance."""
    made = set(listed)
    found: dict[str, None] = {}
    for transform in dataset.transforms:
        needs, makes = _columns_of(transform)
        found.update(dict.fromkeys(name for name in needs if name not in made))
        made |= set(makes)
    return tuple(found)


def _columns_of(transform: Transform) -> tuple[list[str], list[str]]:
    """(names it needs, names it makes)."""
    match transform:
        case Flatten():
            return [], []
        case Rename():
            return list(transform.rename), list(transform.rename.values())
        case Drop():
            return list(transform.drop), []
        case Trim():
            return list(transform.trim), []
        case Default():
            return list(transform.default), []
        case Cast():
            return list(transform.cast), []
        case Filter():
            return _roots(transform.filter, "filter"), []
        case Derive():
            roots = [root for name, text in transform.derive.items() for root in _roots(text, f"derive {name}")]
            return roots, list(transform.derive)


def _roots(text: str, where: str) -> list[str]:
    try:
        return pl.sql_expr(text).meta.root_names()
    except pl.exceptions.PolarsError as wrong:
        raise DatasetUnusable("bad_expression", f"{where}: {text!r}: {wrong}") from None

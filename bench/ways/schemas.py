"""A dataset's types as polars and duckdb name them, so that every way casts the same columns."""

from typing import Any

import polars as pl

from bench.data.recipe import Recipe


def polars_read(recipe: Recipe) -> dict[str, pl.DataType]:
    """What polars' CSV reader gives each column; dates, timestamps and decimals come as text and are cast after."""
    direct: dict[str, pl.DataType] = {"integer": pl.Int64(), "float": pl.Float64(), "boolean": pl.Boolean()}
    return {name: direct.get(column["type"], pl.String()) for name, column in recipe.columns.items()}


def polars_casts(recipe: Recipe) -> list[pl.Expr]:
    """What is cast after reading; a value that does not fit becomes null, since polars' sinks set nothing aside."""
    casts = []
    for name, column in recipe.columns.items():
        match column["type"]:
            case "date":
                casts.append(pl.col(name).str.to_date("%Y-%m-%d", strict=False))
            case "timestamp":
                casts.append(pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", strict=False, time_unit="us"))
            case "decimal":
                casts.append(pl.col(name).cast(pl.Decimal(column["precision"], column["scale"]), strict=False))
            case _:
                pass
    return casts


def duckdb_columns(recipe: Recipe) -> dict[str, str]:
    """Name → SQL type."""
    names = {
        "integer": "BIGINT", "float": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE", "timestamp": "TIMESTAMPTZ",
        "string": "VARCHAR",
    }  # fmt: skip

    def sql(column: dict[str, Any]) -> str:
        if column["type"] == "decimal":
            return f"DECIMAL({column['precision']},{column['scale']})"
        return names[column["type"]]

    return {name: sql(column) for name, column in recipe.columns.items()}

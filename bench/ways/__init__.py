"""The ways, each run in a process of its own.

Read in this order: `stopwatch`, `naive_way`, `haulier_way` (the real record path), `bytes_way` (its transfers alone),
`schemas` (a dataset's types as engines name them), `polars_way`, `duckdb_way`, `registry` (by name).
"""

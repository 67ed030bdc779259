"""duckdb with `store_rejects` on a local file: the engine that catches most, as the upper bound."""

import duckdb

from bench.job import Answer, Job
from bench.ways.schemas import duckdb_columns
from bench.ways.stopwatch import Stopwatch


def run(job: Job) -> Answer:
    """Caught are lines it stored as rejects, by its own error type; what passes its types is not looked at further."""
    target = job.folder / f"duckdb.{job.output}"
    kind = "(FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)" if job.output == "parquet" else "(FORMAT json)"
    database = duckdb.connect(config={"temp_directory": job.scratch})
    try:
        with Stopwatch() as watch:
            copy = f"COPY (SELECT * FROM {_source(job)}) TO '{target}' {kind}"  # noqa: S608 - all of it is ours
            counted = database.execute(copy).fetchone()
            assert counted is not None
        caught = database.execute(
            "SELECT error_type::VARCHAR, count(DISTINCT line) FROM reject_errors GROUP BY 1 ORDER BY 1"
        ).fetchall()
    finally:
        database.close()
        target.unlink(missing_ok=True)
    return Answer(watch.seconds, watch.cpu_seconds, int(counted[0]), {str(code): int(n) for code, n in caught})


def _source(job: Job) -> str:
    recipe = job.recipe
    columns = ", ".join(f"'{name}': '{kind}'" for name, kind in duckdb_columns(recipe).items())
    header = str(recipe.dataset.get("format", {}).get("header", True)).lower()
    nulls = ", ".join(f"'{text}'" for text in recipe.dataset["schema"].get("nulls", [""]))
    return (
        f"read_csv('{job.local}', delim='{recipe.delimiter}', quote='\"', escape='\"', header={header}, "
        f"columns={{{columns}}}, nullstr=[{nulls}], auto_detect=false, store_rejects=true, rejects_limit=0, "
        "max_line_size=67108864)"
    )

"""polars' streaming sinks: from and to S3, or a local file: the upper bound. They set no bad row aside.

A value that does not fit becomes null, a row that is too long is cut, one that is too short is filled: all rows come
out, none is caught. JSON Lines are read by `scan_ndjson`, which fails on a broken line, so `ignore_errors` is set.
"""

from pathlib import Path

import polars as pl

from bench.endpoint import INPUT
from bench.job import Answer, Job
from bench.ways.schemas import polars_casts, polars_read
from bench.ways.stopwatch import Stopwatch


def from_s3(job: Job) -> Answer:
    return _run(job, f"s3://{INPUT}/{job.recipe.key}", f"s3://{job.bucket}/polars.{job.output}", _options(job))


def from_file(job: Job) -> Answer:
    target = job.folder / f"polars.{job.output}"
    try:
        return _run(job, job.local, str(target), None)
    finally:
        Path(target).unlink(missing_ok=True)


def _options(job: Job) -> dict[str, str]:
    return {
        "aws_endpoint_url": job.url,
        "aws_access_key_id": "bench",
        "aws_secret_access_key": "bench",
        "aws_region": "eu-central-1",
        "aws_allow_http": "true",
        "aws_virtual_hosted_style_request": "false",
    }


def _run(job: Job, source: str, target: str, options: dict[str, str] | None) -> Answer:
    with Stopwatch() as watch:
        frame = _scan(job, source, options)
        if job.output == "parquet":
            frame.sink_parquet(target, compression="zstd", compression_level=1, storage_options=options)
        else:
            frame.sink_ndjson(target, storage_options=options)
    written = _scan(job, source, options).select(pl.len()).collect(engine="streaming").item()
    return Answer(watch.seconds, watch.cpu_seconds, int(written))


def _scan(job: Job, source: str, options: dict[str, str] | None) -> pl.LazyFrame:
    recipe = job.recipe
    if recipe.key.endswith(".jsonl"):
        return pl.scan_ndjson(source, schema=polars_read(recipe), ignore_errors=True, storage_options=options)
    frame = pl.scan_csv(
        source,
        separator=recipe.delimiter,
        has_header=recipe.dataset.get("format", {}).get("header", True),
        schema=polars_read(recipe),
        null_values=recipe.dataset["schema"].get("nulls", [""]),
        ignore_errors=True,
        truncate_ragged_lines=True,
        storage_options=options,
        glob=False,
    )
    return frame.with_columns(polars_casts(recipe))

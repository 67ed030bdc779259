"""Bytes alone, through the worker's own fetcher and upload: what the endpoint and the transfer cost without records."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any

from bench.endpoint import INPUT
from bench.job import Answer, Job
from bench.ways.stopwatch import Stopwatch
from haulier.contracts.limits import MIB
from haulier.contracts.source import Source
from worker.aws.s3_read import S3Source
from worker.aws.s3_write import S3Store
from worker.aws.session import PATIENT, open_clients
from worker.clock import SystemClock
from worker.flow.budget import Budget
from worker.flow.fetch import Fetcher
from worker.flow.upload import Upload
from worker.ports import Target
from worker.progress import Progress
from worker.wiring import SPARE_BYTES

Bytes = Callable[[Job, Any, Budget], Awaitable[None]]


def fetch(job: Job) -> Answer:
    """Reads the object and throws it away."""
    return asyncio.run(_timed(job, _fetch))


def store(job: Job) -> Answer:
    """Writes as many bytes as the object has, from memory, in pieces of 1 MiB."""
    return asyncio.run(_timed(job, _store))


async def _timed(job: Job, work: Bytes) -> Answer:
    os.environ["AWS_ENDPOINT_URL"] = job.url
    async with open_clients(PATIENT) as clients:
        with Stopwatch() as watch:
            await work(job, clients["s3"], Budget(SPARE_BYTES))
    return Answer(watch.seconds, watch.cpu_seconds, 0)


async def _fetch(job: Job, client: Any, budget: Budget) -> None:
    source = Source(bucket=INPUT, key=job.recipe.key, size=job.recipe.size, etag=job.recipe.etag)
    fetcher = Fetcher(S3Source(client), SystemClock(), budget)
    left = source.size
    async for piece in fetcher.stream(source, 0, source.size, Progress(time.monotonic)):
        left -= len(piece)
    assert left == 0, left


async def _store(job: Job, client: Any, budget: Budget) -> None:
    target = Target("store", "application/octet-stream")
    upload = Upload(S3Store(client, job.bucket), target, Progress(time.monotonic), budget)
    piece, left = b"x" * MIB, job.recipe.size
    while left:
        await upload.write(piece[:left])
        left -= min(left, MIB)
    await upload.finish(0)

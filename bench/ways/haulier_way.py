"""Haulier's own record path: `RecordsWork` with the worker's clients, as `worker.wiring` puts them together.

What is left out is the table, the queue and the commit, which cost a few calls a chunk and nothing a byte. A chunked
job is proven by `haulier.jobs.prove`, and what the proof wants redone is redone within the measured time.
"""

import asyncio
import os
import time
from collections.abc import Sequence

from bench.endpoint import INPUT
from bench.job import Answer, Job
from bench.ways.stopwatch import Stopwatch
from haulier.contracts.dataset import Dataset
from haulier.contracts.limits import PEEK_BYTES
from haulier.contracts.report import ChunkReport
from haulier.contracts.run import Plan, RunPin
from haulier.contracts.source import Source
from haulier.contracts.states import JobState
from haulier.jobs.claim import Claimed
from haulier.jobs.items import ChunkItem, JobItem, RunItem
from haulier.jobs.peek import peek
from haulier.jobs.planning import plan_chunks
from haulier.jobs.prove import Broken, Proven, Redo, prove
from worker.aws.s3_read import S3Source
from worker.aws.s3_write import S3Store
from worker.aws.session import PATIENT, open_clients
from worker.chunk.run import RecordsWork
from worker.clock import SystemClock
from worker.flow.budget import Budget
from worker.flow.fetch import Fetcher
from worker.flow.threads import THREADS, Threads
from worker.memory import keep_memory
from worker.progress import Progress
from worker.wiring import SPARE_BYTES

_ACCEPTED_AT_MS = 1_790_000_000_000


def run(job: Job) -> Answer:
    """One stream, a chunked job, or many files; see `Job`."""
    os.environ["AWS_ENDPOINT_URL"] = job.url
    keep_memory()
    if job.core is not None:
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[job.core]})
    return asyncio.run(_run(job))


async def _run(job: Job) -> Answer:
    clock = SystemClock()
    threads = Threads(job.threads or THREADS)
    async with open_clients(PATIENT) as clients:
        budget = Budget(SPARE_BYTES)
        s3 = S3Source(clients["s3"])
        records = RecordsWork(
            fetcher=Fetcher(s3, clock, budget),
            store=S3Store(clients["s3"], job.bucket),
            threads=threads,
            budget=budget,
            clock=clock,
        )
        bench = _Bench(job, s3, records)
        with Stopwatch() as watch:
            reports = await bench.work()
    threads.close()
    caught: dict[str, int] = {}
    for report in reports:
        for code, n in report.reject_codes.items():
            caught[code] = caught.get(code, 0) + n
    written = sum(report.written for report in reports)
    objects = [item for report in reports for item in (*report.outputs, report.rejects) if item is not None]
    extra = {"redone": bench.redone, "keys": [item.key for item in objects]}
    return Answer(watch.seconds, watch.cpu_seconds, written, caught, extra)


class _Bench:
    """Attributes: `redone` counts chunks that the proof wanted parsed again."""

    def __init__(self, job: Job, s3: S3Source, records: RecordsWork) -> None:
        self._job, self._s3, self._records = job, s3, records
        self._slots = asyncio.Semaphore(job.slots)
        self.redone = 0

    async def work(self) -> Sequence[ChunkReport]:
        job = self._job
        if job.files:
            streams = [self._chunk(_source(job, f"{n}-{job.recipe.key}"), None, 0) for n in range(job.files)]
            return await asyncio.gather(*streams)
        source = _source(job, job.recipe.key)
        if not job.chunk_bytes:
            return [await self._chunk(source, None, 0)]
        return await self._chunked(source)

    async def _chunked(self, source: Source) -> Sequence[ChunkReport]:
        plan = await self._plan(source)
        mine = range(plan.chunks) if self._job.chunks is None else self._job.chunks
        reports = await asyncio.gather(*(self._chunk(source, plan, chunk) for chunk in mine))
        items = [_item(chunk, 0, report) for chunk, report in zip(mine, reports, strict=True)]
        if self._job.chunks is not None:
            # The other process has the rest: the chain is looked at by neither.
            return reports
        while isinstance(proof := prove(plan, items), Broken):
            self.redone += len(proof.redos)
            again = await asyncio.gather(*(self._chunk(source, plan, redo.chunk, redo) for redo in proof.redos))
            items += [_item(redo.chunk, redo.round, report) for redo, report in zip(proof.redos, again, strict=True)]
        assert isinstance(proof, Proven), proof
        return [chunk.report for chunk in proof.chunks if chunk.report is not None]

    async def _plan(self, source: Source) -> Plan:
        """What the planner does: looks at the first bytes, cuts by arithmetic."""
        reply = await self._s3.get(source, 0, min(PEEK_BYTES, source.size), by_version=False)
        head = b""
        while piece := await reply.body.read(PEEK_BYTES):
            head += piece
        reply.body.close()
        dataset = _dataset(self._job)
        reading = peek(head, key=source.key, complete=len(head) == source.size, compression="none", dataset=dataset)
        return plan_chunks(reading=reading, size=source.size, chunk_bytes=self._job.chunk_bytes)

    async def _chunk(self, source: Source, plan: Plan | None, chunk: int, redo: Redo | None = None) -> ChunkReport:
        claimed = _claimed(self._job, source, plan, chunk, redo)
        attempt = f"{chunk:05}-{redo.round if redo else 0}-{source.key}"
        async with self._slots:
            return await self._records(claimed, attempt=attempt, progress=Progress(time.monotonic), holds=lambda: True)


def _source(job: Job, key: str) -> Source:
    return Source(bucket=INPUT, key=key, size=job.recipe.size, etag=job.etag or job.recipe.etag)


def _dataset(job: Job) -> Dataset:
    return Dataset.model_validate(job.recipe.dataset | {"output": {"format": job.output}})


def _claimed(job: Job, source: Source, plan: Plan | None, chunk: int, redo: Redo | None) -> Claimed:
    dataset, name = _dataset(job), "j" + "a" * 26
    pin = RunPin(
        source=source,
        dataset=dataset,
        accepted_at_ms=_ACCEPTED_AT_MS,
        chunked=plan is not None,
        queue="bulk",
        threshold_bytes=1 << 27,
        chunk_bytes=job.chunk_bytes or 1 << 26,
    )
    item = JobItem(
        job_id=name, status=JobState.RUNNING, run=1, dataset=dataset.name, bucket=source.bucket, key=source.key,
        size=source.size, accepted_at_ms=_ACCEPTED_AT_MS, updated_at="", created_at="", chunked=plan is not None,
        queue="bulk",
    )  # fmt: skip
    held = ChunkItem(
        job_id=name, run=1, chunk=chunk, round=redo.round if redo else 0,
        given=redo.given if redo else None, end=redo.end if redo else None,
    )  # fmt: skip
    return Claimed(item, RunItem(name, 1, pin, plan), held)


def _item(chunk: int, round_: int, report: ChunkReport) -> ChunkItem:
    return ChunkItem(job_id="j" + "a" * 26, run=1, chunk=chunk, round=round_, report=report)

"""Handler of the state machine's first state: cuts an object into chunks, once a run, and lists them.

Planning 5 TB costs the same as 5 GB: one small read finds encoding, dialect and header, the rest is arithmetic. The
plan is stored in the run item before anything is sent, and whoever comes later (a retry of this function, an execution
that the janitor started again) goes on with the plan that is there.
"""

import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dispatcher import aws, log
from dispatcher.passes import Answer, Order, chunks_of, order_pass, over
from dispatcher.settings import PlanSettings, read
from haulier.contracts.events import JobError
from haulier.contracts.limits import PEEK_BYTES
from haulier.contracts.reject import Stage
from haulier.contracts.run import Plan, Reading
from haulier.contracts.source import Source
from haulier.jobs.calls import Call, ConditionFailed, NotFound, PreconditionFailed, Steps, drive
from haulier.jobs.items import JobItem, RunItem, run_sk
from haulier.jobs.ondemand import queue_of_plan
from haulier.jobs.peek import compression_of, peek
from haulier.jobs.planning import plan_chunks
from haulier.jobs.prove import Unfinished, prove
from haulier.jobs.refused import PeekError
from haulier.jobs.verdicts import fail
from haulier.jobs.writes import get_chunks, get_job, get_run, update


class Unplannable(Exception):
    """The object cannot be planned, now or later; the error is the job's."""

    def __init__(self, error: JobError) -> None:
        super().__init__(error.message)
        self.error = error


@dataclass(frozen=True)
class Planner:
    """What the planner works with; attributes as in `dispatcher.intake.Intake`."""

    settings: PlanSettings
    perform: aws.Perform
    now_ms: Callable[[], int]

    def answer(self, event: Mapping[str, Any]) -> Answer:
        """`{"job_id", "run"}` → what the state machine does next (see `dispatcher.passes`).

        Raises:
            LookupError: the table knows no such job or run.
        """
        answer = drive(self._steps(event["job_id"], int(event["run"])), self.perform)
        log.info(
            "run.planned",
            job_id=answer["job_id"],
            run=answer["run"],
            execution=event.get("execution"),
            verdict=answer["verdict"],
        )
        return answer

    def _steps(self, job_id: str, run_number: int) -> Steps[Answer]:
        table, bucket = self.settings.table, self.settings.output_bucket
        job = yield from get_job(table, job_id)
        run = yield from get_run(table, job_id, run_number)
        if job is None or run is None:
            raise LookupError(f"job {job_id} run {run_number} is not in table {table}; its record may have expired")
        if job.run != run_number:
            return over(job_id, run_number, None)
        if job.final:
            return over(job_id, run_number, job.status)
        if run.plan is not None:
            return (yield from self._go_on(job, run, run.plan))
        try:
            plan = yield from plan_run(table, run)
        except Unplannable as unplannable:
            state = yield from fail(table, bucket, job, unplannable.error, self.now_ms())
            log.warning("run.failed", job_id=job_id, run=run_number, error=unplannable.error.model_dump())
            return over(job_id, run_number, state)
        chunks = tuple((chunk, 0) for chunk in range(plan.chunks))
        return (yield from self._order(job, chunks, queue_of_plan(run, plan, job.queue)))

    def _go_on(self, job: JobItem, run: RunItem, plan: Plan) -> Steps[Answer]:
        """Sends what the run lacks. Where nothing is missing it sends a chunk that is committed already: a worker
        answers it at once, and the assembler, who alone may seal, orders redos or seals.
        """
        queue = queue_of_plan(run, plan, job.queue)
        items = yield from get_chunks(self.settings.table, job.job_id, job.run)
        proof = prove(plan, items)
        if isinstance(proof, Unfinished):
            return (yield from self._order(job, chunks_of(proof), queue))
        committed = max((item.round for item in items if item.chunk == 0), default=0)
        return (yield from self._order(job, ((0, committed),), queue))

    def _order(self, job: JobItem, chunks: tuple[tuple[int, int], ...], queue: str) -> Steps[Answer]:
        order, settings = Order(0, chunks), self.settings
        return (yield from order_pass(settings.output_bucket, job, order, settings.queue_urls, queue=queue))


def plan_run(table: str, run: RunItem) -> Steps[Plan]:
    """Reads the object's head, plans, and stores the plan; returns the one that is stored then.

    Raises:
        Unplannable: the object is gone, another one, or nothing that can be read as records.
    """
    source, dataset = run.pin.source, run.pin.dataset
    head = yield from _read_head(source)
    try:
        compression = compression_of(head, key=source.key, dataset=dataset)
        reading: Reading | None = None
        if compression == "none":
            complete = len(head) == source.size
            reading = peek(head, key=source.key, complete=complete, compression=compression, dataset=dataset)
    except PeekError as error:
        raise Unplannable(JobError(stage=Stage.PLAN, code=error.code, message=str(error))) from error
    plan = plan_chunks(reading=reading, size=source.size, chunk_bytes=run.pin.chunk_bytes)
    try:
        yield update(
            table,
            run.job_id,
            run_sk(run.run),
            sets={"plan": plan.to_json()},
            condition="attribute_not_exists(#plan) AND attribute_exists(#pin)",
            names={"#pin": "pin"},
        )
    except ConditionFailed as failed:
        there = RunItem.of(failed.item).plan if failed.item else None
        if there is None:
            raise
        return there
    return plan


def _read_head(source: Source) -> Steps[bytes]:
    # The version is not named: a server that is asked for a range of a version may send the whole (DESIGN §9), and the
    # ETag names the bytes as well.
    params = {
        "Bucket": source.bucket,
        "Key": source.key,
        "Range": f"bytes=0-{PEEK_BYTES - 1}",
        "IfMatch": f'"{source.etag}"',
    }
    try:
        answer = yield Call("s3", "get_object", params)
    except NotFound:
        gone = f"{source.uri} was deleted after the job was accepted; upload it again"
        raise Unplannable(JobError(stage=Stage.PLAN, code="source_gone", message=gone)) from None
    except PreconditionFailed:
        raise Unplannable(_changed(source)) from None
    if _whole_size(answer) != source.size:
        raise Unplannable(_changed(source))
    head: bytes = answer["Body"][:PEEK_BYTES]
    if len(head) != min(PEEK_BYTES, source.size):
        # Not the object's fault: the read was cut short, and the state machine calls this function again.
        raise ConnectionError(
            f"{source.uri}: {len(head)} bytes came where {min(PEEK_BYTES, source.size)} were asked for"
        )
    return head


def _whole_size(answer: Mapping[str, Any]) -> int:
    """Bytes of the whole object: behind the slash of Content-Range, or Content-Length where the range was ignored."""
    content_range = answer.get("ContentRange")
    return int(content_range.rpartition("/")[2]) if content_range else int(answer["ContentLength"])


def _changed(source: Source) -> JobError:
    message = f"{source.uri} was written again after the job was accepted; the newer object has its own job"
    return JobError(stage=Stage.PLAN, code="source_changed", message=message)


@functools.cache
def _planner() -> Planner:
    settings = read(PlanSettings, os.environ)
    return Planner(settings, aws.connect(settings.bucket_owner).perform, aws.now_ms)


def handler(event: Mapping[str, Any], context: object) -> Answer:  # noqa: ARG001 - Lambda passes both
    """Entry point: `{"job_id", "run", "execution"}` → an answer of `dispatcher.passes`."""
    return _planner().answer(event)

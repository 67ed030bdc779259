"""Handler of the state machine's last states: proves what the workers committed, and seals it or orders redos.

Called after each pass, and with `{"abandon": cause}` where the state machine gives up. The map's verdict plays no part:
the table says what is committed. A rule calls it, too, with Step Functions' own event, after an execution that ended
badly. A call that is cut short is simply made again, since every step is idempotent.
"""

import functools
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dispatcher import aws, log
from dispatcher.passes import MAX_PASSES, Answer, Order, chunks_of, order_pass, order_redos, over
from dispatcher.settings import AssembleSettings, read
from haulier.contracts.events import EXECUTION_ENDED
from haulier.jobs.calls import Steps, drive
from haulier.jobs.executions import ExecutionEnd, end_of_execution
from haulier.jobs.finish import Ended, abandon, finish
from haulier.jobs.prove import Broken
from haulier.jobs.writes import get_job


@dataclass(frozen=True)
class Assembler:
    """What the assembler works with; attributes as in `dispatcher.intake.Intake`."""

    settings: AssembleSettings
    perform: aws.Perform
    now_ms: Callable[[], int]

    def answer(self, event: Mapping[str, Any]) -> Answer:
        """`{"job_id", "run", "pass"}` or `{"job_id", "run", "abandon"}` → what the state machine does next.

        Raises:
            LookupError: the table knows no such job or run.
            RuntimeError: the run needs more passes than can be explained; the state machine's Abandon fails it.
        """
        job_id, run = event["job_id"], int(event["run"])
        if "abandon" in event:
            return self._abandon(job_id, run, event["abandon"])
        answer = drive(self._steps(job_id, run, int(event.get("pass", 0))), self.perform)
        log.info("run.assembled", job_id=job_id, run=run, verdict=answer["verdict"], next_pass=answer["pass"])
        return answer

    def ended(self, event: Mapping[str, Any]) -> None:
        """A `Step Functions Execution Status Change` of our machine: see `jobs.executions`."""
        end = ExecutionEnd.of(event["detail"])
        table, bucket = self.settings.table, self.settings.output_bucket
        state = drive(end_of_execution(table, bucket, end, self.now_ms()), self.perform)
        log.warning("execution.ended", job_id=end.job_id, execution=end.name, cause=end.cause[:1000], state=state)

    def _steps(self, job_id: str, run: int, done_pass: int) -> Steps[Answer]:
        table, bucket = self.settings.table, self.settings.output_bucket
        result = yield from finish(table, bucket, job_id, run, self.now_ms())
        if isinstance(result, Ended):
            return over(job_id, run, result.state, done_pass)
        job = yield from get_job(table, job_id)
        if job is None or job.run != run or not job.workable:
            same = job is not None and job.run == run
            return over(job_id, run, job.status if job is not None and same else None, done_pass)
        if done_pass >= MAX_PASSES:
            raise RuntimeError(
                f"job {job_id} run {run} is not complete after {done_pass} passes: {str(result.proof)[:500]}"
            )
        if isinstance(result.proof, Broken):
            yield from order_redos(table, job, result.proof.redos, self.now_ms())
        chunks = chunks_of(result.proof)
        log.info("pass.ordered", job_id=job_id, run=run, why=type(result.proof).__name__.lower(), chunks=len(chunks))
        return (yield from order_pass(bucket, job, Order(done_pass + 1, chunks), self.settings.queue_urls))

    def _abandon(self, job_id: str, run: int, cause: Any) -> Answer:
        if isinstance(cause, Mapping):
            cause = f"{cause.get('Error', 'unknown')}: {cause.get('Cause', '')}"
        table, bucket = self.settings.table, self.settings.output_bucket
        state = drive(abandon(table, bucket, job_id, run, cause, self.now_ms()), self.perform)
        log.warning("run.abandoned", job_id=job_id, run=run, cause=str(cause)[:1000], state=state)
        return over(job_id, run, state)


@functools.cache
def _assembler() -> Assembler:
    settings = read(AssembleSettings, os.environ)
    return Assembler(settings, aws.connect(settings.bucket_owner).perform, aws.now_ms)


def handler(event: Mapping[str, Any], context: object) -> Answer | None:  # noqa: ARG001 - Lambda passes both
    """Entry point: of the state machine (`Assembler.answer`), and of a rule (`Assembler.ended`)."""
    if event.get("detail-type") != EXECUTION_ENDED:
        return _assembler().answer(event)
    _assembler().ended(event)
    return None

"""The end of a state machine's execution, as the default bus tells it, and what becomes of its job then.

Most such ends were asked for: a job that failed ends its execution as FAILED. The others are an execution that somebody
stopped, one that ran out of time, and one that could not even end its job (`infra.workflow`, Abandon).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from haulier.contracts.ids import JOB_ID_PATTERN, execution_name
from haulier.contracts.states import JobState
from haulier.jobs.calls import Steps
from haulier.jobs.finish import Ended, abandon, finish
from haulier.jobs.items import JobItem
from haulier.jobs.writes import get_job

_NAME = re.compile(JOB_ID_PATTERN.removesuffix("$") + "-")


@dataclass(frozen=True, slots=True)
class ExecutionEnd:
    """What an event says of an execution.

    Attributes:
        name: of the execution; see `contracts.ids.execution_name`.
        status: FAILED, TIMED_OUT or ABORTED.
        cause: why, as far as Step Functions knows.
    """

    name: str
    status: str
    cause: str

    @classmethod
    def of(cls, detail: Mapping[str, Any]) -> Self:
        """From the event's detail (Step Functions Developer Guide, "Standard workflow execution status changes").

        The name says which job, run and execution it is, so the input, which Step Functions leaves out where it is
        long, is not looked at.
        """
        said = [str(detail[part]) for part in ("error", "cause") if detail.get(part)]
        return cls(detail["name"], detail["status"], f"the execution is {': '.join([detail['status'], *said])}")

    @property
    def job_id(self) -> str | None:
        """None if somebody started the execution by hand, under a name of their own."""
        return self.name.partition("-")[0] if _NAME.match(self.name) else None


def end_of_execution(table: str, bucket: str, end: ExecutionEnd, now_ms: int) -> Steps[JobState | None]:
    """Ends the job whose execution is over: seals it if all of it is there, else fails it with the cause.

    Only that of its present execution: an older one's end (a run before, or one that the janitor has replaced) says
    nothing of it. Told twice, it finds the job final. If it is never told, the janitor starts the next execution.

    Returns:
        The job's state then; None if there is no such job.
    """
    job = (yield from get_job(table, end.job_id)) if end.job_id else None
    if job is None or job.final or end.name != _present(job):
        return job.status if job else None
    result = yield from finish(table, bucket, job.job_id, job.run, now_ms)
    if isinstance(result, Ended):
        return result.state
    return (yield from abandon(table, bucket, job.job_id, job.run, end.cause, now_ms))


def _present(job: JobItem) -> str:
    return execution_name(job.job_id, job.run, job.accepted_at_ms, job.restarts)

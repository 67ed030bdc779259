"""Crash-safe intake, second half: an ACCEPTED job goes to its queue or the state machine, then is noted as QUEUED.

Between the hand-over and the note the process may die: the job stays ACCEPTED and is handed over again. A second
message finds the chunk leased or committed; a second StartExecution of the same name is the first one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from haulier.contracts.ids import execution_name
from haulier.contracts.limits import JOB_TTL_SECONDS
from haulier.contracts.messages import TRACE_HEADER, ChunkMessage
from haulier.contracts.states import JobState
from haulier.jobs.calls import AlreadyExists, Call, ConditionFailed, Steps
from haulier.jobs.items import JOB_SK, JobItem, chunk_sk
from haulier.jobs.writes import job_becomes, update


@dataclass(frozen=True, slots=True)
class Targets:
    """Where work goes.

    Attributes:
        queue_urls: each of `contracts.dataset.WORK_QUEUES` → URL.
        state_machine_arn: coordinates jobs cut into chunks.
        batch_machine_arn: coordinates batches.
    """

    queue_urls: Mapping[str, str]
    state_machine_arn: str = ""
    batch_machine_arn: str = ""

    def machine_arn(self, job: JobItem) -> str:
        """The state machine that coordinates the job."""
        return self.batch_machine_arn if job.is_batch else self.state_machine_arn

    def execution_arn(self, job: JobItem) -> str:
        """The ARN of the job's present execution; it follows from the machine's and the name."""
        machine = self.machine_arn(job).replace(":stateMachine:", ":execution:")
        return f"{machine}:{execution_name(job.job_id, job.run, job.accepted_at_ms, job.restarts)}"


def send_chunk(targets: Targets, job: JobItem, message: ChunkMessage, *, queue: str | None = None) -> Call:
    """One chunk onto the job's queue, or another; batch or dataset is the fairness group (SQS fair queues)."""
    return Call(
        "sqs",
        "send_message",
        {
            "QueueUrl": targets.queue_urls[queue or job.queue],
            "MessageBody": message.to_json(),
            "MessageGroupId": job.group,
        },
    )


def send_on(queue_url: str, body: str, *, group: str | None = None, trace: str | None = None) -> Call:
    """A message as it was received, onto another queue: with its token, its fairness group and its trace."""
    params: dict[str, Any] = {"QueueUrl": queue_url, "MessageBody": body}
    if group:
        params["MessageGroupId"] = group
    if trace:
        params["MessageSystemAttributes"] = {TRACE_HEADER: {"DataType": "String", "StringValue": trace}}
    return Call("sqs", "send_message", params)


def enqueue(table: str, job: JobItem, targets: Targets, now_ms: int) -> Steps[None]:
    """Hands an ACCEPTED job over and notes it. Doing it twice changes nothing but a count."""
    if job.chunked:
        yield from start_execution(targets, job)
    else:
        yield send_chunk(targets, job, ChunkMessage(job_id=job.job_id, run=job.run, chunk=0))
    try:
        yield job_becomes(
            table,
            job.job_id,
            job.run,
            JobState.QUEUED,
            now_ms,
            sets={"enqueued_at_ms": now_ms, "enqueues": job.enqueues + 1},
        )
    except ConditionFailed:
        # A worker was faster, or the user cancelled: the state that is there is the better one.
        return


def enqueue_chunk(
    table: str,
    job: JobItem,
    targets: Targets,
    message: ChunkMessage,
    enqueues: int,
    now_ms: int,
    *,
    queue: str | None = None,
) -> Steps[None]:
    """Sends one chunk again (janitor) and notes when, so that the next time is later (jobs.mend)."""
    yield send_chunk(targets, job, message, queue=queue)
    sk = chunk_sk(message.run, message.chunk, message.round)
    yield update(
        table,
        job.job_id,
        sk,
        sets={"enqueued_at_ms": now_ms, "enqueues": enqueues + 1, "expires_at": now_ms // 1000 + JOB_TTL_SECONDS},
    )


def restart_execution(table: str, job: JobItem, targets: Targets, now_ms: int) -> Steps[None]:
    """Starts the next execution of a chunked job whose execution is gone. The count is written first: a crash between
    both writes leaves an execution that never was, which the janitor restarts like one that ended.
    """
    following = job.restarts + 1
    try:
        yield update(
            table,
            job.job_id,
            JOB_SK,
            sets={"restarts": following, "enqueued_at_ms": now_ms, "enqueues": job.enqueues + 1},
            condition="#run = :run AND (attribute_not_exists(#restarts) OR #restarts < :restarts)",
            names={"#run": "run"},
            values={":run": job.run},
        )
    except ConditionFailed:
        return
    yield from start_execution(targets, job, restart=following)


def start_execution(targets: Targets, job: JobItem, restart: int | None = None) -> Steps[None]:
    restarts = job.restarts if restart is None else restart
    try:
        yield Call(
            "stepfunctions",
            "start_execution",
            {
                "stateMachineArn": targets.machine_arn(job),
                "name": execution_name(job.job_id, job.run, job.accepted_at_ms, restarts),
                "input": json.dumps({"job_id": job.job_id, "run": job.run}, separators=(",", ":")),
            },
        )
    except AlreadyExists:
        return

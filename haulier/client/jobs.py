"""Finds jobs and looks at them. Reads only."""

import re
from dataclasses import dataclass
from typing import Any

from haulier.client.connection import Connection
from haulier.client.errors import Ambiguous, NotFound
from haulier.contracts.ids import is_job_id
from haulier.contracts.limits import INDEX_SHARDS
from haulier.contracts.states import JobState
from haulier.jobs.calls import Call, Steps
from haulier.jobs.items import ChunkItem, JobItem, RunItem
from haulier.jobs.progress import newest_rounds
from haulier.jobs.writes import get_chunks, get_job, get_run

_PREFIX = re.compile(r"^j[a-z2-7]{0,26}$")
_AMBIGUOUS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as it stands: its item, its present run, every round of its chunks. A batch, and a job that was refused at
    intake, have none of both.
    """

    job: JobItem
    run: RunItem | None
    chunks: tuple[ChunkItem, ...]

    @property
    def newest_chunks(self) -> dict[int, ChunkItem]:
        """Each chunk's newest round, by index, in order."""
        return newest_rounds(self.chunks)


def look(connection: Connection, job_id: str) -> JobView:
    """The job, its present run and that run's chunks.

    Raises:
        NotFound: the table has no such job.
    """
    job = find(connection, job_id)
    if job.is_batch:
        return JobView(job, None, ())  # its members have runs and chunks
    run = connection.run(get_run(connection.table, job_id, job.run))
    chunks = connection.run(get_chunks(connection.table, job_id, job.run)) if run else []
    return JobView(job, run, tuple(chunks))


def find(connection: Connection, job_id: str) -> JobItem:
    """The job of that id.

    Raises:
        NotFound: the table has no such job.
    """
    job = connection.run(get_job(connection.table, job_id))
    if job is None:
        raise _no_such_job(connection, job_id)
    return job


def resolve(connection: Connection, text: str) -> str:
    """The id a unique prefix stands for. A whole id is taken as it is; a prefix reads the status index.

    Raises:
        NotFound: no job's id begins so.
        Ambiguous: the ids of several jobs do.
    """
    text = text.strip().lower()
    if is_job_id(text):
        return text
    if not _PREFIX.match(text):
        raise NotFound(
            f"{text!r} is not the beginning of a job's id",
            "an id is `j` and 26 of a-z and 2-7; `haulier jobs` lists them",
        )
    found = sorted(connection.run(_ids_beginning(connection, text)))
    if not found:
        raise _no_such_job(connection, text)
    if len(found) > 1:
        shown = ", ".join(found[:_AMBIGUOUS_SHOWN])
        raise Ambiguous(f"{len(found)} jobs begin with {text}: {shown}", "give more of the id")
    return found[0]


def listing(connection: Connection, *, status: JobState | None = None, limit: int = 50) -> list[JobItem]:
    """The jobs changed last, newest first.

    Args:
        connection: the stack.
        status: only jobs in this state.
        limit: how many at most.
    """
    return connection.run(_newest(connection, [status] if status else list(JobState), limit))


def _newest(connection: Connection, states: list[JobState], limit: int) -> Steps[list[JobItem]]:
    """Asks each shard for its newest: the newest of all are among them."""
    found: dict[str, JobItem] = {}
    for state in states:
        for shard in range(INDEX_SHARDS):
            params = _shard(connection, state, shard)
            left = limit
            while left > 0:
                answer = yield Call("dynamodb", "query", {**params, "Limit": left})
                items = [JobItem.of(item) for item in answer.get("Items", [])]
                # A job that changes state between two queries is met twice: its newer face counts.
                for job in items:
                    if job.job_id not in found or found[job.job_id].updated_at < job.updated_at:
                        found[job.job_id] = job
                left -= len(items)
                if not answer.get("LastEvaluatedKey"):
                    break
                params["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
    return sorted(found.values(), key=lambda job: (job.updated_at, job.job_id), reverse=True)[:limit]


def _ids_beginning(connection: Connection, prefix: str) -> Steps[set[str]]:
    found: set[str] = set()
    for state in JobState:
        for shard in range(INDEX_SHARDS):
            params = _shard(connection, state, shard)
            params["FilterExpression"] = "begins_with(job_id, :prefix)"
            params["ExpressionAttributeValues"][":prefix"] = {"S": prefix}
            while True:
                answer = yield Call("dynamodb", "query", dict(params))
                found |= {item["job_id"]["S"] for item in answer.get("Items", [])}
                if not answer.get("LastEvaluatedKey"):
                    break
                params["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
    return found


def _shard(connection: Connection, state: JobState, shard: int) -> dict[str, Any]:
    return {
        "TableName": connection.table,
        "IndexName": connection.names.status_index,
        "KeyConditionExpression": "status_shard = :shard",
        "ExpressionAttributeValues": {":shard": {"S": f"{state}#{shard}"}},
        "ScanIndexForward": False,
    }


def _no_such_job(connection: Connection, text: str) -> NotFound:
    return NotFound(
        f"there is no job {text} in environment {connection.names.environment}",
        "`haulier jobs` lists those there are; records expire after 120 days",
    )

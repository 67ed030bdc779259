"""Which jobs the janitor looks at: open ones that have been quiet, and ended ones not cleaned or not told of yet.

Reads the status index, whose partitions are a status and a shard. The index may be a moment behind the table: what is
done for a job is decided over the job itself, read consistently.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from haulier.contracts.errors import InvalidRecord
from haulier.contracts.limits import INDEX_SHARDS
from haulier.contracts.states import FINAL, OPEN, JobState
from haulier.jobs.calls import Call, Steps
from haulier.jobs.items import JobItem
from haulier.jobs.mend import SETTLED_SECONDS, needs_a_look
from haulier.jobs.times import iso

OPEN_PER_SHARD = 125
"""Oldest first, of each status and shard: 2,000 in all, each of which costs two or three reads."""
ENDED_PER_SHARD = 125
LOOKED_AT_SECONDS = 6 * 3600
"""How long after its end a run is looked at; what a worker leaves later the bucket's lifecycle rules remove."""
_Seen = tuple[str, str]
"""When a job changed last, and its id."""
_MAX_PAGES = 20
"""Pages of ended jobs read past those that need nothing, so that one call ends; newer ones wait until they leave."""


def watchlist(table: str, index: str, now_ms: int, requeue_after_seconds: float) -> Steps[list[str]]:
    """Job ids, those that have been quiet the longest first; open ones before ended ones.

    Args:
        table: the job table.
        index: the status index.
        now_ms: milliseconds since the epoch.
        requeue_after_seconds: the first wait of `jobs.mend`: nothing is done for a job that changed more lately than
            the shorter of both waits, so it is not even read.
    """
    settled = round(now_ms - SETTLED_SECONDS * 1000)
    quiet = iso(round(now_ms - min(SETTLED_SECONDS, requeue_after_seconds) * 1000))
    found: list[_Seen] = []
    for partition in _partitions(OPEN):
        found += yield from _query(table, index, partition, "", quiet, OPEN_PER_SHARD)
    ended: list[_Seen] = []
    since = iso(now_ms - LOOKED_AT_SECONDS * 1000)
    for partition in _partitions(FINAL):
        ended += yield from _query(table, index, partition, since, iso(settled), ENDED_PER_SHARD)
    # A job that changed between two queries is in both.
    return list(dict.fromkeys(job_id for jobs in (found, ended) for _, job_id in sorted(jobs)))


def _partitions(states: frozenset[JobState]) -> Iterator[str]:
    for state in JobState:
        if state in states:
            for shard in range(INDEX_SHARDS):
                yield f"{state}#{shard}"


def _query(table: str, index: str, partition: str, since: str, until: str, most: int) -> Steps[list[_Seen]]:
    """Jobs of one partition that need a look, updated in [since, until], oldest first."""
    params: dict[str, Any] = {
        "TableName": table,
        "IndexName": index,
        "KeyConditionExpression": "status_shard = :partition AND updated_at BETWEEN :since AND :until",
        "ExpressionAttributeValues": {
            ":partition": {"S": partition},
            ":since": {"S": since or "0"},
            ":until": {"S": until},
        },
        "Limit": most,
    }
    found: list[_Seen] = []
    for _ in range(_MAX_PAGES):
        answer = yield Call("dynamodb", "query", dict(params))
        items = [item for item in answer.get("Items", []) if _is_due(item)]
        found += [(item["updated_at"]["S"], item["job_id"]["S"]) for item in items]
        if len(found) >= most or not answer.get("LastEvaluatedKey"):
            break
        params["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
    return found[:most]


def _is_due(item: Mapping[str, Any]) -> bool:
    """Whether a job needs a look. One that cannot be read does: looked at alone it is an error that is told of, and
    holds up nobody else's.
    """
    try:
        job = JobItem.of(item)
    except (InvalidRecord, KeyError, TypeError, ValueError):
        return True
    return not job.final or needs_a_look(job)

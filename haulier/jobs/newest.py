"""The jobs changed last, newest first, a page at a time: the status index has a partition for each state and shard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from haulier.contracts.errors import InvalidRecord
from haulier.contracts.limits import INDEX_SHARDS
from haulier.contracts.states import JobState
from haulier.jobs.calls import Call, Steps
from haulier.jobs.items import JobItem

Position = tuple[str, str]
"""`updated_at` and id of a job; jobs are listed by it, from the greatest to the least."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some of the jobs there are.

    Attributes:
        jobs: newest first.
        following: where the next page begins, after this position; None if this is the last page.
        unreadable: ids of jobs that belong here and whose items cannot be read.
    """

    jobs: tuple[JobItem, ...]
    following: Position | None
    unreadable: tuple[str, ...] = ()


def newest(
    table: str, index: str, states: Sequence[JobState], limit: int, *, after: Position | None = None
) -> Steps[Page]:
    """A page of jobs. What changes while somebody turns pages moves to the front: it may be met twice, or not again.

    Args:
        table: the job table.
        index: the status index.
        states: which jobs.
        limit: how many at most.
        after: `following` of the page before; None for the first.
    """
    found: dict[str, tuple[Position, Mapping[str, Any]]] = {}
    for state in states:
        for shard in range(INDEX_SHARDS):
            for item in (yield from _newest_of(table, index, f"{state}#{shard}", limit + 1, after)):
                position = _position(item)
                # A job that changes state between two queries is met twice: its newer face counts.
                if position[1] not in found or found[position[1]][0] < position:
                    found[position[1]] = position, item
    ordered = sorted(found.values(), key=lambda entry: entry[0], reverse=True)
    shown = ordered[:limit]
    jobs, unreadable = [], []
    for (_, job_id), item in shown:
        try:
            jobs.append(JobItem.of(item))
        except InvalidRecord:
            unreadable.append(job_id)
    following = shown[-1][0] if len(ordered) > limit else None
    return Page(tuple(jobs), following, tuple(unreadable))


def _newest_of(
    table: str, index: str, partition: str, wanted: int, after: Position | None
) -> Steps[list[Mapping[str, Any]]]:
    """At least the `wanted` newest of one partition. Those of one moment come in no order, so all of the last moment
    are fetched.
    """
    params: dict[str, Any] = {
        "TableName": table,
        "IndexName": index,
        "KeyConditionExpression": "status_shard = :shard",
        "ExpressionAttributeValues": {":shard": {"S": partition}},
        "ScanIndexForward": False,
        "Limit": wanted + 1,
    }
    if after is not None:
        params["KeyConditionExpression"] += " AND updated_at <= :moment"
        params["ExpressionAttributeValues"][":moment"] = {"S": after[0]}
    found: list[Mapping[str, Any]] = []
    while True:
        answer = yield Call("dynamodb", "query", dict(params))
        found += [item for item in answer.get("Items", []) if after is None or _position(item) < after]
        if not answer.get("LastEvaluatedKey"):
            return found
        if len(found) > wanted and _position(found[-1])[0] < _position(found[wanted - 1])[0]:
            return found
        params["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _position(item: Mapping[str, Any]) -> Position:
    return item["updated_at"]["S"], item["job_id"]["S"]

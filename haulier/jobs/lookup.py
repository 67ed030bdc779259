"""Many items of the table at once: a call for a hundred."""

from collections.abc import Iterable
from typing import Any

from haulier.jobs.calls import Call, Steps
from haulier.jobs.items import key_of

BATCH = 100
"""Items a BatchGetItem may name (DynamoDB)."""
_TRIES = 8
"""Of one batch. DynamoDB leaves unread what goes beyond 16 MB, which a hundred of our items come to only where they
hold long errors, or what it has no capacity for."""


class Unread(Exception):
    """DynamoDB answered again and again without some items: it has no capacity for them now."""


def look_up(table: str, ids: Iterable[str], sk: str) -> Steps[dict[str, dict[str, Any]]]:
    """Partition key → item as DynamoDB has it, for those that are there; read consistently.

    Args:
        table: the job table.
        ids: partition keys.
        sk: the sort key of all of them.

    Raises:
        Unread: some could not be read.
    """
    wanted = list(dict.fromkeys(ids))
    found: dict[str, dict[str, Any]] = {}
    for at in range(0, len(wanted), BATCH):
        keys = [key_of(one, sk) for one in wanted[at : at + BATCH]]
        for _ in range(_TRIES):
            asked = {table: {"Keys": keys, "ConsistentRead": True}}
            answer = yield Call("dynamodb", "batch_get_item", {"RequestItems": asked})
            found |= {item["job_id"]["S"]: item for item in answer.get("Responses", {}).get(table, [])}
            keys = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
            if not keys:
                break
        else:
            raise Unread(f"{len(keys)} items of table {table} could not be read in {_TRIES} tries")
    return found

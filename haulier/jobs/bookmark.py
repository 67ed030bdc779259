"""Where a round through something long stopped, kept as an item of the job table, so that the next call goes on there.

A round through a bucket or the index may take longer than a function may run. Nothing is skipped: what a call did not
come to is the next one's.
"""

from collections.abc import Mapping
from typing import Any

from haulier.jobs.attributes import decode_item
from haulier.jobs.calls import Call, Steps
from haulier.jobs.items import key_of
from haulier.jobs.times import iso
from haulier.jobs.writes import update

BOOKMARK_SK = "bookmark"


def bookmark_id(name: str) -> str:
    """Partition key of a bookmark: no job's, and no object's pointer's."""
    return f"bookmark#{name}"


def read_bookmark(table: str, name: str) -> Steps[dict[str, str]]:
    """The place; empty if the round begins."""
    place: dict[str, str] = (yield from _read(table, name)).get("place") or {}
    return place


def put_bookmark(table: str, name: str, place: Mapping[str, str], now_ms: int) -> Call:
    """Notes the place, whatever it was before: calls that overlap do some work twice, which harms nobody."""
    sets = {"place": dict(place) or None, "updated_at": iso(now_ms)}
    return update(table, bookmark_id(name), BOOKMARK_SK, sets=sets)


def read_mark(table: str, name: str) -> Steps[str]:
    """How far something is done that is done in one direction only; empty if it has not begun."""
    through: str = (yield from _read(table, name)).get("through") or ""
    return through


def move_mark(table: str, name: str, through: str, now_ms: int) -> Call:
    """Moves it, forwards only: refused (`ConditionFailed`) if somebody else is as far."""
    return update(
        table,
        bookmark_id(name),
        BOOKMARK_SK,
        sets={"through": through, "updated_at": iso(now_ms)},
        condition="attribute_not_exists(#through) OR #through < :through",
    )


def _read(table: str, name: str) -> Steps[dict[str, Any]]:
    key = key_of(bookmark_id(name), BOOKMARK_SK)
    answer = yield Call("dynamodb", "get_item", {"TableName": table, "Key": key, "ConsistentRead": True})
    return decode_item(answer.get("Item") or {})

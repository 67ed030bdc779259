"""Inputs without a job: objects whose event was lost.

The input prefixes are listed, and each object is compared with its pointer item, which every job of an event and every
job of a request leaves (`jobs.accept`). What nobody saw is asked for with a `Job Requested` on the intake queue, as a
caller would ask, without a cause: in a bucket with versions that is the very job the object's event makes, so an event
that arrives after all finds it. Asked for twice it is still one job.

What was in the bucket before it was ours had no event, and nobody asked for it to be processed: it is only counted. A
note in the table says from when on an input prefix is looked after.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from haulier.contracts.events import EVENT_SOURCE, JOB_REQUESTED, JobRequested
from haulier.contracts.keys import is_own
from haulier.jobs.bookmark import put_bookmark, read_bookmark
from haulier.jobs.calls import Call, Steps
from haulier.jobs.items import POINTER_SK, pointer_id
from haulier.jobs.lookup import look_up
from haulier.jobs.times import iso, parse_iso

BEGINNINGS = "reconcile#since"
"""The bookmark that keeps from when on each input prefix is looked after."""

Place = Mapping[str, str]
"""Where the round is: `prefix`, and the key `after` which it goes on. Empty: at its beginning, or at its end."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Which objects are looked at.

    Attributes:
        prefixes: of keys that are input.
        after_seconds: younger ones are left alone: their events are on their way.
        within_seconds: older ones are left alone: their pointers may have expired, and they would be done again.
        since: prefix → seconds since the epoch; what is older than that was there before the prefix was input.
    """

    prefixes: tuple[str, ...]
    after_seconds: float
    within_seconds: float
    since: Mapping[str, float] = field(default_factory=dict)

    @property
    def roots(self) -> tuple[str, ...]:
        """The prefixes in order, less those that lie in another one."""
        ordered = sorted(set(self.prefixes))
        return tuple(one for one in ordered if not any(one != other and one.startswith(other) for other in ordered))

    def due(self, prefix: str, written: float, now: float) -> bool:
        """Whether an object is one to be looked for; times in seconds since the epoch."""
        return self.after_seconds <= now - written <= self.within_seconds and not self.earlier(prefix, written)

    def earlier(self, prefix: str, written: float) -> bool:
        # S3 tells whole seconds.
        return written < int(self.since.get(prefix, 0.0))


@dataclass(frozen=True, slots=True)
class Looked:
    """One page of the listing.

    Attributes:
        place: where the next page begins; empty if this was the last.
        inputs: how many objects of it are input.
        young: of these, how many are too young to be looked for.
        old: how many are too old.
        earlier: how many of the others were there before the prefix was input.
        missing: keys of those that have no job, in order.
        prefix: under which they all lie.
    """

    place: Place
    inputs: int
    young: int
    old: int
    earlier: int
    missing: tuple[str, ...]
    prefix: str


def beginnings(table: str, bucket: str, prefixes: Iterable[str], now_ms: int) -> Steps[dict[str, float]]:
    """Prefix → since when it is looked after, seconds since the epoch.

    The first call ever notes the table's own birth: no event before it can have left a pointer, and every one after it
    should have. A prefix (or a bucket) that becomes input later is looked after from the first call that sees it. Dying
    before the note is written changes nothing but, for such a prefix, that moment.
    """
    kept = yield from read_bookmark(table, BEGINNINGS)
    names = {prefix: f"{bucket}/{prefix}" for prefix in prefixes}
    new = now_ms
    if not kept:
        described = yield Call("dynamodb", "describe_table", {"TableName": table})
        new = round(described["Table"]["CreationDateTime"].timestamp() * 1000)
    noted = {name: kept.get(name) or iso(new) for name in names.values()}
    if noted != kept:
        yield put_bookmark(table, BEGINNINGS, noted, now_ms)
    return {prefix: parse_iso(noted[name]) / 1000 for prefix, name in names.items()}


def look_page(table: str, bucket: str, place: Place, reach: Reach, now_ms: int) -> Steps[Looked]:
    """Looks through one page of the input.

    Args:
        table: the job table.
        bucket: the input bucket.
        place: where to begin, as the page before told; one under a prefix that is input no more begins anew.
        reach: which objects are looked at.
        now_ms: milliseconds since the epoch.
    """
    roots = reach.roots
    known = place.get("prefix") in roots
    prefix = place["prefix"] if known else roots[0]
    params = {"Bucket": bucket, "Prefix": prefix, "StartAfter": place.get("after", "") if known else ""}
    answer = yield Call("s3", "list_objects_v2", {name: value for name, value in params.items() if value})
    listed: list[dict[str, Any]] = answer.get("Contents", [])
    inputs = [entry for entry in listed if not (entry["Key"].endswith("/") or is_own(entry["Key"]))]
    now, times = now_ms / 1000, [_seconds(entry["LastModified"]) for entry in inputs]
    ages = [now - written for written in times]
    due = [entry for entry, written in zip(inputs, times, strict=True) if reach.due(prefix, written, now)]
    return Looked(
        place=_following(prefix, listed, roots, more=bool(answer.get("IsTruncated"))),
        inputs=len(inputs),
        young=sum(age < reach.after_seconds for age in ages),
        old=sum(age > reach.within_seconds for age in ages),
        earlier=sum(
            age <= reach.within_seconds and reach.earlier(prefix, written)
            for age, written in zip(ages, times, strict=True)
        ),
        missing=(yield from _unseen(table, bucket, due)),
        prefix=prefix,
    )


def is_seen(pointer: Mapping[str, Any] | None, etag: str) -> bool:
    """Whether a job was made of the object as it is now: of its event, or of a request."""
    if pointer is None:
        return False
    return etag in (pointer.get(name, {}).get("S") for name in ("etag", "requested_etag"))


def ask_for(queue_url: str, bucket: str, key: str) -> Call:
    """A request for the object's job, onto the intake queue."""
    detail = JobRequested(bucket=bucket, key=key).model_dump(mode="json", exclude_defaults=True)
    body = {"source": EVENT_SOURCE, "detail-type": JOB_REQUESTED, "detail": detail}
    return Call("sqs", "send_message", {"QueueUrl": queue_url, "MessageBody": json.dumps(body, separators=(",", ":"))})


def _unseen(table: str, bucket: str, entries: Iterable[dict[str, Any]]) -> Steps[tuple[str, ...]]:
    ids = {entry["Key"]: pointer_id(bucket, entry["Key"]) for entry in entries}
    pointers = yield from look_up(table, ids.values(), POINTER_SK)
    return tuple(
        entry["Key"] for entry in entries if not is_seen(pointers.get(ids[entry["Key"]]), str(entry["ETag"]).strip('"'))
    )


def _following(prefix: str, listed: list[dict[str, Any]], roots: tuple[str, ...], *, more: bool) -> Place:
    if more and listed:
        return {"prefix": prefix, "after": listed[-1]["Key"]}
    at = roots.index(prefix) + 1
    return {"prefix": roots[at]} if at < len(roots) else {}


def _seconds(moment: datetime) -> float:
    return moment.timestamp()

"""What ended jobs left in the output bucket: plans nobody reads any more, uploads nobody will complete.

Who seals or fails a run sweeps it, and the janitor sweeps what ended lately (`jobs.sweep`). This is the net beneath
both: it lists the bucket and asks the table whose each thing is. Objects of open runs are left alone, so an upload that
can be resumed stays, and so is every key that is none of ours. What is listed in a manifest is never touched: results
are not looked at, only what is temporary by its nature.

A call that dies anywhere leaves what it did not come to for the next one; to delete or abort twice changes nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from haulier.contracts.keys import PROCESSED_PREFIX, REJECTED_PREFIX, TEMP_PREFIX, run_of
from haulier.contracts.states import FINAL
from haulier.jobs.calls import Call, NotFound, Steps
from haulier.jobs.items import JOB_SK
from haulier.jobs.lookup import look_up
from haulier.jobs.mend import CLEAN_AFTER_SECONDS
from haulier.jobs.sweep import delete_keys
from haulier.jobs.times import parse_iso

_UPLOADS = (PROCESSED_PREFIX, REJECTED_PREFIX)
_STAGES = ("", *_UPLOADS)
"""In this order: temporary objects, then uploads under each prefix."""
_FINAL = frozenset(map(str, FINAL))

Place = Mapping[str, str]
"""Where the round is: `stage`, and the markers of S3's listing in it. Empty: at its beginning, or at its end."""


@dataclass(frozen=True, slots=True)
class Swept:
    """One page of the listing.

    Attributes:
        place: where the next page begins; empty if this was the last.
        looked_at: things listed.
        deleted: temporary objects that are gone now.
        aborted: uploads that are gone now.
    """

    place: Place
    looked_at: int
    deleted: int = 0
    aborted: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """What of a job says whether its runs are over."""

    run: int
    final: bool
    changed_ms: int


def is_orphan(run: int, written_ms: int, job: Standing | None, *, now_ms: int, orphan_after_seconds: float) -> bool:
    """Whether nobody will need a temporary thing of a run any more.

    Args:
        run: whose it is.
        written_ms: when it was written or begun, milliseconds since the epoch.
        job: how its job stands; None if the table knows no such job: it was forgotten, or never accepted.
        now_ms: milliseconds since the epoch.
        orphan_after_seconds: longer than any run may take.
    """
    if job is None:
        return now_ms - written_ms > orphan_after_seconds * 1000
    if run != job.run:
        # The table is read after the listing: a run that is not there yet cannot be listed, so this one is over.
        return run < job.run
    # By then a worker that learned nothing of the end has stopped by itself.
    return job.final and now_ms - job.changed_ms > CLEAN_AFTER_SECONDS * 1000


def sweep_page(table: str, bucket: str, place: Place, now_ms: int, orphan_after_seconds: float) -> Steps[Swept]:
    """Looks through one page of what is temporary, and removes what is nobody's.

    Args:
        table: the job table.
        bucket: the output bucket.
        place: where to begin, as the page before told.
        now_ms: milliseconds since the epoch.
        orphan_after_seconds: see `is_orphan`.
    """
    stage = place.get("stage", "")
    if stage in _UPLOADS:
        params = {"Bucket": bucket, "Prefix": stage} | {name: place[name] for name in _MARKERS if name in place}
        answer = yield Call("s3", "list_multipart_uploads", params)
        uploads: list[dict[str, Any]] = answer.get("Uploads", [])
        gone = yield from _orphans(table, uploads, "Initiated", now_ms, orphan_after_seconds)
        aborted = yield from _abort(bucket, gone)
        following = _next_uploads(stage, answer)
        return Swept(following, len(uploads), aborted=aborted)
    params = {"Bucket": bucket, "Prefix": TEMP_PREFIX, "StartAfter": place.get("after", TEMP_PREFIX)}
    answer = yield Call("s3", "list_objects_v2", params)
    objects: list[dict[str, Any]] = answer.get("Contents", [])
    gone = yield from _orphans(table, objects, "LastModified", now_ms, orphan_after_seconds)
    deleted = yield from delete_keys(bucket, [entry["Key"] for entry in gone])
    after = {"after": objects[-1]["Key"]} if answer.get("IsTruncated") and objects else {"stage": _UPLOADS[0]}
    return Swept(after, len(objects), deleted=deleted)


_MARKERS = ("KeyMarker", "UploadIdMarker")


def _next_uploads(stage: str, answer: Mapping[str, Any]) -> Place:
    if answer.get("IsTruncated"):
        markers = {name: answer.get(f"Next{name}") for name in _MARKERS}
        return {"stage": stage} | {name: marker for name, marker in markers.items() if marker}
    following = _STAGES.index(stage) + 1
    return {"stage": _STAGES[following]} if following < len(_STAGES) else {}


def _orphans(
    table: str, listed: Iterable[dict[str, Any]], written: str, now_ms: int, orphan_after_seconds: float
) -> Steps[list[dict[str, Any]]]:
    """Those of the listed things that are nobody's; `written` names the listing's own time of each."""
    ours = [(entry, *found) for entry in listed if (found := run_of(entry["Key"])) is not None]
    items = yield from look_up(table, (job for _, job, _ in ours), JOB_SK)
    standings = {job: _standing(item) for job, item in items.items()}
    return [
        entry
        for entry, job, run in ours
        if is_orphan(
            run,
            round(entry[written].timestamp() * 1000),
            standings.get(job),
            now_ms=now_ms,
            orphan_after_seconds=orphan_after_seconds,
        )
    ]


def _standing(item: Mapping[str, Any]) -> Standing:
    """Of a job this release may not be able to read: an unknown state counts as open, as does a damaged item."""
    try:
        return Standing(int(item["run"]["N"]), item["status"]["S"] in _FINAL, parse_iso(item["updated_at"]["S"]))
    except (KeyError, ValueError):
        return Standing(0, final=False, changed_ms=0)


def _abort(bucket: str, uploads: Iterable[dict[str, Any]]) -> Steps[int]:
    gone = 0
    for upload in uploads:
        asked = {"Bucket": bucket, "Key": upload["Key"], "UploadId": upload["UploadId"]}
        try:
            yield Call("s3", "abort_multipart_upload", asked)
        except NotFound:
            continue
        gone += 1
    return gone

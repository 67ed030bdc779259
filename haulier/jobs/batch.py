"""A batch in the table: its runs' pins, and the sections of its list.

A batch is a job whose members are jobs, one an object. Its list is written section by section before anything of it is
admitted; what a retry works from is the same list (`BatchPin.listed_by`), so that it means the same members.

A crash between a section's object and its item leaves an object that no item names: the next call lists the section
again. Two calls at once list the same section; the first item stays, and whoever comes second takes that one.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from haulier.contracts.batch import BATCH, BatchPin, BatchProgress, BatchSection
from haulier.contracts.dataset import QueueName
from haulier.contracts.ids import JobId, job_id
from haulier.contracts.keys import batch_list_key
from haulier.contracts.limits import JOB_TTL_SECONDS
from haulier.contracts.states import JobState
from haulier.jobs.attributes import decode_item, encode_item
from haulier.jobs.calls import Call, ConditionFailed, Steps
from haulier.jobs.items import JOB_SK, JobItem, key_of, read_stored, run_sk
from haulier.jobs.times import iso
from haulier.jobs.writes import update

PIN_OF_BATCH = "batch_pin"
"""Attribute of a batch's run items; other runs have `pin`."""
MEMBERS_QUEUE: QueueName = "bulk"
"""Where members go unless the request says otherwise, so that a backfill never starves a small file."""
_SECTION = "section"


@dataclass(frozen=True, slots=True)
class BatchRun:
    """The run item of a batch."""

    job_id: str
    run: int
    pin: BatchPin

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Self:
        values = decode_item(item)
        pin = read_stored(BatchPin, values, PIN_OF_BATCH)
        return cls(job_id=values["job_id"], run=int(values["sk"][1:]), pin=pin)


def section_sk(run: int, section: int) -> str:
    return f"{sections_prefix(run)}{section:04d}"


def sections_prefix(run: int) -> str:
    return f"r{run:04d}#s"


def batch_job_id(pin: BatchPin, cause: str) -> JobId:
    """The batch of a request: what names its members, the dataset asked for, and the caller's own cause. The order of a
    list means nothing.
    """
    source = {"bucket": pin.bucket}
    if pin.keys is not None:
        listed = json.dumps(sorted(set(pin.keys)), separators=(",", ":"))
        source["keys"] = hashlib.sha256(listed.encode()).hexdigest()
    elif pin.keys_object is not None:
        # By its content alone: who puts the same list there again asks for the same batch. One that is not there has
        # none, and is refused by its name.
        named = ("keys_object", pin.keys_object.etag) if pin.keys_object.etag else ("missing", pin.keys_object.key)
        source[named[0]] = named[1]
    else:
        source["prefix"] = pin.prefix or ""
    return job_id(source=source, operation=BATCH, dataset=pin.dataset or "", cause=cause)


def get_batch(table: str, job: str, run: int) -> Steps[BatchRun | None]:
    answer = yield Call(
        "dynamodb", "get_item", {"TableName": table, "Key": key_of(job, run_sk(run)), "ConsistentRead": True}
    )
    return BatchRun.of(answer["Item"]) if answer.get("Item") else None


def get_sections(table: str, job: str, listed_by: int) -> Steps[list[BatchSection]]:
    """The list as far as it is written, in order."""
    params: dict[str, Any] = {
        "TableName": table,
        "ConsistentRead": True,
        "KeyConditionExpression": "job_id = :job AND begins_with(sk, :prefix)",
        "ExpressionAttributeValues": {":job": {"S": job}, ":prefix": {"S": sections_prefix(listed_by)}},
    }
    found: list[BatchSection] = []
    while True:
        answer = yield Call("dynamodb", "query", dict(params))
        found += [read_stored(BatchSection, decode_item(item), _SECTION) for item in answer.get("Items", [])]
        if not answer.get("LastEvaluatedKey"):
            return found
        params["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def is_complete(sections: Sequence[BatchSection]) -> bool:
    return bool(sections) and sections[-1].following is None


@dataclass(frozen=True, slots=True)
class Listed:
    """Some of a list, as it was found.

    Attributes:
        groups: keys, as they are to be admitted.
        folders: placeholders that were passed over.
        excluded: keys that were passed over because of how they end.
        following: where the list goes on; None at its end.
    """

    groups: tuple[tuple[str, ...], ...]
    folders: int = 0
    excluded: int = 0
    following: str | None = None


def add_section(
    table: str, bucket: str, batch: BatchRun, before: Sequence[BatchSection], listed: Listed, now_ms: int
) -> Steps[BatchSection]:
    """Writes the next section; returns the one that is there then."""
    number = len(before)
    first = before[-1].first + before[-1].groups if before else 0
    groups = [{"group": first + at, "keys": keys} for at, keys in enumerate(listed.groups)]
    body = json.dumps(groups, separators=(",", ":"), ensure_ascii=False).encode()
    key = batch_list_key(batch.job_id, batch.pin.listed_by, number, hashlib.sha256(body).hexdigest()[:16])
    section = BatchSection(
        key=key,
        first=first,
        groups=len(groups),
        members=sum(len(keys) for keys in listed.groups),
        folders=listed.folders,
        excluded=listed.excluded,
        following=listed.following,
    )
    yield Call("s3", "put_object", {"Bucket": bucket, "Key": key, "Body": body, "ContentType": "application/json"})
    item = {
        "job_id": batch.job_id,
        "sk": section_sk(batch.pin.listed_by, number),
        _SECTION: section.to_json(),
        "expires_at": now_ms // 1000 + JOB_TTL_SECONDS,
    }
    put = {
        "TableName": table,
        "Item": encode_item(item),
        "ConditionExpression": "attribute_not_exists(job_id)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    try:
        yield Call("dynamodb", "put_item", put)
    except ConditionFailed as failed:
        if failed.item is None:
            raise
        return read_stored(BatchSection, decode_item(failed.item), _SECTION)
    return section


def next_pin(table: str, job: JobItem, now_ms: int) -> Steps[BatchPin | None]:
    """What a batch's next run pins; None if its first never began. A list that is whole is worked from again, one that
    is not is made anew by the run that needs it.
    """
    last = yield from get_batch(table, job.job_id, job.run)
    if last is None:
        return None
    kept = yield from _keep_list(table, job, last.pin.listed_by, now_ms)
    listed_by = last.pin.listed_by if kept else job.run + 1
    return last.pin.model_copy(update={"accepted_at_ms": now_ms, "listed_by": listed_by})


def _keep_list(table: str, job: JobItem, listed_by: int, now_ms: int) -> Steps[bool]:
    """Whether the list is whole; then it lasts as long as the next run's record."""
    sections = yield from get_sections(table, job.job_id, listed_by)
    if not is_complete(sections):
        return False
    for number in range(len(sections)):
        try:
            yield update(
                table,
                job.job_id,
                section_sk(listed_by, number),
                sets={"expires_at": now_ms // 1000 + JOB_TTL_SECONDS},
                condition="attribute_exists(job_id)",
            )
        except ConditionFailed:
            return False  # it expired this moment
    return True


def note_progress(table: str, job: JobItem, progress: BatchProgress, now_ms: int) -> Call:
    """Replaces the progress that was read, in the state that was read; refused if somebody else was faster."""
    was = job.progress.to_json() if job.progress is not None else None
    same = "#progress = :was" if was is not None else "attribute_not_exists(#progress)"
    return update(
        table,
        job.job_id,
        JOB_SK,
        sets={"progress": progress.to_json(), "updated_at": iso(now_ms)},
        condition=f"#run = :run AND #status = :state AND {same}",
        names={"#run": "run", "#status": "status"},
        values={":run": job.run, ":state": str(job.status)} | ({":was": was} if was is not None else {}),
    )


def is_stopped(job: JobItem) -> bool:
    """Whether the job is no cancelled batch that has members to stop."""
    return not job.is_batch or job.status != JobState.CANCELLED or job.stopped_at is not None

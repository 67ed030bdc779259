"""Records of jobs that ended long ago go to S3 as gzip JSON Lines, before the table forgets them (TTL).

The status index lists them, by partition (a final state and a shard) and time. Each call writes the next file of a
partition, of one day's jobs with all of their items, and then moves the partition's mark. A crash before that writes
the file again, under the same name, since the mark says where it begins; if its first job was started again meanwhile
the name is another one, and the other jobs are there twice. Nothing is lost. A job that is started again leaves its
partition, and is archived once more when it ends again: of two records of a job the newer counts.

The table needs no other note: what lies before the mark is archived, and each item expires as it would have anyway.
"""

import base64
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from haulier.contracts.keys import archive_key
from haulier.contracts.limits import INDEX_SHARDS, JOB_TTL_SECONDS, MIB
from haulier.contracts.states import FINAL, JobState
from haulier.jobs.attributes import decode
from haulier.jobs.bookmark import move_mark, read_mark
from haulier.jobs.calls import Call, ConditionFailed, Steps
from haulier.jobs.items import JOB_SK
from haulier.jobs.times import iso, parse_iso

FILE_JOBS = 1000
FILE_BYTES = 32 * MIB
"""Compressed. A file is held in memory until it is written; one that is full is followed by the next number."""
_PAGE = 100
"""Jobs the index is asked for at once."""
LATE_SECONDS = JOB_TTL_SECONDS - 7 * 86_400
"""Jobs that ended so long ago and are not archived yet will be forgotten before they are, if nobody looks at it."""
_GZIP = "application/gzip"
_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition of the status index."""

    status: JobState
    shard: int

    @property
    def name(self) -> str:
        return f"{self.status}#{self.shard}"

    @property
    def mark(self) -> str:
        return f"archive#{self.name}"


def partitions() -> Iterator[Partition]:
    """Those of jobs that are over."""
    for status in JobState:
        if status in FINAL:
            for shard in range(INDEX_SHARDS):
                yield Partition(status, shard)


@dataclass(frozen=True, slots=True)
class Archived:
    """What one call wrote.

    Attributes:
        jobs: how many.
        records: items of theirs: jobs, runs, chunks, profiles.
        bytes: compressed.
        keys: of the files; more than one only where one job's records fill more.
        through: jobs of the partition that changed no later than this are archived.
        moved: whether the mark is there; if not, another call was as far already.
    """

    jobs: int
    records: int
    bytes: int
    keys: tuple[str, ...]
    through: str
    moved: bool


def horizon(now_ms: int, after_days: int) -> int:
    """Jobs that changed last before this moment are old enough: a midnight (UTC), so that a day is whole when it is
    archived and calls that overlap write the same files.
    """
    return (now_ms - after_days * _DAY_MS) // _DAY_MS * _DAY_MS


class _File:
    """Lines on their way into numbered objects of at most `FILE_BYTES` each, and what one record has more."""

    def __init__(self, bucket: str, partition: Partition, first: Mapping[str, Any]) -> None:
        self._bucket = bucket
        self._of = partition.status, partition.shard, first["updated_at"]["S"], first["job_id"]["S"]
        self._begin()
        self.keys: list[str] = []
        self.records = 0
        self.written = 0

    def _begin(self) -> None:
        # 31: with gzip's own head, which zlib leaves without a time; so the same records are the same bytes.
        self._gzip = zlib.compressobj(wbits=31)
        self._held = bytearray()

    @property
    def bytes(self) -> int:
        return self.written + len(self._held)

    def add(self, item: Mapping[str, Any]) -> Steps[None]:
        self._held += self._gzip.compress(line(item))
        self.records += 1
        if len(self._held) >= FILE_BYTES:
            yield from self.close()
            self._begin()

    def close(self) -> Steps[None]:
        status, shard, at, job = self._of
        key = archive_key(status, shard, at, job, len(self.keys))
        body = bytes(self._held + self._gzip.flush())
        yield Call("s3", "put_object", {"Bucket": self._bucket, "Key": key, "Body": body, "ContentType": _GZIP})
        self.keys.append(key)
        self.written += len(body)
        self._held = bytearray()


class _Listing:
    """Jobs of a partition that changed last in [since, until], oldest first."""

    def __init__(self, table: str, index: str, partition: Partition, since: str, until: str) -> None:
        self._params: dict[str, Any] | None = {
            "TableName": table,
            "IndexName": index,
            "KeyConditionExpression": "status_shard = :partition AND updated_at BETWEEN :since AND :until",
            "ExpressionAttributeValues": {
                ":partition": {"S": partition.name},
                ":since": {"S": since},
                ":until": {"S": until},
            },
            "Limit": _PAGE,
        }

    def page(self) -> Steps[list[Mapping[str, Any]]]:
        """The next of them; empty at the end."""
        while self._params is not None:
            answer = yield Call("dynamodb", "query", dict(self._params))
            more = answer.get("LastEvaluatedKey")
            self._params = self._params | {"ExclusiveStartKey": more} if more else None
            items: list[Mapping[str, Any]] = answer.get("Items", [])
            if items:
                return items
        return []


def archive_next(
    table: str, index: str, bucket: str, partition: Partition, *, before_ms: int, now_ms: int
) -> Steps[Archived | None]:
    """Writes the partition's next file; None if nothing in it is old enough any more.

    Args:
        table: the job table.
        index: the status index.
        bucket: the output bucket.
        partition: of the index.
        before_ms: see `horizon`.
        now_ms: milliseconds since the epoch.
    """
    through = yield from read_mark(table, partition.mark)
    since, until = iso(parse_iso(through) + 1) if through else "0", iso(before_ms - 1)
    if since > until:
        # All of it is done; or fewer days were waited for than are now. DynamoDB refuses such a BETWEEN.
        return None
    file, jobs, last = None, 0, through
    listing = _Listing(table, index, partition, since, until)
    while page := (yield from listing.page()):
        for job in page:
            at = job["updated_at"]["S"]
            if file is None:
                file, last = _File(bucket, partition, job), at
            elif at != last and (at[:10] != last[:10] or jobs >= FILE_JOBS or file.bytes >= FILE_BYTES):
                return (yield from _close(table, partition, file, jobs, last, now_ms))
            yield from _add_job(table, file, job)
            jobs, last = jobs + 1, at
    return (yield from _close(table, partition, file, jobs, last, now_ms)) if file is not None else None


def _close(table: str, partition: Partition, file: _File, jobs: int, through: str, now_ms: int) -> Steps[Archived]:
    """Writes the file and moves the mark, never inside jobs that changed in the same millisecond."""
    yield from file.close()
    try:
        yield move_mark(table, partition.mark, through, now_ms)
    except ConditionFailed:
        moved = False
    else:
        moved = True
    return Archived(jobs, file.records, file.written, tuple(file.keys), through, moved)


def _add_job(table: str, file: _File, job: Mapping[str, Any]) -> Steps[None]:
    """All items of a job; of one that expires this very moment, at least what the index still holds."""
    params: dict[str, Any] = {
        "TableName": table,
        "KeyConditionExpression": "job_id = :job",
        "ExpressionAttributeValues": {":job": job["job_id"]},
    }
    there = False
    while True:
        answer = yield Call("dynamodb", "query", dict(params))
        for item in answer.get("Items", []):
            there = there or item["sk"]["S"] == JOB_SK
            yield from file.add(item)
        if not answer.get("LastEvaluatedKey"):
            break
        params["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
    if not there:
        yield from file.add(job)


def line(item: Mapping[str, Any]) -> bytes:
    """An item as a line of JSON: plain values under the table's own names. What a later release writes in a type that
    this one does not know stays as DynamoDB has it, with its type.
    """
    plain = {name: _plain(typed) for name, typed in sorted(item.items())}
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"), default=_text).encode() + b"\n"


def is_late(through: str, now_ms: int) -> bool:
    """Whether what a partition still holds behind its mark may be forgotten before it is archived."""
    return now_ms - parse_iso(through) > LATE_SECONDS * 1000


def _text(value: bytes | bytearray) -> str:
    """Bytes, as DynamoDB's own JSON has them; there are none in our items."""
    return base64.b64encode(value).decode()


def _plain(typed: Mapping[str, Any]) -> Any:
    try:
        return decode(typed)
    except TypeError:
        return dict(typed)

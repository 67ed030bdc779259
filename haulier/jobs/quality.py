"""What the jobs of a day did: which they are, their figures by dataset, and the report made of these.

A job belongs to the day on which it ended (`finished_at`), whatever it was accepted on. Final states set `finished_at`
and `updated_at` to the same moment and later notes (`announced`, `cleaned_at`) change neither, so the status index,
which is sorted by `updated_at`, holds a day's jobs side by side. A job that was started again since is not there: its
record speaks of its new run, which is counted on the day that one ends.

A hundred thousand jobs are read page by page and only added up: what is held is sums, a list of durations (8 bytes a
job) and a few notable jobs of each dataset.
"""

import heapq
from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any, Self

from haulier.contracts.batch import BATCH
from haulier.contracts.errors import InvalidRecord
from haulier.contracts.limits import INDEX_SHARDS
from haulier.contracts.quality import DatasetQuality, Figures, NotableJob, QualityReport, Timing
from haulier.contracts.states import FINAL, JobState
from haulier.jobs.anomalies import Past, anomalies, ranked, trails, with_silent
from haulier.jobs.attributes import decode
from haulier.jobs.calls import Call, Steps
from haulier.jobs.items import JobItem
from haulier.jobs.times import iso, parse_iso

NOTABLE_JOBS = 5
"""How many of the slowest jobs, and of those that rejected most, a dataset's day names."""
UNREADABLE_NAMED = 20
PAGE_ITEMS = 1000
"""DynamoDB ends a page at 1 MB by itself; this bounds one of small items."""
_READ = (
    "job_id", "status", "run", "dataset", "bucket", "key", "size", "accepted_at_ms", "updated_at", "created_at",
    "chunked", "queue", "operation", "error", "read", "written", "rejected", "filtered", "input_bytes", "output_bytes",
    "reject_codes", "finished_at",
)  # fmt: skip
_RAN = (JobState.SUCCEEDED, JobState.FAILED)
_COUNTS = ("read", "written", "rejected", "filtered", "input_bytes", "output_bytes")
_MOST = 2**62
"""No count and no duration comes near it."""


@dataclass(frozen=True, slots=True)
class Day:
    """A calendar day in a time zone; it has 23 or 25 hours where the clocks change.

    Attributes:
        since_ms: its first millisecond since the epoch.
        until_ms: that of the next day.
    """

    name: str
    since_ms: int
    until_ms: int

    @classmethod
    def of(cls, day: date, zone: tzinfo) -> Self:
        return cls(day.isoformat(), _midnight_ms(day, zone), _midnight_ms(day + timedelta(days=1), zone))

    def holds(self, moment: str) -> bool:
        return self.since_ms <= parse_iso(moment) < self.until_ms


def yesterday(now_ms: int, zone: tzinfo) -> date:
    """The last day that is over."""
    return datetime.fromtimestamp(now_ms / 1000, zone).date() - timedelta(days=1)


def _midnight_ms(day: date, zone: tzinfo) -> int:
    return round(datetime.combine(day, time.min, zone).timestamp() * 1000)


def ended_jobs(table: str, index: str, day: Day, see: Callable[[Mapping[str, Any]], None]) -> Steps[None]:
    """Reads the items of all jobs that ended on a day from the status index, page by page.

    Args:
        table: the job table.
        index: the status index.
        day: a day that is over, so that no job of it is still to come.
        see: is given each item, in no particular order.
    """
    names = {f"#a{at}": name for at, name in enumerate(_READ)}
    for state in (state for state in JobState if state in FINAL):
        for shard in range(INDEX_SHARDS):
            params: dict[str, Any] = {
                "TableName": table,
                "IndexName": index,
                "KeyConditionExpression": "status_shard = :partition AND updated_at BETWEEN :since AND :until",
                "ExpressionAttributeValues": {
                    ":partition": {"S": f"{state}#{shard}"},
                    ":since": {"S": iso(day.since_ms)},
                    ":until": {"S": iso(day.until_ms - 1)},
                },
                "ProjectionExpression": ", ".join(names),
                "ExpressionAttributeNames": names,
                "Limit": PAGE_ITEMS,
            }
            while True:
                answer = yield Call("dynamodb", "query", dict(params))
                for item in answer.get("Items", []):
                    see(item)
                if not answer.get("LastEvaluatedKey"):
                    break
                params["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


@dataclass(frozen=True, slots=True)
class Ended:
    """A job as it is counted: all its numbers are numbers.

    Attributes:
        took_ms: from acceptance to the end.
        counts: each of `_COUNTS`.
        reject_codes: code → records.
    """

    job: JobItem
    took_ms: int
    counts: Mapping[str, int]
    reject_codes: Mapping[str, int]

    @classmethod
    def of(cls, job: JobItem) -> Self:
        """Raises AttributeError, TypeError or ValueError for a record whose values are of another kind."""
        if not isinstance(job.dataset, str):
            raise TypeError("its dataset is no text")
        return cls(
            job,
            took_ms=_whole(max(0, parse_iso(job.finished_at or job.updated_at) - job.accepted_at_ms)),
            counts={name: _whole(getattr(job, name) or 0) for name in _COUNTS},
            reject_codes={str(code): _whole(count) for code, count in (job.reject_codes or {}).items()},
        )


def _whole(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value < _MOST:
        raise ValueError(f"{value!r} is no count")
    return value


@dataclass(slots=True)
class Account:
    """The running sums of some jobs."""

    counts: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    reject_codes: Counter[str] = field(default_factory=Counter)
    took_ms: "array[int]" = field(default_factory=lambda: array("q"))

    def add(self, ended: Ended) -> None:
        job = ended.job
        self.states[str(job.status)] += 1
        self.counts.update(ended.counts)
        self.reject_codes.update(ended.reject_codes)
        if job.status in _RAN:
            self.took_ms.append(ended.took_ms)
        by_code = {JobState.FAILED: self.failures, JobState.REJECTED: self.refusals}.get(job.status)
        if by_code is not None:
            by_code[job.error.code if job.error else "unknown"] += 1

    def figures(self) -> Figures:
        ran = sum(self.states[str(state)] for state in _RAN)
        read, rejected = self.counts["read"], self.counts["rejected"]
        return Figures(
            jobs=self.states.total(),
            states=_sorted(self.states),
            read=read,
            written=self.counts["written"],
            rejected=rejected,
            filtered=self.counts["filtered"],
            input_bytes=self.counts["input_bytes"],
            output_bytes=self.counts["output_bytes"],
            reject_ratio=rejected / read if read else None,
            failure_ratio=self.states[str(JobState.FAILED)] / ran if ran else None,
            failures=_sorted(self.failures),
            refusals=_sorted(self.refusals),
            reject_codes=_sorted(self.reject_codes),
            timing=timing(self.took_ms),
        )


def compose(environment: str, day: Day, timezone: str, tally: "Tally", past: Sequence[Past]) -> QualityReport:
    """The report of a day.

    Args:
        environment: the stack's.
        day: the day.
        timezone: the name of the zone it is a day in.
        tally: its jobs.
        past: the days of the look-back, oldest first.
    """
    entries = tuple(
        entry.model_copy(update={"trails": trails(entry.dataset, past)})
        for entry in with_silent(tally.datasets, past).values()
    )
    return QualityReport(
        environment=environment,
        day=day.name,
        timezone=timezone,
        since=iso(day.since_ms),
        until=iso(day.until_ms),
        totals=tally.totals,
        datasets=entries,
        anomalies=tuple(ranked([one for entry in entries for one in anomalies(entry)])),
        missing_days=tuple(one.day for one in past if one.figures is None),
        unreadable=tuple(sorted(tally.unreadable)[:UNREADABLE_NAMED]),
        unreadable_jobs=len(tally.unreadable),
    )


class Tally:
    """Adds up the jobs of a day, by dataset and in all.

    Attributes:
        unreadable: ids of items that are no job this release can read.
    """

    def __init__(self, day: Day) -> None:
        self._day = day
        self._all = Account()
        self._accounts: dict[str, Account] = {}
        self._slowest: dict[str, list[tuple[int, str, NotableJob]]] = {}
        self._rejecters: dict[str, list[tuple[int, str, NotableJob]]] = {}
        self.unreadable: list[str] = []

    def add(self, item: Mapping[str, Any]) -> None:
        """Adds a job's item. One that did not end on the day is passed over, and so is a batch: its members are jobs of
        their own, and each record would count twice.
        """
        try:
            job = JobItem.of(item)
            if job.operation == BATCH or not job.final or not self._day.holds(job.finished_at or job.updated_at):
                return
            ended = Ended.of(job)
        except (AttributeError, InvalidRecord, KeyError, TypeError, ValueError):
            # One damaged record must not cost everybody the report; it is named there.
            self.unreadable.append(str(decode(item["job_id"])))
            return
        self._all.add(ended)
        self._accounts.setdefault(job.dataset, Account()).add(ended)
        self._note(ended)

    def _note(self, ended: Ended) -> None:
        job = ended.job
        notable = NotableJob(
            job_id=job.job_id,
            state=str(job.status),
            file=f"s3://{job.bucket}/{job.key}",
            took_ms=ended.took_ms,
            read=ended.counts["read"],
            rejected=ended.counts["rejected"],
        )
        if job.status in _RAN:
            _keep_largest(self._slowest.setdefault(job.dataset, []), ended.took_ms, notable)
        if notable.rejected:
            _keep_largest(self._rejecters.setdefault(job.dataset, []), notable.rejected, notable)

    @property
    def totals(self) -> Figures:
        return self._all.figures()

    @property
    def datasets(self) -> dict[str, DatasetQuality]:
        """Each dataset that had a job on the day, by name, without its trails."""
        return {
            name: DatasetQuality(
                dataset=name,
                figures=self._accounts[name].figures(),
                slowest=_ranked(self._slowest.get(name, [])),
                rejecters=_ranked(self._rejecters.get(name, [])),
            )
            for name in sorted(self._accounts)
        }


def timing(took_ms: "array[int]") -> Timing | None:
    """Nearest rank: the smallest duration that at least 50 or 95 of 100 jobs did not exceed."""
    if not took_ms:
        return None
    ranked = sorted(took_ms)
    return Timing(p50_ms=_rank(ranked, 50), p95_ms=_rank(ranked, 95), max_ms=ranked[-1])


def _rank(ranked: list[int], percent: int) -> int:
    return ranked[-(-len(ranked) * percent // 100) - 1]


def _keep_largest(heap: list[tuple[int, str, NotableJob]], size: int, job: NotableJob) -> None:
    """Keeps the few largest. Ids differ, so jobs themselves are never compared, and any order of arrival gives the
    same ones.
    """
    entry = (size, job.job_id, job)
    if len(heap) < NOTABLE_JOBS:
        heapq.heappush(heap, entry)
    else:
        heapq.heappushpop(heap, entry)


def _ranked(heap: list[tuple[int, str, NotableJob]]) -> tuple[NotableJob, ...]:
    return tuple(job for _, _, job in sorted(heap, reverse=True))


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items()))

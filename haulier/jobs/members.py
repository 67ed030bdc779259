"""The members of a batch: which job each is, what must be done for it, and what became of it.

A member's job follows from the batch, the key and the batch's run that made it, and from nothing else: so a second call
for the same group finds the jobs of the first, whatever happened to the objects or the datasets in between, and nobody
need write down what it is about to do. A job pins the object it found: one that is written again fails that job and
does not make another.

A later run of the batch starts again what failed or was cancelled, as the same job's next run. What was refused at
intake has no run to repeat: it becomes a new job, of that run.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from haulier.contracts.batch import BatchMember
from haulier.contracts.dataset import Dataset, QueueName
from haulier.contracts.ids import JobId, job_id
from haulier.contracts.keys import manifest_key
from haulier.contracts.states import JobState
from haulier.jobs.batch import MEMBERS_QUEUE
from haulier.jobs.calls import Steps
from haulier.jobs.identity import OPERATION
from haulier.jobs.items import JOB_SK, JobItem
from haulier.jobs.lookup import look_up
from haulier.jobs.ondemand import expected_seconds
from haulier.jobs.route import may_be_cut

SUMS = ("read", "written", "rejected", "filtered", "input_bytes", "output_bytes")
"""What a member's job counts and a batch adds up, of those that are published."""
WAITING = "WAITING"
"""Stands among the states for a member that has no job yet."""


class Due(StrEnum):
    """What must be done for a member."""

    ACCEPT = "accept"
    HAND_OVER = "hand_over"
    RETRY = "retry"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Member:
    """One object of a batch, and its newest job if it has one."""

    key: str
    job: JobItem | None

    def due(self, run: int) -> Due:
        """What the batch's run must do for it."""
        job = self.job
        if job is None:
            return Due.ACCEPT
        before = (job.batch_run or 1) < run
        match job.status:
            case JobState.ACCEPTED:
                return Due.HAND_OVER
            case JobState.REJECTED if before:
                return Due.ACCEPT
            case JobState.FAILED | JobState.CANCELLED if before:
                return Due.RETRY
        return Due.NOTHING

    def over(self, run: int) -> bool:
        """Whether it has its end in the batch's run."""
        return self.job is not None and self.job.final and self.due(run) is Due.NOTHING


def member_id(batch: str, bucket: str, key: str, run: int) -> JobId:
    """The job a run of the batch makes for an object."""
    source = {"batch": batch, "run": str(run), "bucket": bucket, "key": key}
    return job_id(source=source, operation=OPERATION, dataset="", cause="")


def member_queue(
    key: str, size: int, dataset: Dataset, *, asked: QueueName | None, ondemand_after_seconds: float
) -> QueueName | None:
    """The queue a member asks for: the batch's, or `bulk`, unless it is one of those that must not be interrupted. What
    its dataset or its key says is for files that come one by one.
    """
    long = not may_be_cut(key, dataset) and expected_seconds(size) > ondemand_after_seconds
    return asked or (None if long else MEMBERS_QUEUE)


def look(table: str, batch: str, bucket: str, keys: Sequence[str], run: int) -> Steps[list[Member]]:
    """Each key's newest job, in the order of the keys.

    Raises:
        lookup.Unread: the table is too busy to answer all of it.
    """
    runs = range(run, 0, -1)
    ids = {key: [member_id(batch, bucket, key, made_by) for made_by in runs] for key in keys}
    items = yield from look_up(table, (one for several in ids.values() for one in several), JOB_SK)
    jobs = {one: JobItem.of(item) for one, item in items.items()}
    return [Member(key, next((jobs[one] for one in ids[key] if one in jobs), None)) for key in keys]


def tally(members: Iterable[Member]) -> dict[str, int]:
    """How many are in which state, and the sums of those that are published."""
    found = Counter[str]()
    for member in members:
        job = member.job
        found[str(job.status) if job else WAITING] += 1
        if job is not None and job.status == JobState.SUCCEEDED:
            found.update({name: getattr(job, name) or 0 for name in SUMS})
    return dict(sorted(found.items()))


def states_of(counts: dict[str, int]) -> dict[str, int]:
    """Of a tally, the states alone."""
    return {name: count for name, count in counts.items() if name not in SUMS}


def result_of(member: Member) -> BatchMember:
    """What became of a member that is over.

    Raises:
        ValueError: it has no job.
    """
    job = member.job
    if job is None:
        raise ValueError(f"{member.key} has no job yet")
    published = job.status == JobState.SUCCEEDED
    return BatchMember(
        key=member.key,
        job_id=job.job_id,
        run=job.run,
        state=job.status,
        dataset=job.dataset,
        size=job.size,
        read=job.read,
        written=job.written,
        rejected=job.rejected,
        manifest=manifest_key(job.dataset, job.job_id, job.run) if published else None,
        error=job.error,
    )

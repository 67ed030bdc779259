"""What a batch does to its members, many at once: looks at them, has them accepted and handed over, or stops them.

Each member is done by itself: whoever is killed in between is called again for the same group, and finds what is there
(`haulier.jobs.members`).
"""

import contextlib
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from dispatcher import aws, log
from dispatcher.admit import refusal
from dispatcher.datasets import DatasetReader, Shelf
from dispatcher.drafts import draft_of_member
from dispatcher.settings import BatchSettings
from haulier.contracts.dataset import DEFAULT_DATASET, Dataset
from haulier.contracts.source import Source
from haulier.contracts.states import JobState
from haulier.jobs.accept import Draft, accept
from haulier.jobs.batch import BatchRun
from haulier.jobs.calls import ConditionFailed, drive
from haulier.jobs.enqueue import Targets, enqueue
from haulier.jobs.items import JobItem
from haulier.jobs.members import Due, Member, look, member_id
from haulier.jobs.times import iso
from haulier.jobs.verdicts import NotAllowed, retry
from haulier.jobs.writes import job_becomes

A = TypeVar("A")
B = TypeVar("B")
THREADS = 12
"""Members of one group are admitted side by side: nearly all of their time is waiting for answers."""


class NotAdmitted(Exception):
    """Some members could not be admitted now; the log says why. All others are, and the call is to be made again."""


@dataclass(frozen=True)
class Membership:
    """What it works with; attributes as in `dispatcher.intake.Intake`."""

    settings: BatchSettings
    perform: aws.Perform
    datasets: DatasetReader
    now_ms: Callable[[], int]
    threads: int = THREADS

    def look(self, batch: BatchRun, groups: Sequence[Sequence[str]]) -> list[list[Member]]:
        """The members of groups of keys, each with its newest job."""
        table, bucket, run = self.settings.table, batch.pin.bucket, batch.run
        return self._together(groups, lambda keys: drive(look(table, batch.job_id, bucket, keys, run), self.perform))

    def admit(self, batch: BatchRun, members: Sequence[Member], *, give_up: bool = False) -> dict[str, int]:
        """Does for each member what is due; returns how often each thing was done.

        Args:
            batch: the batch.
            members: as they were looked at.
            give_up: refuse those that cannot be admitted, so that the batch has an end. Who is throttled, or meets a
                service that fails, is not refused for it.

        Raises:
            NotAdmitted: some could not be.
        """
        due = [member for member in members if member.due(batch.run) is not Due.NOTHING]
        if not due:
            return {}
        shelf = drive(self.datasets.load(), self.perform)
        done = Counter(self._together(due, lambda member: self._guarded(batch, member, shelf, give_up=give_up)))
        if failed := done.pop("", 0):
            raise NotAdmitted(f"{failed} of {len(due)} members of {batch.job_id} could not be admitted")
        return dict(sorted(done.items()))

    def stop(self, members: Sequence[Member]) -> int:
        """Cancels the members that may be cancelled; returns how many there were."""
        jobs = [member.job for member in members if member.job is not None and member.job.workable]
        self._together(jobs, self._cancel)
        return len(jobs)

    def _guarded(self, batch: BatchRun, member: Member, shelf: Shelf, *, give_up: bool) -> str:
        """What was done for a member; empty if it failed, which keeps no other from being admitted."""
        due = member.due(batch.run)
        try:
            self._one(batch, member, shelf)
        except Exception as error:  # noqa: BLE001 - the edge of one member: see above
            log.error("member.failed", job_id=batch.job_id, run=batch.run, key=member.key, due=due)
            give_up = (give_up and not aws.may_pass(error)) or isinstance(error, aws.BadRequest)
            if not (give_up and due is Due.ACCEPT and self._refused(batch, member, error)):
                return ""
        return due

    def _one(self, batch: BatchRun, member: Member, shelf: Shelf) -> None:
        table, settings, now_ms, job = self.settings.table, self.settings, self.now_ms(), member.job
        match member.due(batch.run):
            case Due.ACCEPT:
                draft = drive(draft_of_member(batch, member.key, shelf, settings, now_ms), self.perform)
                job = drive(accept(table, draft, now_ms), self.perform).job
            case Due.RETRY if job is not None:
                dataset = shelf.named(job.dataset)
                again = dataset if isinstance(dataset, Dataset) else None
                try:
                    steps = retry(table, job.job_id, now_ms, dataset=again, batch_run=batch.run, seen_run=job.run)
                    job = drive(steps, self.perform)
                except NotAllowed:
                    return  # it is another by now: whoever looks next sees which
        self._hand_over(job)

    def _hand_over(self, job: JobItem | None) -> None:
        if job is not None and job.status == JobState.ACCEPTED:
            targets = Targets(self.settings.queue_urls, self.settings.state_machine_arn)
            drive(enqueue(self.settings.table, job, targets, self.now_ms()), self.perform)

    def _refused(self, batch: BatchRun, member: Member, problem: Exception) -> bool:
        """Whether that could be written."""
        unseen = Source(bucket=batch.pin.bucket, key=member.key, size=0, etag="")
        job_id = member_id(batch.job_id, unseen.bucket, unseen.key, batch.run)
        error = refusal("not_admitted", f"{unseen.uri} could not be looked at ({type(problem).__name__}: {problem})")
        name = batch.pin.dataset or DEFAULT_DATASET.name
        draft = Draft(job_id, unseen, name, error=error, batch=(batch.job_id, batch.run))
        try:
            drive(accept(self.settings.table, draft, self.now_ms()), self.perform)
        except Exception:  # noqa: BLE001 - as above: the next count comes here again
            log.error("member.not_refused", job_id=batch.job_id, run=batch.run, key=member.key)
            return False
        return True

    def _cancel(self, job: JobItem) -> None:
        """Names the run it saw: one that was started since is another's to stop. What is sealed or over stays."""
        now_ms = self.now_ms()
        sets = {"finished_at": iso(now_ms)}
        with contextlib.suppress(ConditionFailed):
            self.perform(job_becomes(self.settings.table, job.job_id, job.run, JobState.CANCELLED, now_ms, sets=sets))

    def _together(self, many: Sequence[A], do: Callable[[A], B]) -> list[B]:
        if len(many) < 2 or self.threads < 2:
            return [do(one) for one in many]
        with ThreadPoolExecutor(max_workers=min(self.threads, len(many))) as pool:
            return list(pool.map(do, many))

"""Handler of the batch machine: lists the members, admits a group of them, counts those that are over, and ends it.

Three kinds of call: `{"job_id", "run", "section", "round"}` asks what comes next, with `"keys"` a child of the
Distributed Map has its group admitted, with `"abandon"` the state machine gives up. Each may be cut short anywhere and
is then made again; the table says how far the batch is, and the janitor starts an execution where none is left.
"""

import contextlib
import functools
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dispatcher import aws, log
from dispatcher.datasets import DatasetReader
from dispatcher.membership import Membership, NotAdmitted
from dispatcher.settings import BatchSettings, read
from haulier.contracts.batch import BatchProgress, BatchSection
from haulier.contracts.events import JobError
from haulier.contracts.limits import COUNT_ROUNDS, MAX_SECTIONS, SECTION_MEMBERS
from haulier.contracts.reject import Stage
from haulier.contracts.states import JobState
from haulier.jobs.batch import BatchRun, add_section, get_batch, get_sections, is_complete, note_progress
from haulier.jobs.calls import Call, ConditionFailed, drive
from haulier.jobs.finish import abandon
from haulier.jobs.items import JOB_SK, JobItem
from haulier.jobs.listing import ListError, list_section
from haulier.jobs.members import Member
from haulier.jobs.tally import counted, end_batch, groups_of, listed, wait_seconds, write_results
from haulier.jobs.times import iso
from haulier.jobs.verdicts import fail
from haulier.jobs.writes import get_job, job_becomes, update

WINDOW_GROUPS = 20
"""Groups looked at side by side. What lies behind the first of them that is not over is counted later."""
GIVE_UP_ROUND = 20
"""From this count on, a quarter of an hour, a member that cannot be looked at is refused."""
_LEFT_MS = 60_000
"""Time that must be left to look at another window; what is not looked at is the next call's."""
_SOON_SECONDS = 1
Answer = dict[str, Any]


class Changed(Exception):
    """Somebody else moved the batch meanwhile: the next call sees where it is."""


@dataclass(frozen=True)
class _Turn:
    """One call that asks what comes next."""

    job: JobItem
    batch: BatchRun
    sections: tuple[BatchSection, ...]
    round: int
    left_ms: Callable[[], int]


@dataclass(frozen=True)
class Batcher:
    """What the function works with; attributes as in `dispatcher.intake.Intake`."""

    settings: BatchSettings
    perform: aws.Perform
    members: Membership
    now_ms: Callable[[], int]

    def answer(self, event: Mapping[str, Any], left_ms: Callable[[], int]) -> Answer:
        """What the state machine does next; an answer always has all of its fields.

        Args:
            event: see above.
            left_ms: how much time is left for this call, in milliseconds.

        Raises:
            LookupError: the table knows no such batch or run.
        """
        job_id, run = event["job_id"], int(event["run"])
        if "abandon" in event:
            return self._abandon(job_id, run, event["abandon"])
        if "keys" in event:
            return self._admit(job_id, run, int(event["group"]), event["keys"])
        section, round_ = int(event.get("section", 0)), int(event.get("round", 0))
        try:
            answer = self._next(job_id, run, section, round_, left_ms)
        except Changed:
            answer = _answer("wait", section=section, round_=round_ + 1, seconds=_SOON_SECONDS)
        if answer["verdict"] == "wait" and answer["round"] >= COUNT_ROUNDS:
            answer |= {"verdict": "over"}  # of this execution: the janitor starts the next
        log.info("batch.moved", job_id=job_id, run=run, **{name: answer[name] for name in ("verdict", "section")})
        return {"job_id": job_id, "run": run} | answer

    def _next(self, job_id: str, run: int, section: int, round_: int, left_ms: Callable[[], int]) -> Answer:
        table = self.settings.table
        job = drive(get_job(table, job_id), self.perform)
        batch = drive(get_batch(table, job_id, run), self.perform)
        if job is None or batch is None:
            raise LookupError(f"batch {job_id} run {run} is not in table {table}; its record may have expired")
        if job.run != run or (job.final and job.status != JobState.CANCELLED):
            return _answer("over", section=section, round_=round_)
        sections = drive(get_sections(table, job_id, batch.pin.listed_by), self.perform)
        turn = _Turn(self._running(job), batch, tuple(sections), round_, left_ms)
        if turn.job.status == JobState.CANCELLED:
            return self._stop(turn, section)
        if turn.job.status == JobState.SEALED:
            return self._end(turn, section)
        return self._list(turn, section)

    def _running(self, job: JobItem) -> JobItem:
        """The job as it is after QUEUED became RUNNING; by whomever it was moved."""
        if job.status not in (JobState.ACCEPTED, JobState.QUEUED):
            return job
        now_ms = self.now_ms()
        call = job_becomes(
            self.settings.table, job.job_id, job.run, JobState.RUNNING, now_ms, sets={"running_at": iso(now_ms)}
        )
        return self._moved(call)

    def _list(self, turn: _Turn, section: int) -> Answer:
        """Has the sections admitted one after another, listing those that are not there yet; then it is counted."""
        sections = list(turn.sections)
        try:
            while section < len(sections) or not is_complete(sections):
                if section >= len(sections) or _is_unread(turn.batch, sections):
                    sections = self._further(turn, sections)
                    if _is_unread(turn.batch, sections):
                        return _answer("wait", section=section, round_=turn.round + 1, seconds=_SOON_SECONDS)
                if sections[section].groups:
                    plan = {"bucket": self.settings.output_bucket, "key": sections[section].key}
                    return _answer("admit", plan=plan, section=section + 1, round_=turn.round)
                section += 1
        except ListError as error:
            return self._fail(turn.job, error.code, str(error), section)
        if groups_of(sections) == 0:
            passed = sum(one.folders + one.excluded for one in sections)
            told = f"the batch has no members: {passed} objects are no input (folders' placeholders, excluded suffixes)"
            return self._fail(turn.job, "nothing_to_do", told, section)
        return self._count(replace(turn, sections=tuple(sections)), section)

    def _further(self, turn: _Turn, sections: Sequence[BatchSection]) -> list[BatchSection]:
        """The sections with the next one; of an object that lists keys, with as many as there is time for."""
        batch, found = turn.batch, list(sections)
        while not is_complete(found):
            if len(found) >= MAX_SECTIONS:
                told = f"more than {MAX_SECTIONS} sections of {SECTION_MEMBERS} keys: ask for several prefixes or lists"
                raise ListError("too_many", told)
            found.append(self._listed(batch, found))
            if batch.pin.keys_object is None or turn.left_ms() < _LEFT_MS:
                break
        return found

    def _listed(self, batch: BatchRun, before: Sequence[BatchSection]) -> BatchSection:
        start = before[-1].following if before else None
        found = drive(list_section(batch.pin, start, self.settings.excluded_suffixes), self.perform)
        table, bucket = self.settings.table, self.settings.output_bucket
        section = drive(add_section(table, bucket, batch, before, found, self.now_ms()), self.perform)
        log.info("section.listed", job_id=batch.job_id, run=batch.run, members=section.members, groups=section.groups)
        return section

    def _admit(self, job_id: str, run: int, group: int, keys: Sequence[str]) -> Answer:
        """One group; what is there already is left as it is."""
        table = self.settings.table
        job = drive(get_job(table, job_id), self.perform)
        batch = drive(get_batch(table, job_id, run), self.perform)
        done: dict[str, int] = {}
        if job is not None and batch is not None and job.run == run:
            if job.workable:
                (members,) = self.members.look(batch, [keys])
                done = self.members.admit(batch, members)
                job = drive(get_job(table, job_id), self.perform)
            if job is not None and job.run == run and job.status == JobState.CANCELLED:
                # Cancelled meanwhile, and perhaps past this group already: what was admitted stops here; also what a
                # call admitted that was killed before it came here, or could not admit all of it.
                self.members.stop(self.members.look(batch, [keys])[0])
        log.info("group.admitted", job_id=job_id, run=run, group=group, members=len(keys), **done)
        return {"group": group}

    def _count(self, turn: _Turn, section: int) -> Answer:
        """Counts as far as groups are over, and ends the batch when all are."""
        job, total = turn.job, groups_of(turn.sections)
        while True:
            progress = listed(job.progress or BatchProgress(), turn.sections)
            window = range(progress.counted, min(progress.counted + WINDOW_GROUPS, total))
            groups = self.members.look(turn.batch, self._keys(turn.sections, window))
            for members in groups:
                # Whose child died, or could not be admitted then; what cannot be now is tried again at the next count.
                with contextlib.suppress(NotAdmitted):
                    self.members.admit(turn.batch, members, give_up=turn.round >= GIVE_UP_ROUND)
            over = _first_over(groups, turn.batch.run)
            for group, members in zip(window, groups[:over], strict=False):
                self.perform(write_results(self.settings.output_bucket, turn.batch, group, members))
            ahead = [member for members in groups[over:] for member in members]
            job = self._note(job, counted(progress, groups[:over], ahead))
            if (job.progress or progress).counted == total:
                return self._end(replace(turn, job=job), section)
            if over < len(groups) or turn.left_ms() < _LEFT_MS:
                seconds = wait_seconds(turn.round) if over < len(groups) else _SOON_SECONDS
                return _answer("wait", section=section, round_=turn.round + 1, seconds=seconds)

    def _stop(self, turn: _Turn, section: int) -> Answer:
        """Cancels what is open of a cancelled batch's members, and notes when all of it is."""
        job, total = turn.job, groups_of(turn.sections)
        while job.stopped_at is None:
            progress = job.progress or BatchProgress()
            window = range(progress.stopped, min(progress.stopped + WINDOW_GROUPS, total))
            if not window:
                self._note_stopped(job)
                break
            for members in self.members.look(turn.batch, self._keys(turn.sections, window)):
                self.members.stop(members)
            job = self._note(job, progress.model_copy(update={"stopped": window.stop}))
            if turn.left_ms() < _LEFT_MS:
                return _answer("wait", section=section, round_=turn.round + 1, seconds=_SOON_SECONDS)
        return _answer("over", section=section, round_=turn.round)

    def _end(self, turn: _Turn, section: int) -> Answer:
        settings, job = self.settings, turn.job
        steps = end_batch(settings.table, settings.output_bucket, job, turn.batch, self.now_ms())
        state = drive(steps, self.perform)
        log.info("batch.ended", job_id=job.job_id, run=job.run, state=state)
        return _answer("over", section=section, round_=turn.round)

    def _keys(self, sections: Sequence[BatchSection], window: range) -> list[list[str]]:
        """The keys of the groups of that range."""
        found: list[list[str]] = []
        for section in sections:
            if section.first < window.stop and section.first + section.groups > window.start:
                where = {"Bucket": self.settings.output_bucket, "Key": section.key}
                groups = json.loads(self.perform(Call("s3", "get_object", where))["Body"])
                found += [group["keys"] for group in groups if group["group"] in window]
        return found

    def _note(self, job: JobItem, progress: BatchProgress) -> JobItem:
        if progress == job.progress:
            return job
        return self._moved(note_progress(self.settings.table, job, progress, self.now_ms()))

    def _note_stopped(self, job: JobItem) -> None:
        condition, names = "#run = :run AND #status = :state", {"#run": "run", "#status": "status"}
        with contextlib.suppress(ConditionFailed):
            self.perform(
                update(
                    self.settings.table,
                    job.job_id,
                    JOB_SK,
                    sets={"stopped_at": iso(self.now_ms())},
                    condition=condition,
                    names=names,
                    values={":run": job.run, ":state": str(job.status)},
                )
            )

    def _moved(self, call: Call) -> JobItem:
        """The job after a change of it.

        Raises:
            Changed: it is not where it was read.
        """
        try:
            answer = self.perform(Call(call.service, call.operation, {**call.params, "ReturnValues": "ALL_NEW"}))
        except ConditionFailed:
            raise Changed from None
        return JobItem.of(answer["Attributes"])

    def _fail(self, job: JobItem, code: str, message: str, section: int) -> Answer:
        error = JobError(stage=Stage.PLAN, code=code, message=message)
        drive(fail(self.settings.table, self.settings.output_bucket, job, error, self.now_ms()), self.perform)
        log.warning("batch.failed", job_id=job.job_id, run=job.run, error=error.model_dump())
        return _answer("over", section=section, round_=0)

    def _abandon(self, job_id: str, run: int, cause: Any) -> Answer:
        if isinstance(cause, Mapping):
            cause = f"{cause.get('Error', 'unknown')}: {cause.get('Cause', '')}"
        table, bucket = self.settings.table, self.settings.output_bucket
        state = drive(abandon(table, bucket, job_id, run, cause, self.now_ms()), self.perform)
        log.warning("batch.abandoned", job_id=job_id, run=run, cause=str(cause)[:1000], state=state)
        return {"job_id": job_id, "run": run} | _answer("over", section=0, round_=0)


def _answer(
    verdict: str, *, section: int, round_: int, plan: Mapping[str, str] | None = None, seconds: int = _SOON_SECONDS
) -> Answer:
    """`admit` the plan, `wait` some seconds, or it is `over`."""
    return {
        "verdict": verdict,
        "plan": dict(plan or {"bucket": "", "key": ""}),
        "section": section,
        "round": round_,
        "wait": seconds,
    }


def _is_unread(batch: BatchRun, sections: Sequence[BatchSection]) -> bool:
    """Whether an object that lists keys is not read to its end. None of its members is admitted before, however many
    calls that takes: a line at its end that is no key fails the batch before anything of it is done.
    """
    return batch.pin.keys_object is not None and not is_complete(sections)


def _first_over(groups: Sequence[Sequence[Member]], run: int) -> int:
    """How many groups from the first on have only members that are over."""
    open_ = (at for at, members in enumerate(groups) if not all(member.over(run) for member in members))
    return next(open_, len(groups))


@functools.cache
def _batcher() -> Batcher:
    settings = read(BatchSettings, os.environ)
    perform = aws.connect(settings.bucket_owner).perform
    members = Membership(settings, perform, DatasetReader(settings.input_bucket), aws.now_ms)
    return Batcher(settings, perform, members, aws.now_ms)


def handler(event: Mapping[str, Any], context: Any) -> Answer:
    """Entry point: see `Batcher.answer`."""
    return _batcher().answer(event, context.get_remaining_time_in_millis)

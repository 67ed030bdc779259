"""Handler of the minute's schedule: guarantees that every job reaches a final state, whatever was lost on its way.

What is to be done is decided by `haulier.jobs.mend`; here it is looked up and performed. Nothing is done that would
harm if somebody else did it at the same time, so calls may overlap and may be cut short anywhere.
"""

import functools
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dispatcher import aws, log, metrics
from dispatcher.cleaning import clean, tell_again
from dispatcher.settings import JanitorSettings, read
from dispatcher.watchlist import watchlist
from haulier.contracts.errors import InvalidRecord, NewerRecord
from haulier.contracts.events import JobError
from haulier.contracts.messages import ChunkMessage
from haulier.contracts.metrics import JOBS_NOT_MENDED, JOBS_STALLED, JOBS_WATCHED
from haulier.contracts.reject import Stage
from haulier.contracts.states import JobState
from haulier.jobs.batch import get_batch, is_stopped
from haulier.jobs.calls import Call, NotFound, Steps, drive
from haulier.jobs.enqueue import Targets, enqueue, enqueue_chunk, restart_execution
from haulier.jobs.finish import NotYet, finish
from haulier.jobs.items import ChunkItem, JobItem
from haulier.jobs.mend import Announce, Clean, Enqueue, Execution, Finish, Mending, Restart, SendAgain, mend
from haulier.jobs.stalled import stalled
from haulier.jobs.tally import end_batch
from haulier.jobs.verdicts import fail
from haulier.jobs.writes import get_chunks, get_job

_LEFT_MS = 30_000
"""Time that must be left to begin another job; what is not begun is the next call's."""
_RUNNING = ("RUNNING", "PENDING_REDRIVE")
_STALLED = "stalled"


class NotMended(Exception):
    """Some jobs could not be mended; the log says why. Raised after all others were, so that an alarm sees it."""


@dataclass(frozen=True)
class Janitor:
    """What the janitor works with; attributes as in `dispatcher.intake.Intake`."""

    settings: JanitorSettings
    perform: aws.Perform
    now_ms: Callable[[], int]

    @property
    def _targets(self) -> Targets:
        settings = self.settings
        return Targets(settings.queue_urls, settings.state_machine_arn, settings.batch_machine_arn)

    def round(self, left_ms: Callable[[], int]) -> dict[str, int]:
        """Looks at every job of the watch list once; returns how often each thing was done, or found.

        Args:
            left_ms: how much time is left for this call, in milliseconds.

        Raises:
            NotMended: an error kept some jobs from being mended.
        """
        settings, done = self.settings, Counter[str]()
        watched = drive(
            watchlist(settings.table, settings.status_index, self.now_ms(), settings.requeue_after_seconds),
            self.perform,
        )
        failed: list[str] = []
        for at, job_id in enumerate(watched):
            if left_ms() < _LEFT_MS:
                log.warning("round.cut", left=len(watched) - at)
                break
            try:
                done.update(drive(self._one(job_id), self.perform))
            except Exception:  # noqa: BLE001 - the edge of one job: the others must not wait for it
                failed.append(job_id)
                log.error("job.not_mended", job_id=job_id)
        counts = {"watched": len(watched), **dict(sorted(done.items())), "failed": len(failed)}
        log.info("round.done", **counts)
        metrics.measure(
            "round.measured",
            {JOBS_WATCHED: len(watched), JOBS_STALLED: done[_STALLED], JOBS_NOT_MENDED: len(failed)},
            {"Environment": settings.environment},
            now_ms=self.now_ms(),
        )
        if failed:
            raise NotMended(f"{len(failed)} of {len(watched)} jobs could not be mended: {', '.join(failed[:10])}")
        return counts

    def _one(self, job_id: str) -> Steps[list[str]]:
        """Names of what was done for a job, `enqueue` for instance, and `stalled` if it is."""
        job = yield from get_job(self.settings.table, job_id)
        if job is None:
            return []
        try:
            return (yield from self._mended(job))
        except NewerRecord:
            raise
        except InvalidRecord as error:
            if not job.workable:
                raise
            return (yield from self._failed(job, error))

    def _failed(self, job: JobItem, error: InvalidRecord) -> Steps[list[str]]:
        """What nobody can read no worker will ever finish: the job fails, as it does when a worker finds it so."""
        told = JobError(stage=Stage.COORDINATE, code=error.code, message=str(error))
        state = yield from fail(self.settings.table, self.settings.output_bucket, job, told, self.now_ms())
        log.warning("job.failed", job_id=job.job_id, run=job.run, status=state, code=told.code, reason=told.message)
        return ["fail"]

    def _mended(self, job: JobItem) -> Steps[list[str]]:
        job_id = job.job_id
        chunks: Sequence[ChunkItem] = ()
        if not job.final and job.status not in (JobState.SEALED, JobState.ACCEPTED):
            chunks = yield from get_chunks(self.settings.table, job_id, job.run)
        mendings = mend(
            job,
            chunks,
            execution=(yield from self._execution(job)),
            now_ms=self.now_ms(),
            requeue_after_seconds=self.settings.requeue_after_seconds,
        )
        for mending in mendings:
            yield from self._do(job, mending)
        names = [type(mending).__name__.lower() for mending in mendings]
        if names:
            log.info("job.mended", job_id=job_id, run=job.run, status=job.status, done=names[:20])
        after = self.settings.stalled_after_seconds
        if stalled(job, chunks, now_ms=self.now_ms(), after_seconds=after):
            log.warning("job.stalled", job_id=job_id, run=job.run, status=job.status, since=job.updated_at)
            names.append(_STALLED)
        return names

    def _execution(self, job: JobItem) -> Steps[Execution | None]:
        if not job.chunked or job.status in (JobState.SEALED, JobState.ACCEPTED):
            return None
        if job.final and is_stopped(job):
            return None
        arn = self._targets.execution_arn(job)
        try:
            answer = yield Call("stepfunctions", "describe_execution", {"executionArn": arn})
        except NotFound:
            return Execution.GONE
        return Execution.RUNNING if answer["status"] in _RUNNING else Execution.GONE

    def _do(self, job: JobItem, mending: Mending) -> Steps[None]:
        table, now_ms = self.settings.table, self.now_ms()
        match mending:
            case Enqueue():
                yield from enqueue(table, job, self._targets, now_ms)
            case SendAgain():
                message = ChunkMessage(job_id=job.job_id, run=job.run, chunk=mending.chunk, round=mending.round)
                yield from enqueue_chunk(
                    table, job, self._targets, message, mending.enqueues, now_ms, queue=mending.queue
                )
            case Restart():
                yield from restart_execution(table, job, self._targets, now_ms)
            case Finish() if job.is_batch:
                yield from self._end_batch(job)
            case Finish():
                result = yield from finish(table, self.settings.output_bucket, job.job_id, job.run, now_ms)
                if isinstance(result, NotYet) and job.chunked:
                    # Only an execution can order what is missing.
                    yield from restart_execution(table, job, self._targets, now_ms)
            case Announce():
                yield from tell_again(table, job, now_ms)
            case Clean():
                yield from clean(table, self.settings.output_bucket, job, now_ms)

    def _end_batch(self, job: JobItem) -> Steps[None]:
        batch = yield from get_batch(self.settings.table, job.job_id, job.run)
        if batch is not None:
            yield from end_batch(self.settings.table, self.settings.output_bucket, job, batch, self.now_ms())


@functools.cache
def _janitor() -> Janitor:
    settings = read(JanitorSettings, os.environ)
    return Janitor(settings, aws.connect(settings.bucket_owner).perform, aws.now_ms)


def handler(event: Mapping[str, Any], context: Any) -> dict[str, int]:  # noqa: ARG001 - Lambda passes both
    """Entry point of the schedule: how many jobs were looked at, and how often each thing was done."""
    return _janitor().round(context.get_remaining_time_in_millis)

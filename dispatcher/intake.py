"""Handler of the intake queue: events become jobs, each exactly once, and each job is handed over at least once.

A crash between any two calls is repaired by the event's next delivery: it finds the job there, and hands it over if it
is still ACCEPTED. Where no delivery follows, the janitor does. A record that fails comes back alone; one that can never
be read goes to the dead letters at once, with its reason.
"""

import functools
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from dispatcher import aws, log
from dispatcher.datasets import DatasetReader, Shelf
from dispatcher.drafts import draft_of_batch, draft_of_event, draft_of_request, why_ignored
from dispatcher.envelopes import Arrival, StorageEvent, open_envelope
from dispatcher.settings import IntakeSettings, RequestSettings, read
from haulier.contracts.errors import InvalidEvent
from haulier.contracts.events import JobError, JobRequested
from haulier.contracts.reject import Stage
from haulier.contracts.states import JobState
from haulier.jobs.accept import Draft, Superseded, accept
from haulier.jobs.calls import drive
from haulier.jobs.enqueue import Targets, enqueue
from haulier.jobs.items import JobItem
from haulier.jobs.letters import letter
from haulier.jobs.writes import get_job

THREADS = 10
"""Records of one batch are taken in side by side: nearly all of their time is waiting for answers."""


@dataclass(frozen=True)
class Intake:
    """What intake works with.

    Attributes:
        settings: of the function.
        perform: makes one call.
        datasets: the reader that remembers them.
        now_ms: the clock, milliseconds since the epoch.
        threads: how many records are taken in at once.
        dlq_url: where an event goes that can never be read; if empty SQS's own redrive brings it there.
    """

    settings: RequestSettings
    perform: aws.Perform
    datasets: DatasetReader
    now_ms: Callable[[], int]
    threads: int = THREADS
    dlq_url: str = ""

    def batch(self, records: list[Mapping[str, Any]]) -> dict[str, Any]:
        """Takes in a batch of SQS records; the answer names those that must be delivered again."""
        shelf = drive(self.datasets.load(), self.perform)
        if len(records) > 1 and self.threads > 1:
            with ThreadPoolExecutor(max_workers=self.threads) as pool:
                kept = list(pool.map(lambda record: self._record(record, shelf), records))
        else:
            kept = [self._record(record, shelf) for record in records]
        failed = [record["messageId"] for record, good in zip(records, kept, strict=True) if not good]
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    def _record(self, record: Mapping[str, Any], shelf: Shelf) -> bool:
        """Whether the record is done with. One arrival that fails does not keep the others from being taken in."""
        message_id, body = record["messageId"], record["body"]
        opened = open_envelope(body)
        problems = list(opened.problems)
        failures = 0
        for arrival in opened.arrivals:
            try:
                self._take(arrival, shelf)
            except InvalidEvent as problem:
                problems.append(problem)
            except Exception:  # noqa: BLE001 - the edge of one record: it comes back, the batch's others do not
                failures += 1
                log.error("event.failed", message_id=message_id, arrival=str(arrival)[:1000])
        if failures or not problems:
            return not failures
        return self._dead_letter(message_id, body, problems)

    def _take(self, arrival: Arrival, shelf: Shelf) -> None:
        if isinstance(arrival, StorageEvent):
            why = why_ignored(arrival, self.settings)
            if why is not None:
                log.info("event.ignored", bucket=arrival.bucket, key=arrival.key, why=why)
                return
            self.accept(drive(draft_of_event(arrival, shelf, self.settings, self.now_ms()), self.perform))
        else:
            self._request(arrival, shelf)

    def request(self, arrival: JobRequested) -> JobItem:
        """Takes in one request: accepts what it asks for and hands it over.

        Returns:
            the job as it was written or found; what `hand_over` changes afterwards is not in it.

        Raises:
            InvalidEvent: it asks to enqueue a job that is not there.
        """
        return self._request(arrival, drive(self.datasets.load(), self.perform))

    def hand_over(self, job_id: str) -> None:
        """Enqueues a job that is ACCEPTED, a retried one for instance; any other is left alone.

        Raises:
            InvalidEvent: there is no such job.
        """
        self.enqueue(self._known(job_id))

    def draft(self, arrival: JobRequested) -> Draft:
        """The job a request for an object or a batch would be. Nothing is written yet: `accept` does that."""
        return self._draft(arrival, drive(self.datasets.load(), self.perform))

    def _draft(self, request: JobRequested, shelf: Shelf) -> Draft:
        draft = draft_of_batch if request.is_batch else draft_of_request
        return drive(draft(request, shelf, self.settings, self.now_ms()), self.perform)

    def _request(self, request: JobRequested, shelf: Shelf) -> JobItem:
        if request.job_id is not None:
            job = self._known(request.job_id)
            self.enqueue(job)
            return job
        return self.accept(self._draft(request, shelf))

    def accept(self, draft: Draft) -> JobItem:
        """Writes the job of a draft, or finds it there, and hands it over."""
        job = self.write(draft)
        self.enqueue(job)
        return job

    def write(self, draft: Draft) -> JobItem:
        """Writes the job of a draft, or finds it there. Who dies before `enqueue` leaves that to the janitor."""
        result = drive(accept(self.settings.table, draft, self.now_ms()), self.perform)
        job = result.job
        told = {"job_id": job.job_id, "run": job.run, "bucket": job.bucket, "key": job.key, "dataset": job.dataset}
        if isinstance(result, Superseded) or job.status == JobState.REJECTED:
            log.warning("job.rejected", **told, reason=job.error.model_dump() if job.error else None)
        else:
            log.info(f"job.{type(result).__name__.lower()}", **told, size=job.size, status=job.status)
        return job

    def _known(self, job_id: str) -> JobItem:
        job = drive(get_job(self.settings.table, job_id), self.perform)
        if job is None:
            raise InvalidEvent(f"there is no job {job_id} to enqueue; its record may have expired")
        return job

    def enqueue(self, job: JobItem) -> None:
        """Enqueues a job that is ACCEPTED, whoever accepted it; any other was handed over before."""
        if job.status != JobState.ACCEPTED:
            return
        settings = self.settings
        targets = Targets(settings.queue_urls, settings.state_machine_arn, settings.batch_machine_arn)
        drive(enqueue(self.settings.table, job, targets, self.now_ms()), self.perform)
        log.info("job.enqueued", job_id=job.job_id, run=job.run, queue=job.queue, chunked=job.chunked)

    def _dead_letter(self, message_id: str, body: str, problems: list[InvalidEvent]) -> bool:
        """Puts the body among the dead letters with what is wrong with it; without a queue for that, SQS brings it
        there after its last delivery. A letter may be there twice, never not at all: it is sent before the record is
        consumed.
        """
        reason = "; ".join(map(str, problems))
        log.warning("event.refused", message_id=message_id, reason=reason)
        if not self.dlq_url:
            return False
        error = JobError(stage=Stage.INTAKE, code=InvalidEvent.code, message=reason)
        try:
            self.perform(letter(self.dlq_url, body, error))
        except Exception:  # noqa: BLE001 - the edge of one record: it comes back, the batch's others do not
            log.error("letter.failed", message_id=message_id)
            return False
        return True


@functools.cache
def _intake() -> Intake:
    settings = read(IntakeSettings, os.environ)
    perform = aws.connect(settings.bucket_owner).perform
    reader = DatasetReader(settings.input_bucket)
    return Intake(settings, perform, reader, aws.now_ms, dlq_url=settings.intake_dlq_url)


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes both
    """Entry point: a batch of the intake queue → `batchItemFailures`."""
    return _intake().batch(event["Records"])

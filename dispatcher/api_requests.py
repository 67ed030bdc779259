"""What the API changes: a job is asked for, retried, cancelled. Each first write is one that whoever comes next finds.

| request | killed after | repaired by |
|---|---|---|
| submit with a key | the key is kept (`jobs.idempotency`) | the same request: it finds the key and writes its job |
| submit | the job is ACCEPTED | the same request, or the janitor: both hand it over |
| retry | the next run is ACCEPTED | the janitor hands it over; asked again it is 409, since the run is open |
| cancel | the job is CANCELLED | nothing is left to do; asked again it answers the same |
"""

from dataclasses import dataclass

from pydantic import ValidationError

from dispatcher import log
from dispatcher.api_answers import Declined, invalid, wrong
from dispatcher.aws import BadRequest
from dispatcher.datasets import Broken
from dispatcher.intake import Intake
from haulier.contracts.api import SubmitJob
from haulier.contracts.errors import InvalidEvent
from haulier.contracts.events import JobRequested
from haulier.jobs import idempotency, verdicts
from haulier.jobs.calls import drive
from haulier.jobs.idempotency import KeyItem, KeyTaken
from haulier.jobs.items import JobItem
from haulier.jobs.writes import get_job


@dataclass(frozen=True)
class Requests:
    """Args: `intake`: takes jobs in as it does those of events."""

    intake: Intake

    def submit(self, body: SubmitJob, *, caller: str, key: str | None, request_id: str) -> JobItem:
        """The job a request asks for, new or found.

        Args:
            body: what is asked for.
            caller: whose key it is (`idempotency.caller_of`).
            key: the `Idempotency-Key`, if there is one.
            request_id: of API Gateway's own making, so that nobody can choose it. Names a batch that came without a
                key: the same list another time is another batch. One object without a key is the same job as long as
                it is the same version, as it is for events.

        Raises:
            Declined: the body makes no request, or the key came with another body.
        """
        if key is not None:
            cause = idempotency.cause_of(caller, key)
        else:
            cause = "" if body.key is not None else f"request:{request_id}"
        arrival = self._arrival(body, cause)
        try:
            job = self._taken_in(arrival) if key is None else self._once(arrival, caller, key)
        except KeyTaken as taken:
            raise Declined(409, "idempotency_key_reused", str(taken)) from None
        except InvalidEvent as error:
            raise Declined(400, error.code, str(error)) from None
        except BadRequest as refused:
            field = "version_id" if body.version_id else "key" if body.key else "keys_object"
            raise wrong(field, str(refused)) from None
        self._hand_over(job)
        return job

    def retry(self, job_id: str) -> JobItem:
        """Starts the job's next run, by its dataset as it is now, or as it was if it is gone."""
        job = self._job(job_id)
        owner = drive(self.intake.datasets.load(), self.intake.perform).by_name.get(job.dataset)
        if isinstance(owner, Broken):
            raise Declined(409, owner.problem.code, f"{owner.problem}; correct it first", job_id=job_id)
        try:
            steps = verdicts.retry(self._table, job_id, self.intake.now_ms(), dataset=owner)
            accepted = drive(steps, self.intake.perform)
        except verdicts.NotAllowed as error:
            raise Declined(409, "not_allowed", str(error), job_id=job_id) from None
        self._hand_over(accepted)
        return accepted

    def cancel(self, job_id: str) -> JobItem:
        """Cancels a job that is not sealed; its workers learn it from their next heartbeat."""
        self._job(job_id)
        try:
            drive(verdicts.cancel(self._table, job_id, self.intake.now_ms()), self.intake.perform)
        except verdicts.NotAllowed as error:
            raise Declined(409, "not_allowed", str(error), job_id=job_id) from None
        return self._job(job_id)

    @property
    def _table(self) -> str:
        return self.intake.settings.table

    def _job(self, job_id: str) -> JobItem:
        return found(drive(get_job(self._table, job_id), self.intake.perform), job_id)

    def _arrival(self, body: SubmitJob, cause: str) -> JobRequested:
        try:
            return JobRequested(
                bucket=body.bucket or self.intake.settings.input_bucket,
                key=body.key,
                keys=body.keys,
                keys_object=body.keys_object,
                prefix=body.prefix,
                version_id=body.version_id,
                dataset=body.dataset,
                queue=body.queue,
                cause=cause,
            )
        except ValidationError as error:
            raise invalid(error) from None

    def _once(self, arrival: JobRequested, caller: str, key: str) -> JobItem:
        perform = self.intake.perform
        key_id = idempotency.key_id(caller, key)
        body = idempotency.body_hash(arrival.to_json())
        kept = drive(idempotency.find_key(self._table, key_id, body), perform)
        if kept is None:
            draft = self.intake.draft(arrival)
            wanted = KeyItem(body, draft.job_id, draft.source.version_id if arrival.key else None)
            kept = drive(idempotency.keep_key(self._table, key_id, wanted, self.intake.now_ms()), perform)
            if kept == wanted:
                return self.intake.write(draft)
        there = drive(get_job(self._table, kept.for_job), perform)
        if there is None:
            # Whoever kept the key died before it wrote the job, or is about to write it: both may.
            return self._taken_in(arrival.model_copy(update={"version_id": kept.version_id}))
        return there

    def _taken_in(self, arrival: JobRequested) -> JobItem:
        return self.intake.write(self.intake.draft(arrival))

    def _hand_over(self, job: JobItem) -> None:
        """If it fails, the caller is told all the same that the job is accepted, which it is: sent again, a request
        without a key might be another job.
        """
        try:
            self.intake.enqueue(job)
        except Exception:  # noqa: BLE001 - the janitor hands it over
            log.error("job.not_enqueued", job_id=job.job_id, run=job.run)


def found(job: JobItem | None, job_id: str) -> JobItem:
    """The job, if there is one.

    Raises:
        Declined: there is not.
    """
    if job is None:
        raise Declined(404, "not_found", f"there is no job {job_id}; records expire after 120 days", job_id=job_id)
    return job

"""Handler of the table's stream: tells the world what became of a job. At-least-once, with the same event id each time.

| what | when |
|---|---|
| `Job State Changed` on the bus | every transition |
| topic `completed` | SUCCEEDED |
| topic `failed` | FAILED, REJECTED, CANCELLED: every other end |
| | subscribers of both choose by message attributes: state, dataset, file_type, environment |
| results FIFO queue | every end; the dataset is its group, the event id its deduplication id |

After an end is told, `announced` is written to the job. That write comes through the stream, too, and is no transition,
so nothing follows from it. Steps on the way are not noted: nobody could do anything about one that was not told.
"""

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dispatcher import aws, log, metrics
from dispatcher.settings import NotifySettings, read
from haulier.contracts.events import EVENT_SOURCE, JOB_CHANGED, JobChanged
from haulier.contracts.states import FINAL, JobState
from haulier.jobs.announce import announcement
from haulier.jobs.calls import ConditionFailed
from haulier.jobs.items import JOB_SK, JobItem
from haulier.jobs.times import parse_iso
from haulier.jobs.writes import update


class NotPublished(Exception):
    """The bus took the request and refused the event; the text says why."""


@dataclass(frozen=True)
class Notifier:
    """What notify works with.

    Attributes:
        settings: of the function.
        ask: makes one request of any service.
    """

    settings: NotifySettings
    ask: aws.Ask

    def batch(self, records: list[Mapping[str, Any]]) -> dict[str, Any]:
        """Tells a batch of stream records; the answer names the first that failed.

        Lambda delivers again from there on (Developer Guide, "Reporting batch item failures" of streams), so whatever
        follows it is left alone: told now, it would be told twice and out of order.
        """
        for record in records:
            sequence_number = record["dynamodb"]["SequenceNumber"]
            try:
                self._record(record)
            except Exception:  # noqa: BLE001 - the edge of one record: those before it are told and need no repeat
                log.error("record.failed", sequence_number=sequence_number, keys=record["dynamodb"].get("Keys"))
                return {"batchItemFailures": [{"itemIdentifier": sequence_number}]}
        return {"batchItemFailures": []}

    def _record(self, record: Mapping[str, Any]) -> None:
        change = record["dynamodb"]
        if record.get("eventName") == "REMOVE" or change.get("Keys", {}).get("sk", {}).get("S") != JOB_SK:
            return
        old = JobItem.of(change["OldImage"]) if change.get("OldImage") else None
        new = JobItem.of(change["NewImage"])
        told = announcement(old, new, self.settings.output_bucket)
        if told is None:
            return
        self._tell_bus(told)
        if told.state in FINAL:
            self._tell_results(told)
            self._tell_topic(told)
            self._note(told)
            self._measure(new)
        log.info("job.announced", job_id=told.job_id, run=told.run, state=told.state)

    def _tell_bus(self, told: JobChanged) -> None:
        entry = {
            "EventBusName": self.settings.bus_name,
            "Source": EVENT_SOURCE,
            "DetailType": JOB_CHANGED,
            "Detail": told.to_json(),
        }
        answer = self.ask("events", "put_events", {"Entries": [entry]})
        if answer.get("FailedEntryCount"):
            refused = answer["Entries"][0]
            raise NotPublished(f"{told.event_id}: {refused.get('ErrorCode')}: {refused.get('ErrorMessage')}")

    def _tell_results(self, told: JobChanged) -> None:
        params = {
            "QueueUrl": self.settings.results_queue_url,
            "MessageBody": told.to_json(),
            "MessageGroupId": told.dataset,
            "MessageDeduplicationId": told.event_id,
        }
        self.ask("sqs", "send_message", params)

    def _tell_topic(self, told: JobChanged) -> None:
        succeeded = told.state == JobState.SUCCEEDED
        attributes = {
            "state": str(told.state),
            "dataset": told.dataset,
            "file_type": told.file_type,
            "environment": self.settings.environment,
        }
        params = {
            "TopicArn": self.settings.completed_topic_arn if succeeded else self.settings.failed_topic_arn,
            "Subject": f"Haulier job {told.job_id}: {told.state}",
            "Message": told.to_json(),
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items() if value
            },
        }
        self.ask("sns", "publish", params)

    def _note(self, told: JobChanged) -> None:
        call = update(
            self.settings.table,
            told.job_id,
            JOB_SK,
            sets={"announced": told.event_id},
            condition="#run = :run AND #status = :state",
            names={"#run": "run", "#status": "status"},
            values={":run": told.run, ":state": str(told.state)},
        )
        try:
            self.ask(call.service, call.operation, call.params)
        except ConditionFailed:
            return  # the job was started again since, or its record expired

    def _measure(self, job: JobItem) -> None:
        """Last of all: an end that is told twice is seldom counted twice. A batch is counted by its members."""
        if job.is_batch:
            return
        dimensions = {"Environment": self.settings.environment, "Dataset": job.dataset}
        about = {"job_id": job.job_id, "run": job.run, "state": str(job.status)}
        metrics.measure("job.measured", metrics.end_of(job), dimensions, now_ms=parse_iso(job.updated_at), **about)


@functools.cache
def _notifier() -> Notifier:
    settings = read(NotifySettings, os.environ)
    return Notifier(settings, aws.connect(settings.bucket_owner).ask)


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes both
    """Entry point: a batch of the job table's stream → `batchItemFailures`."""
    return _notifier().batch(event["Records"])

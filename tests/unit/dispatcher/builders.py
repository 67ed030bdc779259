"""Arbitrary but legal things; a test names only what it depends on."""

import json
from typing import Any

from dispatcher.assemble import Assembler
from dispatcher.datasets import DatasetReader
from dispatcher.intake import Intake
from dispatcher.janitor import Janitor
from dispatcher.notify import Notifier
from dispatcher.plan import Planner
from dispatcher.settings import (
    AssembleSettings,
    IntakeSettings,
    JanitorSettings,
    NotifySettings,
    PlanSettings,
    read,
)
from haulier.contracts.keys import output_key
from haulier.contracts.report import ChunkReport, OutputObject
from haulier.contracts.states import JobState
from haulier.jobs.items import chunk_sk
from haulier.jobs.writes import job_becomes, update
from tests.unit.dispatcher.cloud import Cloud

NOW = 1_795_253_400_000
INPUT, OUTPUT, TABLE = "the-input", "the-output", "the-table"
MACHINE = "arn:aws:states:eu-west-1:000000000000:stateMachine:haulier-test-chunks"
BATCH_MACHINE = "arn:aws:states:eu-west-1:000000000000:stateMachine:haulier-test-batch"

ENVIRONMENT = {
    "HAULIER_ENVIRONMENT": "test",
    "HAULIER_TABLE": TABLE,
    "HAULIER_STATUS_INDEX": "by-status",
    "HAULIER_INPUT_BUCKET": INPUT,
    "HAULIER_OUTPUT_BUCKET": OUTPUT,
    "HAULIER_PRIORITY_QUEUE_URL": "https://queue/priority",
    "HAULIER_STANDARD_QUEUE_URL": "https://queue/standard",
    "HAULIER_BULK_QUEUE_URL": "https://queue/bulk",
    "HAULIER_ONDEMAND_QUEUE_URL": "https://queue/ondemand",
    "HAULIER_INTAKE_QUEUE_URL": "https://queue/intake",
    "HAULIER_RESULTS_QUEUE_URL": "https://queue/results.fifo",
    "HAULIER_STATE_MACHINE_ARN": MACHINE,
    "HAULIER_BATCH_MACHINE_ARN": BATCH_MACHINE,
    "HAULIER_COMPLETED_TOPIC_ARN": "arn:completed",
    "HAULIER_FAILED_TOPIC_ARN": "arn:failed",
    "HAULIER_BUS_NAME": "the-bus",
}


def an_environment(**changes: str) -> dict[str, str]:
    return ENVIRONMENT | {f"HAULIER_{name}": value for name, value in changes.items()}


def an_intake(cloud: Cloud, *, now_ms: int = NOW, threads: int = 1, **changes: str) -> Intake:
    settings = read(IntakeSettings, an_environment(**changes))
    return Intake(settings, cloud.perform, DatasetReader(INPUT), lambda: now_ms, threads, settings.intake_dlq_url)


def a_planner(cloud: Cloud, now_ms: int = NOW) -> Planner:
    return Planner(read(PlanSettings, ENVIRONMENT), cloud.perform, lambda: now_ms)


def an_assembler(cloud: Cloud, now_ms: int = NOW) -> Assembler:
    return Assembler(read(AssembleSettings, ENVIRONMENT), cloud.perform, lambda: now_ms)


def a_notifier(cloud: Cloud) -> Notifier:
    return Notifier(read(NotifySettings, ENVIRONMENT), cloud.ask)


def a_janitor(cloud: Cloud, now_ms: int, **changes: str) -> Janitor:
    return Janitor(read(JanitorSettings, an_environment(**changes)), cloud.perform, lambda: now_ms)


def created(key: str, *, bucket: str = INPUT, etag: str | None = None, sequencer: str = "01", **more: Any) -> Any:
    """An `Object Created` event as EventBridge sends it."""
    obj = {"key": key, "size": 5, "sequencer": sequencer, **more} | ({"etag": etag} if etag else {})
    return {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "detail": {"version": "0", "bucket": {"name": bucket}, "object": obj, "reason": "PutObject"},
    }


def requested(**detail: Any) -> Any:
    """A `Job Requested` event."""
    return {"detail-type": "Job Requested", "source": "haulier", "detail": detail}


def notified(key: str, *, event: str = "ObjectCreated:Put", **more: Any) -> Any:
    """One record of S3's native notification; `key` as S3 encodes it."""
    obj = {"key": key, "size": 5, "eTag": "e1", "sequencer": "01", **more}
    return {"eventSource": "aws:s3", "eventName": event, "s3": {"bucket": {"name": INPUT}, "object": obj}}


def records(*bodies: Any) -> list[dict[str, Any]]:
    """SQS records m0, m1, … with these bodies."""
    return [
        {"messageId": f"m{at}", "body": body if isinstance(body, str) else json.dumps(body)}
        for at, body in enumerate(bodies)
    ]


def failed(answer: dict[str, Any]) -> list[str]:
    return [entry["itemIdentifier"] for entry in answer["batchItemFailures"]]


def a_chunked_job(cloud: Cloud, body: bytes, **changes: str) -> str:
    """Takes in an object that is cut into chunks of 4 KiB; returns the job's id."""
    etag = cloud.put(INPUT, "incoming/large.csv", body)
    settings = {"CHUNK_THRESHOLD_BYTES": "4096", "CHUNK_BYTES": "4096"} | changes
    an_intake(cloud, **settings).batch(records(created("incoming/large.csv", etag=etag)))
    (job,) = cloud.rows("job")
    return str(job["job_id"])


def running(cloud: Cloud, job_id: str) -> None:
    """Notes the job as RUNNING, as the first claim does."""
    cloud.perform(job_becomes(TABLE, job_id, 1, JobState.RUNNING, NOW))


def committed(cloud: Cloud, job_id: str, chunk: int, first: int, following: int | None, *, round_: int = 0) -> str:
    """Has an attempt commit one record for a chunk, with an output of its own; returns the output's key."""
    attempt = f"{chunk:016x}{round_:016x}"
    key = output_key("default", job_id, 1, chunk=chunk, attempt=attempt, number=0, suffix=".jsonl")
    cloud.put(OUTPUT, key, b"{}\n")
    report = ChunkReport(
        first=first,
        next=following,
        read=1,
        written=1,
        rejected=0,
        filtered=0,
        input_bytes=1,
        outputs=(OutputObject(key=key, bytes=3, records=1, etag="e"),),
        file_type="csv",
    )
    sets = {"report": report.to_json(), "committed_attempt": attempt}
    cloud.perform(update(TABLE, job_id, chunk_sk(1, chunk, round_), sets=sets))
    return key

"""The embedded stack, started once for the whole run: the real templates, roles, functions and workers."""

import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import boto3
import pytest

from haulier import local
from haulier.contracts.manifest import Manifest
from haulier.contracts.names import Names
from haulier.contracts.states import FINAL, JobState
from haulier.jobs.items import JOB_SK, POINTER_SK, ChunkItem, JobItem, key_of, pointer_id
from haulier.jobs.writes import get_chunks
from haulier.local.clone import repository
from haulier.local.recording import RECORD_CALLS

T = TypeVar("T")
HERE = Path(__file__).parent


LAST = ["test_nothing_is_left.py", "test_rights.py"]
"""In this order, after everything else."""
RECORD = repository() / ".cache" / "iam" / "record.jsonl"
"""Where the record of the last run's calls is kept; a line is a call, see `haulier.local.recording`."""
SERVICES = ("s3", "sqs", "dynamodb", "events", "stepfunctions", "sns", "iam", "lambda", "cloudformation", "scheduler")
NOT_WHOLE, RECORDED = pytest.StashKey[bool](), pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "whole_run: says nothing unless all tests of the stack run")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """Marks what needs the stack, puts the looks at what is left behind last, and takes out what a part of the tests
    cannot tell.
    """
    found = [item for item in items if HERE in item.path.parents]
    for item in found:
        item.add_marker(pytest.mark.stack)
        item.add_marker(pytest.mark.timeout(600))
    yield
    items.sort(key=lambda item: LAST.index(item.path.name) if item.path.name in LAST else -1)
    whole = {item.path for item in found} == set(HERE.glob("test_*.py")) and set(found) <= set(items)
    judges = [item for item in items if item.get_closest_marker("whole_run")]
    if judges and not whole:
        config.stash[NOT_WHOLE] = True
        config.hook.pytest_deselected(items=judges)
        items[:] = [item for item in items if item not in judges]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.stash.get(NOT_WHOLE, False):
        terminalreporter.write_line("not all tests of the stack ran: whether every right is used was not judged")
    if config.stash.get(RECORDED, False):
        terminalreporter.write_line(f"every call to the stack, with the role that made it: {RECORD}")


def wait_until(look: Callable[[], T | None], what: str, seconds: float = 60) -> T:
    """The first answer of `look` that is true; fails with `what` was waited for."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    pytest.fail(f"waited {seconds:g} s for {what}")


class Stack:
    """A running stack as a user sees it, with plain boto3.

    Attributes:
        record: the file that every call is written to.
    """

    def __init__(self, info: local.StackInfo, record: Path) -> None:
        self.info = info
        self.record = record
        self.names = Names(info.environment)
        environment = info.client_environment()
        session = boto3.Session(
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            region_name=info.region,
        )
        self.clients = {service: session.client(service, endpoint_url=info.endpoint_url) for service in SERVICES}
        self.s3, self.sqs, self.dynamodb = (self.clients[name] for name in ("s3", "sqs", "dynamodb"))

    def put(self, key: str, body: bytes) -> str:
        """Puts an object into the input bucket; returns its ETag."""
        return self.s3.put_object(Bucket=self.info.input_bucket, Key=key, Body=body)["ETag"].strip('"')

    def put_dataset(self, name: str, text: str) -> None:
        self.put(f"config/datasets/{name}.yaml", text.encode())

    def queue_url(self, name: str) -> str:
        return self.sqs.get_queue_url(QueueName=name)["QueueUrl"]

    def send_to_intake(self, body: Any) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        self.sqs.send_message(QueueUrl=self.queue_url(self.names.queue("intake")), MessageBody=text)

    def job(self, job_id: str) -> JobItem | None:
        item = self.dynamodb.get_item(TableName=self.names.table, Key=key_of(job_id, JOB_SK), ConsistentRead=True).get(
            "Item"
        )
        return JobItem.of(item) if item else None

    def jobs(self) -> list[JobItem]:
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.names.table)
        return [JobItem.of(item) for page in pages for item in page["Items"] if item["sk"]["S"] == JOB_SK]

    def jobs_of(self, key: str) -> list[JobItem]:
        return [job for job in self.jobs() if job.key == key]

    def chunks(self, job: JobItem) -> list[ChunkItem]:
        steps = get_chunks(self.names.table, job.job_id, job.run)
        call = next(steps)
        while True:
            try:
                call = steps.send(self.dynamodb.query(**call.params))
            except StopIteration as stop:
                return stop.value

    def pointed(self, key: str, etag: str | None = None) -> JobItem:
        """The job the newest event of an object started."""

        def look() -> JobItem | None:
            where = key_of(pointer_id(self.info.input_bucket, key), POINTER_SK)
            item = self.dynamodb.get_item(TableName=self.names.table, Key=where, ConsistentRead=True).get("Item")
            if item and (etag is None or item["etag"]["S"] == etag):
                return self.job(item["current_job"]["S"])
            return None

        return wait_until(look, f"the job of {key}")

    def final(self, job_id: str, run: int = 1, seconds: float = 120) -> JobItem:
        """The job once its run is over."""

        def look() -> JobItem | None:
            job = self.job(job_id)
            return job if job and job.run >= run and job.status in FINAL else None

        try:
            return wait_until(look, f"the end of {job_id}", seconds)
        except BaseException:
            print(self.job(job_id))
            raise

    def process(self, key: str, body: bytes, seconds: float = 120) -> JobItem:
        """Puts an object and waits for the end of its job."""
        etag = self.put(key, body)
        return self.final(self.pointed(key, etag).job_id, seconds=seconds)

    def succeed(self, key: str, body: bytes, seconds: float = 120) -> JobItem:
        job = self.process(key, body, seconds)
        assert job.status == JobState.SUCCEEDED, job.error
        return job

    def output(self, key: str) -> bytes:
        return self.s3.get_object(Bucket=self.info.output_bucket, Key=key)["Body"].read()

    def prefix(self, job: JobItem) -> str:
        return f"processed/{job.dataset}/{job.job_id}/run={job.run}/"

    def listing(self, prefix: str) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.info.output_bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def manifest(self, job: JobItem) -> Manifest:
        assert f"{self.prefix(job)}_SUCCESS" in self.listing(self.prefix(job))
        return Manifest.model_validate_json(self.output(f"{self.prefix(job)}_manifest.json"))

    def records(self, job: JobItem) -> list[dict[str, Any]]:
        """Every record of a JSON Lines run, in order, by its manifest."""
        lines = b"".join(self.output(key) for key in self.manifest(job).output_keys).splitlines()
        return [json.loads(line) for line in lines]

    def rejects(self, job: JobItem) -> list[dict[str, Any]]:
        lines = b"".join(self.output(key) for key in self.manifest(job).rejects_keys).splitlines()
        return [json.loads(line) for line in lines]

    def letters(self, queue: str) -> list[dict[str, Any]]:
        """What lies in a dead-letter queue; taken out."""
        url, found = self.queue_url(queue), []
        while True:
            answer = self.sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1, MessageAttributeNames=["All"]
            )
            if not answer.get("Messages"):
                return found
            for message in answer["Messages"]:
                found.append(message)
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


@pytest.fixture(scope="session")
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    record = tmp_path_factory.mktemp("record") / "record.jsonl"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(RECORD_CALLS, str(record))
        patch.setenv("HAULIER_HOME", str(tmp_path_factory.mktemp("haulier") / "home"))
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        info = local.up(workers=2, log=print, environment="test")
        try:
            yield Stack(info, record)
        finally:
            RECORD.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(record, RECORD)
            request.config.stash[RECORDED] = True
            assert local.down(log=print)
            assert local.info() is None


@pytest.fixture
def name() -> str:
    """A word no other test uses: part of a key, a dataset's name."""
    return f"t{uuid.uuid4().hex[:10]}"

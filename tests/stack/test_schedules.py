"""What runs by the clock, invoked in the real stack under its own rights; and one schedule that is seen to fire."""

import gzip
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from haulier.contracts.ids import job_id
from haulier.contracts.keys import output_key, plan_key
from haulier.contracts.states import JobState
from haulier.jobs.attributes import encode_item
from haulier.jobs.items import JOB_SK, JobItem, chunk_sk, run_sk, status_shard
from haulier.jobs.times import iso
from tests.stack.conftest import Stack, wait_until

DAY = 86_400_000
ATTEMPT = "e" * 32


def invoke(stack: Stack, name: str, **event: Any) -> dict[str, Any]:
    """Invokes a function as a person would, and waits for its answer."""
    answer = stack.clients["lambda"].invoke(FunctionName=stack.names.function(name), Payload=json.dumps(event).encode())
    body = answer["Payload"].read()
    assert "FunctionError" not in answer, body
    found: dict[str, Any] = json.loads(body)
    return found


class Forged:
    """Records of jobs that ended long ago; the table forgets them with the test."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._keys: list[tuple[str, str]] = []

    def put(self, job: str, sk: str, **values: Any) -> None:
        self._keys.append((job, sk))
        item = encode_item({"job_id": job, "sk": sk, **values})
        self._stack.dynamodb.put_item(TableName=self._stack.names.table, Item=item)

    def job(self, name: str, *, days: int, status: JobState = JobState.FAILED) -> str:
        """A job of one chunk."""
        at = time.time_ns() // 1_000_000 - days * DAY
        job = job_id(source={"key": name}, operation="records", dataset="forged", cause="")
        self.put(
            job, JOB_SK, status=str(status), status_shard=status_shard(status, job), run=1, dataset="forged",
            bucket="in", key=f"incoming/{name}.csv", size=1, accepted_at_ms=at, created_at=iso(at),
            updated_at=iso(at), finished_at=iso(at), cleaned_at=iso(at), chunked=False, queue="standard",
            announced=f"{job}-r0001-{status}",
        )  # fmt: skip
        self.put(job, run_sk(1), pin="{}")
        self.put(job, chunk_sk(1, 0, 0), attempts=1)
        return job

    def forget(self) -> None:
        for job, sk in self._keys:
            key = {"job_id": {"S": job}, "sk": {"S": sk}}
            self._stack.dynamodb.delete_item(TableName=self._stack.names.table, Key=key)


@pytest.fixture
def forged(stack: Stack) -> Iterator[Forged]:
    made = Forged(stack)
    yield made
    made.forget()


def uploads(stack: Stack) -> set[str]:
    answer = stack.s3.list_multipart_uploads(Bucket=stack.info.output_bucket)
    return {upload["UploadId"] for upload in answer.get("Uploads", [])}


def left_behind(stack: Stack, job: str) -> tuple[str, str]:
    """A plan and an open upload of a job; returns the plan's key and the upload's id."""
    plan = plan_key(job, 1, 0)
    stack.s3.put_object(Bucket=stack.info.output_bucket, Key=plan, Body=b"[]")
    key = output_key("forged", job, 1, chunk=0, attempt=ATTEMPT, number=0, suffix=".jsonl")
    upload = stack.s3.create_multipart_upload(Bucket=stack.info.output_bucket, Key=key)["UploadId"]
    return plan, upload


def test_they_are_all_there_in_a_group_of_their_own(stack: Stack):
    listed = stack.clients["scheduler"].list_schedules(GroupName=stack.names.schedule_group)["Schedules"]
    found = {schedule["Name"] for schedule in listed}
    assert found >= {stack.names.schedule(name) for name in ("janitor", "cleanup", "reconcile", "archive", "quality")}


def test_the_clean_up_removes_what_an_ended_job_left_and_nothing_of_an_open_one(
    stack: Stack, forged: Forged, name: str
):
    over = forged.job(f"{name}-over", days=1)
    open_ = forged.job(f"{name}-open", days=0, status=JobState.RUNNING)
    plan, upload = left_behind(stack, over)
    kept_plan, kept_upload = left_behind(stack, open_)

    answer = invoke(stack, "cleanup")

    assert answer["complete"]
    assert answer["deleted"] >= 1
    assert answer["aborted"] >= 1
    assert plan not in stack.listing("temp/")
    assert kept_plan in stack.listing("temp/")
    assert uploads(stack) >= {kept_upload}
    assert upload not in uploads(stack)
    forged.job(f"{name}-open", days=1)
    assert invoke(stack, "cleanup")["complete"]
    assert kept_plan not in stack.listing("temp/")
    assert kept_upload not in uploads(stack)


def test_an_input_whose_event_never_came_is_processed_after_all(stack: Stack, name: str):
    events = stack.clients["events"]
    rule = f"{stack.names.prefix}-object-created"
    key = f"incoming/{name}/lost ünicode+1.csv"
    events.disable_rule(Name=rule)
    try:
        stack.put(key, b"id,name\n1,ann\n2,bob\n")
    finally:
        events.enable_rule(Name=rule)

    assert invoke(stack, "reconcile")["young"] >= 1
    assert not stack.jobs_of(key)

    assert invoke(stack, "reconcile", after_seconds=0)["requested"] >= 1
    (job,) = wait_until(lambda: stack.jobs_of(key), f"the job of {key}")
    job = stack.final(job.job_id)
    assert job.status == JobState.SUCCEEDED, job.error
    assert [record["name"] for record in stack.records(job)] == ["ann", "bob"]

    wait_until(lambda: invoke(stack, "reconcile", after_seconds=0)["requested"] == 0, "a job for each input")
    assert len(stack.jobs_of(key)) == 1


def test_records_of_old_jobs_are_in_the_archive_and_read_back(stack: Stack, forged: Forged, name: str):
    jobs = {forged.job(f"{name}-{number}", days=100 + number) for number in range(5)}
    young = forged.job(f"{name}-young", days=89)

    answer = invoke(stack, "archive")

    assert answer["complete"]
    assert answer["jobs"] >= 5
    keys = stack.listing("archive/jobs/")
    lines = [json.loads(line) for key in keys for line in gzip.decompress(stack.output(key)).splitlines()]
    found = {line["job_id"]: JobItem.of(encode_item(line)) for line in lines if line["sk"] == JOB_SK}
    assert {job: found[job] for job in jobs} == {job: stack.job(job) for job in jobs}
    assert young not in found

    assert invoke(stack, "archive")["jobs"] == 0
    assert stack.listing("archive/jobs/") == keys


def test_a_schedule_fires_and_invokes_its_function(stack: Stack, forged: Forged, name: str):
    """The clean-up's, which is told to run each minute for as long as this takes."""
    plan, upload = left_behind(stack, forged.job(name, days=1))
    scheduler = stack.clients["scheduler"]
    which = {"Name": stack.names.schedule("cleanup"), "GroupName": stack.names.schedule_group}
    found = scheduler.get_schedule(**which)
    kept = {part: found[part] for part in ("FlexibleTimeWindow", "Target", "State")}
    scheduler.update_schedule(**which, **kept, ScheduleExpression="rate(1 minute)")
    try:
        wait_until(lambda: plan not in stack.listing("temp/") and upload not in uploads(stack), "the clean-up", 120)
    finally:
        scheduler.update_schedule(**which, **kept, ScheduleExpression=found["ScheduleExpression"])

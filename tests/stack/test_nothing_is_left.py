"""After all other tests (it is sorted last): every job is final, nothing is in flight, no upload is open."""

import time

from haulier.contracts.batch import BATCH, BatchManifest
from haulier.contracts.dataset import WORK_QUEUES
from haulier.contracts.states import FINAL, JobState
from haulier.jobs.items import JobItem
from tests.stack.conftest import Stack, wait_until

NUMBERS = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]


def test_every_job_is_final(stack):
    wait_until(lambda: all(job.status in FINAL for job in stack.jobs()), "the end of every job", seconds=180)


def test_no_message_is_left_in_a_work_queue(stack):
    urls = [stack.queue_url(stack.names.queue(queue)) for queue in ("intake", *WORK_QUEUES)]

    def empty() -> bool:
        found = [stack.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=NUMBERS)["Attributes"] for url in urls]
        return all(set(numbers.values()) == {"0"} for numbers in found)

    wait_until(empty, "empty queues", seconds=120)


def test_no_execution_runs_any_more(stack):
    machines = stack.clients["stepfunctions"].list_state_machines()["stateMachines"]

    def over() -> bool:
        return not any(
            stack.clients["stepfunctions"].list_executions(
                stateMachineArn=machine["stateMachineArn"], statusFilter="RUNNING"
            )["executions"]
            for machine in machines
        )

    wait_until(over, "the end of every execution", seconds=120)


def test_no_lease_is_held(stack):
    """Of a job that was cancelled, the holder does not give its lease back; it runs out."""

    def free() -> bool:
        now_ms = time.time_ns() // 1_000_000
        chunks = [chunk for job in stack.jobs() for chunk in stack.chunks(job)]
        return not [chunk for chunk in chunks if chunk.lease_until is not None and chunk.lease_until > now_ms]

    wait_until(free, "the end of every lease", seconds=60)


def test_the_janitor_leaves_no_open_upload_and_no_stray(stack):
    bucket = stack.info.output_bucket

    def swept() -> bool:
        uploads = stack.s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
        return not uploads and not stack.listing("temp/")

    def cleaned() -> bool:
        return all(job.cleaned_at for job in stack.jobs())

    wait_until(cleaned, "the janitor's round over every job", seconds=400)
    wait_until(swept, "the janitor's sweep", seconds=60)
    for job in stack.jobs():
        assert set(stack.listing(stack.prefix(job))) == published(stack, job), job.job_id


def published(stack: Stack, job: JobItem) -> set[str]:
    """All that may lie under the prefix of a run that is over: what its manifest lists, the manifest, the mark."""
    manifest, success = f"{stack.prefix(job)}_manifest.json", f"{stack.prefix(job)}_SUCCESS"
    if job.operation == BATCH:
        if manifest not in stack.listing(stack.prefix(job)):
            assert job.status != JobState.SUCCEEDED
            return set()
        # A batch of which some members failed says so in its manifest, and has no mark.
        results = {manifest, *BatchManifest.of(stack.output(manifest)).results}
        return results | {success} if job.status == JobState.SUCCEEDED else results
    return {*stack.manifest(job).output_keys, manifest, success} if job.status == JobState.SUCCEEDED else set()

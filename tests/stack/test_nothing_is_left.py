"""After all other tests (it is sorted last): every job is final, nothing is in flight, no upload is open."""

from haulier.contracts.states import FINAL, JobState
from tests.stack.conftest import wait_until

NUMBERS = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]


def test_every_job_is_final(stack):
    wait_until(lambda: all(job.status in FINAL for job in stack.jobs()), "the end of every job", seconds=180)


def test_no_message_is_left_in_a_work_queue(stack):
    urls = [stack.queue_url(stack.names.queue(queue)) for queue in ("intake", "priority", "standard", "bulk")]

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
    open_chunks = [
        chunk
        for job in stack.jobs()
        for chunk in stack.chunks(job)
        if chunk.lease_until is not None and chunk.report is None
    ]
    assert all(stack.job(chunk.job_id).status != JobState.SUCCEEDED for chunk in open_chunks)


def test_the_janitor_leaves_no_open_upload_and_no_stray(stack):
    bucket = stack.info.output_bucket

    def swept() -> bool:
        uploads = stack.s3.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
        return not uploads and not stack.listing("temp/")

    wait_until(swept, "the janitor's sweep", seconds=240)
    for job in stack.jobs():
        if job.status == JobState.SUCCEEDED:
            manifest = stack.manifest(job)
            kept = {*manifest.output_keys, f"{stack.prefix(job)}_manifest.json", f"{stack.prefix(job)}_SUCCESS"}
            assert set(stack.listing(stack.prefix(job))) == kept

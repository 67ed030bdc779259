"""Kill, stop, cancel, retry, overwrite, redrive: on the deployed system with its real workers."""

import json
import os
import signal
import time

from haulier import local
from haulier.client import connect
from haulier.contracts.states import JobState
from haulier.jobs.calls import drive
from haulier.jobs.verdicts import cancel
from tests.stack.conftest import wait_until
from tests.stack.test_chunks import dataset, sequential
from tests.stack.test_one_chunk import without_added

LARGE = ("n,text\n" + "".join(f'{n},"row {n}, with a\nnewline"\n' for n in range(250_000))).encode()


def chunked(stack, name: str, body: bytes = LARGE, chunk_bytes: int = 200_000):
    stack.put_dataset(name, dataset(name, chunk_bytes))
    return stack.pointed(f"incoming/{name}/large.csv", stack.put(f"incoming/{name}/large.csv", body))


def a_busy_worker(stack, job) -> int:
    """Process id of a worker that holds a lease of the job right now."""

    def look() -> int | None:
        running = set(local.info().workers)
        for chunk in stack.chunks(stack.job(job.job_id)):
            if chunk.report is None and chunk.lease_until and chunk.worker:
                pid = int(chunk.worker.rpartition("-")[2])
                if pid in running:
                    return pid
        return None

    return wait_until(look, "a worker in the middle of a chunk")


def kill_in_the_middle(stack, job) -> None:
    """Kills a worker that surely holds a chunk: it is frozen first, and let go again if its commit was under way."""

    def look() -> bool:
        pid = a_busy_worker(stack, job)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.5)
        held = [
            chunk
            for chunk in stack.chunks(stack.job(job.job_id))
            if chunk.report is None and chunk.lease_until and (chunk.worker or "").endswith(f"-{pid}")
        ]
        os.kill(pid, signal.SIGKILL if held else signal.SIGCONT)
        return bool(held)

    wait_until(look, "a worker frozen in the middle of a chunk")


def test_a_worker_killed_in_the_middle_costs_a_chunk_and_nothing_else(stack, name):
    job = chunked(stack, name)
    kill_in_the_middle(stack, job)
    ended = stack.final(job.job_id, seconds=240)
    assert ended.status == JobState.SUCCEEDED, ended.error
    assert max(chunk.attempts for chunk in stack.chunks(ended)) == 2
    assert without_added(stack.records(ended)) == sequential(LARGE)


def test_a_worker_stopped_in_the_middle_gives_back_what_it_cannot_finish(stack, name):
    job = chunked(stack, name)
    os.kill(a_busy_worker(stack, job), signal.SIGTERM)
    ended = stack.final(job.job_id, seconds=240)
    assert ended.status == JobState.SUCCEEDED, ended.error
    assert without_added(stack.records(ended)) == sequential(LARGE)
    assert max(chunk.attempts for chunk in stack.chunks(ended)) <= 1


def test_a_cancelled_job_publishes_nothing_and_its_messages_are_consumed(stack, name):
    job = chunked(stack, name)
    a_busy_worker(stack, job)

    def perform(call):
        return getattr(stack.clients[call.service], call.operation)(**call.params)

    drive(cancel(stack.names.table, job.job_id, time.time_ns() // 1_000_000), perform)
    assert stack.final(job.job_id).status == JobState.CANCELLED
    machine = next(
        m["stateMachineArn"]
        for m in stack.clients["stepfunctions"].list_state_machines()["stateMachines"]
        if m["name"] == stack.names.state_machine
    )

    def over() -> bool:
        running = stack.clients["stepfunctions"].list_executions(stateMachineArn=machine, statusFilter="RUNNING")
        return not [e for e in running["executions"] if e["name"].startswith(job.job_id)]

    wait_until(over, "the end of the cancelled job's execution", seconds=120)
    assert not [key for key in stack.listing(stack.prefix(job)) if key.endswith(("_SUCCESS", "_manifest.json"))]


def test_a_source_overwritten_under_its_job_fails_that_job_and_the_new_one_succeeds(stack, name):
    job = chunked(stack, name)
    a_busy_worker(stack, job)
    small = b"n,text\n1,new\n"
    newer = stack.succeed(f"incoming/{name}/large.csv", small, seconds=240)
    older = stack.final(job.job_id, seconds=240)
    assert older.job_id != newer.job_id
    assert without_added(stack.records(newer)) == [{"n": "1", "text": "new"}]
    assert (older.status, older.error.code) == (JobState.FAILED, "source_changed")


def test_a_failed_job_is_run_again_with_the_dataset_as_it_is_then(stack, name):
    stack.put_dataset(name, f"match: [{{prefix: incoming/{name}/}}]\nmax_invalid_ratio: 0\n")
    job = stack.process(f"incoming/{name}/a.csv", b"a,b\n1,2\n3\n")
    assert job.status == JobState.FAILED
    stack.put_dataset(name, f"match: [{{prefix: incoming/{name}/}}]\n")
    connect(stack.info.environment, environ=stack.info.client_environment()).retry(job.job_id)
    again = stack.final(job.job_id, run=2)
    assert (again.status, again.run, again.read, again.rejected) == (JobState.SUCCEEDED, 2, 2, 1)
    assert "/run=2/" in stack.manifest(again).output_keys[0]


def test_a_message_nobody_wrote_ends_in_the_dlq_with_its_reason(stack, name):
    url = stack.queue_url(stack.names.queue("standard"))
    stack.sqs.send_message(QueueUrl=url, MessageBody=f"nonsense {name}")
    stranger = {"version": 1, "job_id": "j" + "a" * 26, "run": 1, "chunk": 0}
    stack.sqs.send_message(QueueUrl=url, MessageBody=json.dumps(stranger))
    found: dict[str, str] = {}

    def both() -> bool:
        for letter in stack.letters(stack.names.dlq("standard")):
            found[letter["Body"]] = letter["MessageAttributes"]["error_type"]["StringValue"]
        return f"nonsense {name}" in found and any("aaaa" in body for body in found)

    wait_until(both, "both letters")
    assert found[f"nonsense {name}"] == "invalid_message"


def test_every_end_is_told_on_the_results_queue_once(stack, name):
    job = stack.succeed(f"incoming/{name}/a.csv", b"a\n1\n")
    url = stack.queue_url(stack.names.results_queue)
    told: list[dict] = []

    def heard() -> bool:
        answer = stack.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in answer.get("Messages", []):
            told.append(json.loads(message["Body"]))
            stack.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return not answer.get("Messages") and any(event["job_id"] == job.job_id for event in told)

    wait_until(heard, "the job's end on the results queue")
    (event,) = [event for event in told if event["job_id"] == job.job_id]
    assert (event["state"], event["written"]) == ("SUCCEEDED", 1)
    assert event["manifest"].endswith("_manifest.json")

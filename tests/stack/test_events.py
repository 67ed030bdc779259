"""Rules and topics of the deployed stack: what is on the buses reaches whom it is for."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from haulier.contracts.dataset import DEFAULT_DATASET
from haulier.contracts.events import EXECUTION_ENDED
from haulier.contracts.ids import execution_name, job_id
from haulier.contracts.limits import MIB
from haulier.contracts.run import RunPin
from haulier.contracts.source import Source
from haulier.contracts.states import JobState
from haulier.jobs.accept import Draft, accept
from haulier.jobs.calls import Call, drive
from haulier.jobs.items import JobItem
from tests.stack.conftest import Stack, wait_until

CSV = b"a,b\n1,2\n"
RULES = Path(__file__).parents[2] / "examples" / "rules"
UNKNOWN = "j" + "7" * 26


@pytest.fixture
def queue(stack: Stack, name: str) -> Iterator[tuple[str, str]]:
    """A queue of the test's own: URL and ARN."""
    url = stack.sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = stack.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [everybody]})
    stack.sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    yield url, arn
    stack.sqs.delete_queue(QueueUrl=url)


def received(stack: Stack, url: str, seconds: float = 60) -> dict[str, Any]:
    """The next message of a queue, taken out."""

    def look() -> dict[str, Any] | None:
        found = stack.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages")
        if not found:
            return None
        stack.sqs.delete_message(QueueUrl=url, ReceiptHandle=found[0]["ReceiptHandle"])
        return found[0]

    return wait_until(look, f"a message in {url}", seconds)


def topic(stack: Stack, name: str) -> str:
    topics = stack.clients["sns"].list_topics()["Topics"]
    (arn,) = (one["TopicArn"] for one in topics if one["TopicArn"].endswith(f":{stack.names.topic(name)}"))
    return arn


def machine(stack: Stack) -> str:
    machines = stack.clients["stepfunctions"].list_state_machines()["stateMachines"]
    (arn,) = (one["stateMachineArn"] for one in machines if one["name"] == stack.names.state_machine)
    return arn


def a_waiting_job(stack: Stack, name: str) -> JobItem:
    """A job that was accepted and not handed over: its execution is the test's to start."""
    etag = stack.put(f"elsewhere/{name}.csv", CSV)
    source = Source(bucket=stack.info.input_bucket, key=f"elsewhere/{name}.csv", size=len(CSV), etag=etag)
    now_ms = time.time_ns() // 1_000_000
    pin = RunPin(
        source=source, dataset=DEFAULT_DATASET, accepted_at_ms=now_ms, chunked=True, queue="bulk",
        threshold_bytes=MIB, chunk_bytes=MIB,
    )  # fmt: skip
    identity = {"bucket": source.bucket, "key": source.key, "etag": etag}
    job = job_id(source=identity, operation="records", dataset="default", cause=name)

    def perform(call: Call) -> Any:
        return getattr(stack.clients[call.service], call.operation)(**call.params)

    return drive(accept(stack.names.table, Draft(job, source, "default", name, pin=pin), now_ms), perform).job


def test_the_sample_rule_on_file_type_chooses_tables(stack: Stack, name: str, queue: tuple[str, str]):
    url, arn = queue
    events = stack.clients["events"]
    pattern = (RULES / "csv-succeeded.json").read_text()
    events.put_rule(Name=name, EventBusName=stack.names.bus, EventPattern=pattern)
    events.put_targets(Rule=name, EventBusName=stack.names.bus, Targets=[{"Id": "1", "Arn": arn}])
    try:
        stack.succeed(f"incoming/{name}.jsonl", b'{"a": 1}\n')
        job = stack.succeed(f"incoming/{name}.csv", CSV)
        event = json.loads(received(stack, url)["Body"])
        assert (event["detail"]["job_id"], event["detail"]["file_type"]) == (job.job_id, "csv")
        assert event["detail-type"] == "Job State Changed"
        assert not stack.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=2).get("Messages")
    finally:
        events.remove_targets(Rule=name, EventBusName=stack.names.bus, Ids=["1"])
        events.delete_rule(Name=name, EventBusName=stack.names.bus)


def test_subscribers_choose_by_attributes(stack: Stack, name: str, queue: tuple[str, str]):
    url, arn = queue
    chosen = {
        "dataset": ["default"],
        "file_type": ["csv"],
        "state": ["SUCCEEDED"],
        "environment": [stack.names.environment],
    }
    stack.clients["sns"].subscribe(
        TopicArn=topic(stack, "completed"),
        Protocol="sqs",
        Endpoint=arn,
        Attributes={"RawMessageDelivery": "true", "FilterPolicy": json.dumps(chosen)},
    )
    stack.succeed(f"incoming/{name}.jsonl", b'{"a": 1}\n')
    job = stack.succeed(f"incoming/{name}.csv", CSV)
    assert json.loads(received(stack, url)["Body"])["job_id"] == job.job_id


@pytest.mark.parametrize("status", ["ABORTED", "FAILED"])
def test_people_and_assembler_are_told_of_an_execution_that_ended_badly(
    stack: Stack, name: str, queue: tuple[str, str], status: str
):
    """The execution has the job's name and the input of another: it does nothing for the job but end."""
    url, arn = queue
    alerts = topic(stack, "alerts")
    stack.clients["sns"].subscribe(
        TopicArn=alerts, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"}
    )
    job = a_waiting_job(stack, name)
    execution = execution_name(job.job_id, 1, job.accepted_at_ms, 0)
    started = stack.clients["stepfunctions"].start_execution(
        stateMachineArn=machine(stack), name=execution, input=json.dumps({"job_id": UNKNOWN, "run": 1})
    )["executionArn"]
    if status == "ABORTED":
        stack.clients["stepfunctions"].stop_execution(executionArn=started)
    ended = stack.final(job.job_id)
    assert (ended.status, ended.error.code if ended.error else None) == (JobState.FAILED, "execution_failed")
    assert f"the execution is {status}" in ended.error.message

    def told() -> bool:
        text = received(stack, url)["Body"]
        return f"execution {execution} is {status}." in text and f"/executions/details/{started}" in text

    wait_until(told, "an alert")


def test_an_event_the_assembler_cannot_handle_ends_in_its_dead_letters(stack: Stack, name: str):
    event = {"detail-type": EXECUTION_ENDED, "detail": {"unknown": name}}
    stack.clients["lambda"].invoke(
        FunctionName=stack.names.function("assemble"), InvocationType="Event", Payload=json.dumps(event).encode()
    )
    letter = json.loads(received(stack, stack.queue_url(stack.names.dlq("assemble")), seconds=300)["Body"])
    assert letter["requestPayload"] == event
    assert letter["requestContext"]["condition"] == "RetriesExhausted"

"""The quality report on the embedded stack: real jobs, the real function under its real role, its topic and bucket."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from haulier.client.connection import reach
from haulier.client.reports import quality_report
from haulier.contracts.keys import QUALITY_PREFIX, quality_key
from haulier.contracts.quality import QualityReport
from haulier.jobs.attributes import encode_item
from tests.fakes.ended import ended
from tests.stack.conftest import Stack, wait_until

TODAY = datetime.now(UTC).date()
YESTERDAY = TODAY - timedelta(days=1)


def invoke(stack: Stack, event: dict[str, str]) -> tuple[dict, bool]:
    """The function's answer, and whether it failed."""
    answer = stack.clients["lambda"].invoke(
        FunctionName=stack.names.function("quality"), Payload=json.dumps(event).encode()
    )
    return json.loads(answer["Payload"].read()), "FunctionError" in answer


def report_of(stack: Stack, day: str) -> QualityReport:
    return QualityReport.of(stack.output(quality_key(day)))


@pytest.fixture
def happened(stack: Stack) -> Iterator[Callable[[str, str, int], None]]:
    """Puts records of four jobs that ended on a day that is over; the table forgets them with the test, since they have
    no results. The clock of the emulator is the machine's.
    """
    keys: list[dict[str, Any]] = []

    def put(day: str, dataset: str, rejected: int) -> None:
        for at in range(4):
            item = ended(
                f"{dataset}-{day}-{at}", at=f"{day}T{at:02d}:00:00.000Z", dataset=dataset, read=100,
                written=100 - rejected, rejected=rejected, reject_codes={"bad_type": rejected},
                # Nothing is left to be done for it, so the janitor leaves it alone.
                cleaned_at=f"{day}T23:00:00.000Z",
            )  # fmt: skip
            note = {"announced": f"{item['job_id']['S']}-r0001-SUCCEEDED"}
            keys.append({"job_id": item["job_id"], "sk": item["sk"]})
            stack.dynamodb.put_item(TableName=stack.names.table, Item=item | encode_item(note))

    yield put
    for key in keys:
        stack.dynamodb.delete_item(TableName=stack.names.table, Key=key)


@pytest.fixture
def subscriber(stack: Stack, name: str):
    """A queue that is told what the topic is."""
    sns, sqs = stack.clients["sns"], stack.sqs
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = next(
        one["TopicArn"]
        for page in sns.get_paginator("list_topics").paginate()
        for one in page["Topics"]
        if one["TopicArn"].endswith(f":{stack.names.topic('quality')}")
    )
    # The topic's message reaches only a queue whose own policy lets it in.
    policy = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        },
    }
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)
    yield name
    sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    sqs.delete_queue(QueueUrl=url)


def test_a_week_of_days_is_reported_and_the_unusual_one_is_told(stack: Stack, name: str, subscriber: str, happened):
    days = [(YESTERDAY - timedelta(days=ago)).isoformat() for ago in range(7, -1, -1)]
    for at, day in enumerate(days[:-1]):
        happened(day, name, 1 + at % 2)
        answer, failed = invoke(stack, {"day": day})
        assert not failed, answer
        assert answer["jobs"] >= 4
    happened(days[-1], name, 40)

    answer, failed = invoke(stack, {})

    assert not failed, answer
    assert answer["day"] == YESTERDAY.isoformat()
    report = report_of(stack, days[-1])
    (entry,) = [one for one in report.datasets if one.dataset == name]
    assert (entry.figures.read, entry.figures.rejected, entry.figures.reject_codes) == (400, 160, {"bad_type": 160})
    (told,) = [one for one in report.anomalies if one.dataset == name]
    assert (told.figure, told.direction) == ("reject_ratio", "above")
    page = stack.s3.get_object(Bucket=stack.info.output_bucket, Key=quality_key(days[-1], ".html"))
    assert page["ContentType"] == "text/html; charset=utf-8"
    assert told.told in page["Body"].read().decode()

    messages = [json.loads(letter["Body"]) for letter in wait_until(lambda: stack.letters(subscriber), "the messages")]
    last = [one for one in messages if days[-1] in one["Subject"]][-1]
    assert told.told in last["Message"]
    assert last["MessageAttributes"]["anomalies"]["Value"] == "true"

    info = stack.info
    connection = reach(info.environment, account=info.account, environ=info.client_environment())
    assert quality_report(connection) == report

    before = {key: stack.output(key) for key in stack.listing(QUALITY_PREFIX)}
    assert invoke(stack, {}) == (answer, False)
    assert {key: stack.output(key) for key in stack.listing(QUALITY_PREFIX)} == before


def test_a_day_that_is_not_over_is_refused(stack: Stack):
    answer, failed = invoke(stack, {"day": TODAY.isoformat()})
    assert failed
    assert "is not over" in answer["errorMessage"]


def test_a_job_of_today_is_counted_tomorrow_with_what_its_record_says(stack: Stack, name: str):
    """What a real worker leaves in the table is what the report reads; only the day is pretended."""
    stack.put_dataset(name, f"match: [{{prefix: incoming/{name}/}}]\nmax_invalid_ratio: 0\n")
    job = stack.process(f"incoming/{name}/a.csv", b"id,name\n1,ann\n2\n")
    item = stack.dynamodb.get_item(
        TableName=stack.names.table, Key={"job_id": {"S": job.job_id}, "sk": {"S": "job"}}, ConsistentRead=True
    )["Item"]
    assert (job.error.code, job.read, job.rejected) == ("too_many_rejects", 2, 1)
    assert item["reject_codes"] == {"M": {"too_few_fields": {"N": "1"}}}
    assert item["updated_at"] == item["finished_at"]

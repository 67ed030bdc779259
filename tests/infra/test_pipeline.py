import json

import pytest

from haulier.contracts import limits
from haulier.contracts.dataset import WORK_QUEUES
from infra.queues import INTAKE_TIMEOUT_SECONDS
from tests.infra.conftest import Stacks, listed


def test_every_queue_is_encrypted_and_refuses_what_comes_without_tls(prod: Stacks):
    queues = prod.of_type("AWS::SQS::Queue")
    assert {queue["Properties"]["SqsManagedSseEnabled"] for queue in queues.values()} == {True}
    guarded = set()
    for policy in prod.of_type("AWS::SQS::QueuePolicy").values():
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            if statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}:
                assert statement["Effect"] == "Deny"
                guarded |= {queue["Ref"] for queue in policy["Properties"]["Queues"]}
    assert guarded == set(queues)


@pytest.mark.parametrize("name", ["intake", *WORK_QUEUES])
def test_each_queue_leads_to_a_dead_letter_queue_that_keeps_longer(prod: Stacks, name: str):
    queue, dlq = prod.queue(name), prod.queue(f"{name}-dlq")
    (dlq_id,) = (logical for logical, r in prod.of_type("AWS::SQS::Queue").items() if r["Properties"] is dlq)
    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": [dlq_id, "Arn"]}
    assert queue["MessageRetentionPeriod"] == limits.WORK_RETENTION_SECONDS
    assert dlq["MessageRetentionPeriod"] == limits.DLQ_RETENTION_SECONDS > limits.WORK_RETENTION_SECONDS


@pytest.mark.parametrize("name", WORK_QUEUES)
def test_work_queues_hold_to_the_limits_both_sides_know(prod: Stacks, name: str):
    queue = prod.queue(name)
    assert queue["VisibilityTimeout"] == limits.VISIBILITY_SECONDS
    assert queue["RedrivePolicy"]["maxReceiveCount"] == limits.MAX_RECEIVES > limits.MAX_ATTEMPTS


def test_the_intake_queue_hides_a_batch_six_times_as_long_as_its_function_may_take(prod: Stacks):
    assert prod.function("intake")["Timeout"] == INTAKE_TIMEOUT_SECONDS
    assert prod.queue("intake")["VisibilityTimeout"] >= 6 * INTAKE_TIMEOUT_SECONDS


def test_results_are_a_fifo_with_a_fifo_behind_it(prod: Stacks):
    results = prod.queue("results.fifo")
    assert results["FifoQueue"] is True
    assert prod.queue("results-dlq.fifo")["FifoQueue"] is True
    assert "deadLetterTargetArn" in results["RedrivePolicy"]


def test_objects_under_each_input_prefix_reach_the_intake_queue(dev: Stacks):
    rule = dev.named("AWS::Events::Rule", "Name", "haulier-test-object-created")
    assert rule["EventPattern"]["detail"]["object"]["key"] == [{"prefix": "raw/"}, {"prefix": "incoming/"}]
    assert rule["EventPattern"]["source"] == ["aws.s3"]
    assert "EventBusName" not in rule


def test_requests_on_the_bus_reach_the_intake_queue(prod: Stacks):
    rule = prod.named("AWS::Events::Rule", "Name", "haulier-test-job-requested")
    assert rule["EventPattern"] == {"source": ["haulier"], "detail-type": ["Job Requested"]}


def test_an_event_that_cannot_be_delivered_ends_in_the_dead_letters(prod: Stacks):
    for rule in prod.of_type("AWS::Events::Rule").values():
        (target,) = rule["Properties"]["Targets"]
        assert "IntakeDlq" in json.dumps(target["DeadLetterConfig"])


def test_only_our_rules_may_send_to_the_intake_queues(prod: Stacks):
    allowed = [
        statement
        for policy in prod.of_type("AWS::SQS::QueuePolicy").values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow"
    ]
    assert len(allowed) == 4
    for statement in allowed:
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert "Rule" in json.dumps(statement["Condition"]["ArnEquals"]["aws:SourceArn"]) or "Events" in json.dumps(
            statement["Condition"]["ArnEquals"]["aws:SourceArn"]
        )


def test_the_stream_passes_on_changes_of_job_items_only(prod: Stacks):
    (stream,) = (
        m["Properties"]
        for m in prod.of_type("AWS::Lambda::EventSourceMapping").values()
        if "StartingPosition" in m["Properties"]
    )
    (pattern,) = (json.loads(f["Pattern"]) for f in stream["FilterCriteria"]["Filters"])
    assert pattern == {
        "eventName": ["INSERT", "MODIFY"],
        "dynamodb": {"Keys": {"sk": {"S": ["job"]}}},
    }
    assert stream["BisectBatchOnFunctionError"] is True
    assert stream["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert 0 < stream["MaximumRetryAttempts"] < 100
    assert "NotifyDlq" in json.dumps(stream["DestinationConfig"]["OnFailure"])


def test_each_event_of_a_batch_at_intake_fails_by_itself(prod: Stacks):
    (source,) = (
        m["Properties"]
        for m in prod.of_type("AWS::Lambda::EventSourceMapping").values()
        if "StartingPosition" not in m["Properties"]
    )
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["BatchSize"] == limits.RECEIVE_BATCH


def test_the_janitor_runs_each_minute_under_a_role_of_its_own(prod: Stacks):
    (schedule,) = (s["Properties"] for s in prod.of_type("AWS::Scheduler::Schedule").values())
    assert schedule["ScheduleExpression"] == "rate(1 minute)"
    assert "JanitorScheduleRole" in json.dumps(schedule["Target"]["RoleArn"])
    assert "JanitorDlq" in json.dumps(schedule["Target"]["DeadLetterConfig"])


def test_functions_run_for_the_target_that_was_chosen(prod: Stacks):
    for function in prod.of_type("AWS::Lambda::Function").values():
        assert function["Properties"]["Runtime"] == "python3.13"
        assert listed(function["Properties"]["Architectures"]) == ["arm64"]
        assert function["Properties"]["TracingConfig"] == {"Mode": "Active"}
        assert "LogGroup" in function["Properties"]["LoggingConfig"]


def test_logs_are_not_kept_for_ever(prod: Stacks):
    groups = prod.of_type("AWS::Logs::LogGroup")
    assert len(groups) == 6
    assert {group["Properties"]["RetentionInDays"] for group in groups.values()} == {30}

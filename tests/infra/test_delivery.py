"""Rules, what they deliver to, and whom queues, topics and the bus let in."""

import json
from typing import Any

import pytest

from haulier.contracts.names import Names
from tests.infra.conftest import PROFILES, Stacks, Template, listed, shipped

NAMES = Names("test")
ACCOUNT = {"Ref": "AWS::AccountId"}
QUEUE_POLICY, TOPIC_POLICY = "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy"
RULES = {f"haulier-test-{name}" for name in ("object-created", "job-requested", "chunks-failed", "batches-failed")}


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    return shipped("full", tmp_path_factory)


def rule(stacks: Stacks, name: str) -> Template:
    return stacks.named("AWS::Events::Rule", "Name", f"haulier-test-{name}")


def rule_id(stacks: Stacks, name: str) -> str:
    (found,) = (i for i, r in stacks.of_type("AWS::Events::Rule").items() if r["Properties"]["Name"] == name)
    return found


def queue_id(stacks: Stacks, name: str) -> str:
    (found,) = (i for i, q in stacks.of_type("AWS::SQS::Queue").items() if q["Properties"]["QueueName"] == name)
    return found


def let_in(stacks: Stacks, kind: str, resource: str) -> list[Template]:
    """What the policy of a queue or topic allows, by its logical id."""
    return [
        statement
        for policy in stacks.of_type(kind).values()
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement["Effect"] == "Allow" and f'"{resource}"' in json.dumps(statement["Resource"])
    ]


def sources(statement: Template) -> list[str]:
    """Logical ids of what a service must act for."""
    (arns,) = (
        c["aws:SourceArn"] for op, c in statement["Condition"].items() if op in ("ArnEquals", "ArnEqualsIfExists")
    )
    return [arn["Fn::GetAtt"][0] for arn in listed(arns)]


def test_objects_under_each_input_prefix_reach_the_intake_queue(dev: Stacks):
    created = rule(dev, "object-created")
    assert created["EventPattern"]["detail"]["object"]["key"] == [{"prefix": "raw/"}, {"prefix": "incoming/"}]
    assert created["EventPattern"]["source"] == ["aws.s3"]
    assert "EventBusName" not in created


def test_requests_on_the_bus_reach_the_intake_queue(prod: Stacks):
    requested = rule(prod, "job-requested")
    assert requested["EventPattern"] == {"source": ["haulier"], "detail-type": ["Job Requested"]}
    (target,) = requested["Targets"]
    assert target["Arn"] == {"Fn::GetAtt": [queue_id(prod, NAMES.queue("intake")), "Arn"]}


@pytest.mark.parametrize(("name", "machine"), [("chunks", NAMES.state_machine), ("batches", NAMES.batch_machine)])
def test_executions_of_our_machines_that_end_badly_are_told(prod: Stacks, name: str, machine: str):
    failed = rule(prod, f"{name}-failed")
    assert "EventBusName" not in failed
    assert failed["EventPattern"]["source"] == ["aws.states"]
    assert failed["EventPattern"]["detail-type"] == ["Step Functions Execution Status Change"]
    assert failed["EventPattern"]["detail"]["status"] == ["FAILED", "TIMED_OUT", "ABORTED"]
    # The whole ARN and not a prefix: a map's children are executions of `{machine}/{label}`.
    (arn,) = failed["EventPattern"]["detail"]["stateMachineArn"]
    assert arn["Fn::Join"][1][-1] == f":stateMachine:{machine}"


def test_a_failed_execution_reaches_people_and_the_assembler(prod: Stacks):
    alerts, assembler = rule(prod, "chunks-failed")["Targets"]
    assert alerts["Arn"] == {"Ref": topic_id(prod, "alerts")}
    assert "<status>" in alerts["InputTransformer"]["InputTemplate"]
    assert assembler["Arn"]["Fn::GetAtt"][0] in prod.of_type("AWS::Lambda::Function")
    assert "InputTransformer" not in assembler
    (permission,) = (
        p["Properties"]
        for p in prod.of_type("AWS::Lambda::Permission").values()
        if p["Properties"]["Principal"] == "events.amazonaws.com"
    )
    assert permission["FunctionName"] == assembler["Arn"]
    assert permission["SourceArn"] == {"Fn::GetAtt": [rule_id(prod, "haulier-test-chunks-failed"), "Arn"]}


def test_every_rule_is_let_in_at_each_target_and_at_the_dead_letters_of_each(prod: Stacks):
    rules = prod.of_type("AWS::Events::Rule")
    assert {one["Properties"]["Name"] for one in rules.values()} >= RULES
    for name, one in rules.items():
        for target in one["Properties"]["Targets"]:
            assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}
            dlq = target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]
            assert any(name in sources(s) for s in let_in(prod, QUEUE_POLICY, dlq))
            if "Ref" in target["Arn"]:
                assert any(name in sources(s) for s in rules_of(prod, target["Arn"]["Ref"]))
            elif target["Arn"]["Fn::GetAtt"][0] in prod.of_type("AWS::SQS::Queue"):
                assert any(name in sources(s) for s in let_in(prod, QUEUE_POLICY, target["Arn"]["Fn::GetAtt"][0]))


def rules_of(stacks: Stacks, topic: str) -> list[Template]:
    return [s for s in let_in(stacks, TOPIC_POLICY, topic) if s["Principal"] == {"Service": "events.amazonaws.com"}]


def test_only_rules_of_ours_are_let_in_at_queues(prod: Stacks):
    allowed = [s for queue in prod.of_type("AWS::SQS::Queue") for s in let_in(prod, QUEUE_POLICY, queue)]
    assert len(allowed) >= 3
    for statement in allowed:
        assert statement["Principal"] == {"Service": "events.amazonaws.com"}
        assert statement["Action"] == "sqs:SendMessage"
        assert set(sources(statement)) <= set(prod.of_type("AWS::Events::Rule"))
        assert statement["Condition"].keys() == {"ArnEquals", "StringEqualsIfExists"}
        # The rule's ARN holds the account; whether it is sent to a dead-letter queue, too, is written nowhere.
        assert statement["Condition"]["StringEqualsIfExists"] == {"aws:SourceAccount": ACCOUNT}


def topic_id(stacks: Stacks, name: str) -> str:
    (found,) = (
        i for i, t in stacks.of_type("AWS::SNS::Topic").items() if t["Properties"]["TopicName"] == NAMES.topic(name)
    )
    return found


def test_every_topic_refuses_what_comes_without_tls(prod: Stacks):
    guarded = {
        topic["Ref"]
        for policy in prod.of_type(TOPIC_POLICY).values()
        for topic in policy["Properties"]["Topics"]
        for s in policy["Properties"]["PolicyDocument"]["Statement"]
        if s["Effect"] == "Deny" and s["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    }
    assert guarded == set(prod.of_type("AWS::SNS::Topic"))


def test_only_alarms_and_rules_of_ours_are_let_in_at_the_alerts(prod: Stacks):
    topics = set(prod.of_type("AWS::SNS::Topic"))
    alerts = topic_id(prod, "alerts")
    assert not [s for topic in topics - {alerts} for s in let_in(prod, TOPIC_POLICY, topic)]
    by_service = {s["Principal"]["Service"]: s for s in let_in(prod, TOPIC_POLICY, alerts)}
    assert set(by_service) == {"events.amazonaws.com", "cloudwatch.amazonaws.com"}
    conditions = by_service["cloudwatch.amazonaws.com"]["Condition"]
    assert conditions["StringEquals"] == {"aws:SourceAccount": ACCOUNT}
    assert conditions["ArnLike"]["aws:SourceArn"]["Fn::Join"][1][-1] == ":alarm:haulier-test-*"


def test_topics_of_jobs_are_encrypted_by_aws_and_the_alerts_only_with_a_key_that_services_may_use(
    prod: Stacks, full: Stacks
):
    def keys(stacks: Stacks) -> dict[str, Any]:
        topics = stacks.of_type("AWS::SNS::Topic").values()
        return {t["Properties"]["TopicName"]: t["Properties"].get("KmsMasterKeyId") for t in topics}

    of_aws = keys(prod)
    assert of_aws.pop("haulier-test-alerts") is None
    assert {json.dumps(key).rpartition(":")[2] for key in of_aws.values()} == {'alias/aws/sns"]]}'}
    assert set(keys(full).values()) == {PROFILES["full"]["topics_kms_key_arn"]}
    assert any(
        {"kms:Decrypt", "kms:GenerateDataKey"} <= set(listed(s["Action"]))
        and s["Resource"] == PROFILES["full"]["topics_kms_key_arn"]
        for s in full.statements("NotifyRole")
    )


def test_people_are_told_by_mail_where_addresses_are_given(prod: Stacks, full: Stacks):
    assert not prod.of_type("AWS::SNS::Subscription")
    (subscription,) = (s["Properties"] for s in full.of_type("AWS::SNS::Subscription").values())
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "ops@example.com")
    assert subscription["TopicArn"] == {"Ref": topic_id(full, "alerts")}


def bus_policy(stacks: Stacks) -> list[Template]:
    bus = stacks.named("AWS::Events::EventBus", "Name", NAMES.bus)
    statements: list[Template] = bus["Policy"]["Statement"]
    for statement in statements:
        assert statement["Action"] == "events:PutEvents"
        assert statement["Resource"]["Fn::Join"][1][-1] == f":event-bus/{NAMES.bus}"
    return statements


def test_nobody_of_another_account_may_put_events(prod: Stacks):
    denial, _ = bus_policy(prod)
    assert (denial["Effect"], denial["Principal"]) == ("Deny", "*")
    assert denial["Condition"] == {"StringNotEquals": {"aws:PrincipalAccount": [ACCOUNT]}}


def test_only_whom_the_settings_name_may_put_events_and_ourselves(full: Stacks):
    denial, _, callers = bus_policy(full)
    caller = "arn:aws:iam::000000000000:role/caller"
    (ours,) = (one for one in denial["Condition"]["ArnNotEquals"]["aws:PrincipalArn"] if one != caller)
    assert "NotifyRole" in ours["Fn::GetAtt"][0]
    assert denial["Condition"]["StringNotEquals"] == {"aws:PrincipalAccount": ["222233334444"]}
    assert callers["Effect"] == "Allow"
    assert callers["Principal"]["AWS"][0] == caller
    assert callers["Principal"]["AWS"][1]["Fn::Join"][1][-1] == ":iam::222233334444:root"
    assert callers["Condition"] == {
        "ForAllValues:StringEquals": {"events:source": ["haulier"], "events:detail-type": ["Job Requested"]}
    }


def test_nobody_but_ourselves_says_what_became_of_a_job(prod: Stacks):
    _, denial = bus_policy(prod)
    assert (denial["Effect"], denial["Principal"]) == ("Deny", "*")
    assert denial["Condition"]["ForAnyValue:StringEquals"] == {"events:detail-type": ["Job State Changed"]}
    (ours,) = denial["Condition"]["ArnNotEquals"]["aws:PrincipalArn"]
    assert "NotifyRole" in ours["Fn::GetAtt"][0]

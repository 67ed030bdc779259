"""The quality report's function, schedule and rights."""

import json

import pytest

from dispatcher.quality import asked_day, zone_of
from haulier.contracts import environment as variables
from haulier.contracts.keys import quality_key
from tests.infra.conftest import Stacks, listed, synthesise


def the_schedule(stacks: Stacks) -> dict:
    return stacks.named("AWS::Scheduler::Schedule", "Name", "haulier-test-quality")


def test_the_report_is_made_each_day_at_two_for_the_time_it_was_scheduled_for(prod: Stacks):
    schedule = the_schedule(prod)
    assert (schedule["ScheduleExpression"], schedule["State"]) == ("cron(0 2 * * ? *)", "ENABLED")
    event = json.loads(schedule["Target"]["Input"])
    zone = schedule["ScheduleExpressionTimezone"]
    assert zone == prod.function("quality")["Environment"]["Variables"][variables.QUALITY_TIMEZONE] == "UTC"
    replaced = {
        name: value.replace("<aws.scheduler.scheduled-time>", "2026-11-21T02:00:00Z") for name, value in event.items()
    }
    assert asked_day(replaced, 0, zone_of(zone)).isoformat() == "2026-11-20"


def test_it_has_the_longest_time_lambda_gives_and_is_tried_again(prod: Stacks):
    assert prod.function("quality")["Timeout"] == 900
    for config in prod.of_type("AWS::Lambda::EventInvokeConfig").values():
        if "Quality" in json.dumps(config["Properties"]["FunctionName"]):
            assert "QualityDlq" in json.dumps(config["Properties"]["DestinationConfig"])
            assert config["Properties"].get("MaximumRetryAttempts", 2) == 2
            return
    pytest.fail("the function has no failure destination")


def test_it_may_read_the_index_write_its_reports_and_tell_its_topic_and_nothing_else(prod: Stacks):
    found = {
        action: json.dumps(statement["Resource"])
        for statement in prod.statements("QualityQualityRole")
        if statement["Effect"] == "Allow"
        for action in listed(statement["Action"])
    }
    assert {action for action in found if not action.startswith(("logs:", "xray:"))} == {
        "dynamodb:Query", "s3:ListBucket", "s3:GetObject", "s3:PutObject", "sns:Publish", "sqs:SendMessage",
    }  # fmt: skip
    assert "/index/by-status" in found["dynamodb:Query"]
    for action in ("s3:GetObject", "s3:PutObject"):
        assert found[action].endswith('"/reports/quality/*"]]}')
    assert "NotificationsQuality" in found["sns:Publish"]
    assert "QualityDlq" in found["sqs:SendMessage"]


def test_it_may_list_its_reports_only(prod: Stacks):
    (statement,) = (s for s in prod.statements("QualityQualityRole") if s["Action"] == "s3:ListBucket")
    assert statement["Condition"] == {"StringLike": {"s3:prefix": "reports/quality/*"}}


def test_no_rule_of_the_bucket_removes_a_report(prod: Stacks):
    ((_, bucket),) = [entry for entry in prod.of_type("AWS::S3::Bucket").items() if "StorageOutput" in entry[0]]
    rules = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    ending = [rule for rule in rules if "ExpirationInDays" in rule or "Transitions" in rule]
    assert ending
    assert not [rule for rule in ending if quality_key("2026-11-20").startswith(rule.get("Prefix", ""))]


def test_zone_hour_and_whether_at_all_are_settings(tmp_path):
    stacks = synthesise(
        tmp_path, schedule_timezone="Europe/Berlin", quality_schedule="cron(30 4 * * ? *)", quality_enabled=False
    )
    schedule = the_schedule(stacks)
    assert schedule["ScheduleExpressionTimezone"] == "Europe/Berlin"
    assert (schedule["ScheduleExpression"], schedule["State"]) == ("cron(30 4 * * ? *)", "DISABLED")
    assert stacks.function("quality")["Environment"]["Variables"][variables.QUALITY_TIMEZONE] == "Europe/Berlin"

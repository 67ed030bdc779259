import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from haulier.contracts import environment as variables
from haulier.contracts.limits import JOB_TTL_SECONDS
from infra.settings import Settings
from tests.infra.conftest import Stacks, Template, listed, synthesise

UPKEEP = {"cleanup": "cron(0 2 * * ? *)", "reconcile": "cron(0 4 * * ? *)", "archive": "cron(0 3 ? * SUN *)"}
CLOCKS = UPKEEP | {"janitor": "rate(1 minute)", "quality": "cron(0 2 * * ? *)"}
GROUP_ARN = ":schedule-group/haulier-test"


def schedules(stacks: Stacks) -> dict[str, Template]:
    """Name, less the environment's → properties."""
    found = (resource["Properties"] for resource in stacks.of_type("AWS::Scheduler::Schedule").values())
    return {one["Name"].removeprefix("haulier-test-"): one for one in found}


def logical(stacks: Stacks, kind: str, attribute: str, value: str) -> str:
    (found,) = (name for name, r in stacks.of_type(kind).items() if r["Properties"].get(attribute) == value)
    return found


@pytest.fixture(scope="module")
def choosy(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    """Every choice there is about schedules, made otherwise."""
    return synthesise(
        tmp_path_factory.mktemp("choosy"),
        schedule_timezone="Europe/Berlin",
        cleanup_enabled=False,
        cleanup_schedule="rate(12 hours)",
        orphan_after_days=1,
        reconcile_enabled=False,
        reconcile_schedule="cron(15 * * * ? *)",
        reconcile_after_seconds=7200,
        reconcile_within_days=7,
        reconcile_most_jobs=10,
        archive_enabled=False,
        archive_schedule="cron(0 3 * * ? *)",
        archive_after_days=60,
        input_prefixes="raw/,incoming/",
    )


def test_each_runs_when_it_should_in_one_group_of_ours(prod: Stacks):
    assert {name: one["ScheduleExpression"] for name, one in schedules(prod).items()} == CLOCKS
    (group,) = prod.of_type("AWS::Scheduler::ScheduleGroup")
    for one in schedules(prod).values():
        assert one["GroupName"] == {"Ref": group}
        assert one["State"] == "ENABLED"
        assert one["ScheduleExpressionTimezone"] == "UTC"


def test_each_but_the_janitors_may_run_at_other_times_or_not_at_all(choosy: Stacks):
    found = schedules(choosy)
    assert {name: found[name]["State"] for name in UPKEEP} == dict.fromkeys(UPKEEP, "DISABLED")
    assert found["janitor"]["State"] == "ENABLED"
    assert found["cleanup"]["ScheduleExpression"] == "rate(12 hours)"
    assert found["archive"]["ScheduleExpressionTimezone"] == "Europe/Berlin"


@pytest.mark.parametrize("name", CLOCKS)
def test_each_invokes_its_function_under_a_role_that_may_do_nothing_else(prod: Stacks, name: str):
    target = schedules(prod)[name]["Target"]
    function = logical(prod, "AWS::Lambda::Function", "FunctionName", f"haulier-test-{name}")
    dlq = logical(prod, "AWS::SQS::Queue", "QueueName", f"haulier-test-{name}-dlq")
    assert target["Arn"] == {"Fn::GetAtt": [function, "Arn"]}
    assert target["DeadLetterConfig"] == {"Arn": {"Fn::GetAtt": [dlq, "Arn"]}}
    assert target["RetryPolicy"]["MaximumRetryAttempts"] >= 1

    (role,) = target["RoleArn"]["Fn::GetAtt"][:1]
    allowed = {
        action: listed(statement["Resource"])
        for statement in prod.statements(role)
        if statement["Effect"] == "Allow"
        for action in listed(statement["Action"])
    }
    assert allowed == {"lambda:InvokeFunction": [target["Arn"]], "sqs:SendMessage": [target["DeadLetterConfig"]["Arn"]]}


def test_a_role_is_taken_only_for_schedules_of_our_group(prod: Stacks):
    """Not for one schedule: EventBridge Scheduler sends its group's ARN."""
    roles = [role for name, role in prod.of_type("AWS::IAM::Role").items() if "ScheduleRole" in name]
    assert len(roles) == len(CLOCKS)
    for role in roles:
        (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
        assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        assert trust["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Join"][1][-1] == GROUP_ARN


def test_a_schedule_waits_for_its_roles_rights(prod: Stacks):
    for resource in prod.of_type("AWS::Scheduler::Schedule").values():
        assert any("ScheduleRoleDefaultPolicy" in name for name in resource["DependsOn"])


@pytest.mark.parametrize("name", CLOCKS)
def test_what_a_function_fails_at_is_told(prod: Stacks, name: str):
    """Scheduler's own dead letters hold only what it could not hand over to Lambda."""
    function = logical(prod, "AWS::Lambda::Function", "FunctionName", f"haulier-test-{name}")
    (config,) = (
        config["Properties"]
        for config in prod.of_type("AWS::Lambda::EventInvokeConfig").values()
        if config["Properties"]["FunctionName"] == {"Ref": function}
    )
    dlq = logical(prod, "AWS::SQS::Queue", "QueueName", f"haulier-test-{name}-dlq")
    assert config["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": [dlq, "Arn"]}


def told(stacks: Stacks, name: str) -> dict[str, Any]:
    found: dict[str, Any] = stacks.function(name)["Environment"]["Variables"]
    return found


def test_nothing_counts_as_orphaned_while_a_run_could_still_be_on(prod: Stacks, choosy: Stacks):
    assert told(prod, "cleanup")[variables.ORPHAN_AFTER_SECONDS] == str(30 * 86_400)
    assert told(choosy, "cleanup")[variables.ORPHAN_AFTER_SECONDS] == str(Settings().execution_timeout_seconds)


def test_the_functions_are_told_what_was_chosen(choosy: Stacks):
    reconcile = told(choosy, "reconcile")
    assert reconcile[variables.INPUT_PREFIXES] == "raw/,incoming/"
    assert reconcile[variables.RECONCILE_AFTER_SECONDS] == "7200"
    assert reconcile[variables.RECONCILE_WITHIN_DAYS] == "7"
    assert reconcile[variables.RECONCILE_MOST_JOBS] == "10"
    assert told(choosy, "archive")[variables.ARCHIVE_AFTER_DAYS] == "60"


@pytest.mark.parametrize(
    "wrong",
    [
        {"cleanup_schedule": "every night"},
        {"archive_schedule": "cron(0 3 * * *)"},
        {"reconcile_schedule": "rate(0 hours)"},
        {"schedule_timezone": "here; there"},
        {"schedule_timezone": "Europe/Berlim"},
        {"archive_after_days": JOB_TTL_SECONDS // 86_400},
        {"reconcile_within_days": JOB_TTL_SECONDS // 86_400},
    ],
)
def test_a_choice_that_cannot_work_is_refused(wrong: dict[str, Any], tmp_path: Path):
    with pytest.raises(ValidationError):
        Settings(**wrong)


def rights(stacks: Stacks, role: str) -> dict[str, str]:
    """Action → resources and conditions, as text."""
    found: dict[str, str] = {}
    for statement in stacks.statements(role):
        if statement["Effect"] == "Allow":
            for action in listed(statement["Action"]):
                text = json.dumps([statement["Resource"], statement.get("Condition")])
                found[action] = found.get(action, "") + text
    return found


def test_the_clean_up_can_touch_only_what_is_temporary(prod: Stacks):
    found = rights(prod, "CleanupRole")
    assert "/temp/*" in found["s3:DeleteObject"]
    assert not {prefix for prefix in ("processed", "rejected", "failed") if prefix in found["s3:DeleteObject"]}
    assert '"dynamodb:LeadingKeys": "bookmark#cleanup*"' in found["dynamodb:UpdateItem"]
    assert not {"s3:PutObject", "s3:GetObject", "dynamodb:PutItem", "sqs:ReceiveMessage"} & set(found)


def test_the_reconcile_can_only_look_and_ask(choosy: Stacks):
    found = rights(choosy, "ReconcileRole")
    assert '"s3:prefix": "raw/*"' in found["s3:ListBucket"]
    assert '"s3:prefix": "incoming/*"' in found["s3:ListBucket"]
    assert '"dynamodb:LeadingKeys": "object#*"' in found["dynamodb:BatchGetItem"]
    assert '"dynamodb:LeadingKeys": "bookmark#reconcile*"' in found["dynamodb:UpdateItem"]
    assert not {action for action in found if action.startswith("s3:")} - {"s3:ListBucket"}


def test_the_archival_can_change_no_job_and_write_only_the_archive(prod: Stacks):
    found = rights(prod, "ArchiveRole")
    assert "/archive/*" in found["s3:PutObject"]
    assert '"dynamodb:LeadingKeys": "bookmark#archive*"' in found["dynamodb:UpdateItem"]
    assert not {action for action in found if action.startswith("s3:")} - {"s3:PutObject"}

import json

import pytest
from pydantic import ValidationError

from haulier.contracts import limits
from haulier.contracts.dataset import WORK_QUEUES
from haulier.contracts.names import Names
from infra.queues import INTAKE_TIMEOUT_SECONDS
from infra.settings import Settings
from tests.infra.conftest import Stacks, listed, synthesise

NAMES = Names("test")


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
    assert stream["ParallelizationFactor"] == 4
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
    assert source["ScalingConfig"] == {"MaximumConcurrency": 50}


def test_what_an_asynchronous_function_fails_at_ends_in_a_queue(prod: Stacks):
    """Whom a rule or a schedule invokes, Lambda tries again and then forgets, unless it is told where to put it."""
    invoked = {json.dumps(p["Properties"]["FunctionName"]) for p in prod.of_type("AWS::Lambda::Permission").values()
               if p["Properties"]["Principal"] == "events.amazonaws.com"}  # fmt: skip
    schedules = prod.of_type("AWS::Scheduler::Schedule").values()
    invoked |= {json.dumps(schedule["Properties"]["Target"]["Arn"]) for schedule in schedules}
    configured = {
        json.dumps({"Fn::GetAtt": [config["Properties"]["FunctionName"]["Ref"], "Arn"]}): config["Properties"]
        for config in prod.of_type("AWS::Lambda::EventInvokeConfig").values()
    }
    assert len(invoked) >= 2
    assert invoked <= configured.keys()
    for arn, config in configured.items():
        destination = config["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0]
        (function,) = (f["Properties"] for n, f in prod.of_type("AWS::Lambda::Function").items() if f'"{n}"' in arn)
        sends = [s for s in prod.statements(function["Role"]["Fn::GetAtt"][0]) if s["Action"] == "sqs:SendMessage"]
        assert destination in json.dumps(sends)


def test_functions_run_for_the_target_that_was_chosen(prod: Stacks):
    for function in prod.of_type("AWS::Lambda::Function").values():
        assert function["Properties"]["Runtime"] == "python3.13"
        assert listed(function["Properties"]["Architectures"]) == ["arm64"]
        assert function["Properties"]["TracingConfig"] == {"Mode": "Active"}
        assert "LogGroup" in function["Properties"]["LoggingConfig"]


def test_every_function_has_a_role_and_a_log_of_its_own_and_logs_are_not_kept_for_ever(prod: Stacks):
    functions = [f["Properties"] for f in prod.of_type("AWS::Lambda::Function").values()]
    for own in (lambda f: f["Role"], lambda f: f["LoggingConfig"]["LogGroup"]):
        assert len({json.dumps(own(function)) for function in functions}) == len(functions)
    groups = prod.of_type("AWS::Logs::LogGroup")
    assert len(groups) > len(functions)
    assert {group["Properties"]["RetentionInDays"] for group in groups.values()} == {30}


def test_lambda_takes_a_role_whether_or_not_it_says_for_whom(prod: Stacks):
    """No guide says that Lambda sends either key when it takes a function's role; a role cannot be passed to another
    account's function (IAM User Guide, PassRole), so there is nothing to lose by looking only where one is sent."""
    for function in prod.of_type("AWS::Lambda::Function").values():
        role = prod.of_type("AWS::IAM::Role")[function["Properties"]["Role"]["Fn::GetAtt"][0]]
        (trust,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}
        assert trust["Condition"].keys() == {"StringEqualsIfExists", "ArnLikeIfExists"}


def test_every_dead_letter_queue_says_whose_it_is(prod: Stacks):
    queues = {name: queue["Properties"] for name, queue in prod.of_type("AWS::SQS::Queue").items()}
    dlqs = {name for name, queue in queues.items() if "-dlq" in queue["QueueName"]}
    led_to = {q["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]: q["QueueName"]
              for q in queues.values() if "RedrivePolicy" in q}  # fmt: skip
    assert led_to.keys() < dlqs
    for name in dlqs:
        allowed = queues[name]["RedriveAllowPolicy"]
        if name not in led_to:
            assert allowed == {"redrivePermission": "denyAll"}
            continue
        assert allowed["redrivePermission"] == "byQueue"
        (source,) = allowed["sourceQueueArns"]
        assert source["Fn::Join"][1][-1] == f":{led_to[name]}"


def test_no_function_is_in_a_vpc_or_has_reserved_copies_unless_asked(prod: Stacks):
    for function in prod.of_type("AWS::Lambda::Function").values():
        assert "VpcConfig" not in function["Properties"]
        assert "ReservedConcurrentExecutions" not in function["Properties"]
    assert "ec2:" not in json.dumps(prod.pipeline)


def test_a_state_machine_logs_errors_without_data_is_traced_and_ends(prod: Stacks):
    machines = [m["Properties"] for m in prod.of_type("AWS::StepFunctions::StateMachine").values()]
    assert {m["StateMachineName"] for m in machines} == {NAMES.state_machine, NAMES.batch_machine}
    for machine in machines:
        assert machine["LoggingConfiguration"]["Level"] == "ERROR"
        assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False
        assert machine["TracingConfiguration"] == {"Enabled": True}
        assert (
            '"TimeoutSeconds": ' in "".join(map(str, machine["DefinitionString"]["Fn::Join"][1])).split('"States"')[0]
        )


@pytest.mark.parametrize("name", [NAMES.state_machine, NAMES.batch_machine])
def test_a_map_may_do_what_awss_example_says_to_its_own_executions(prod: Stacks, name: str):
    """Step Functions Developer Guide, "IAM policies for using Distributed Map states"; aws-cdk#28820 and #35390."""
    machine = prod.named("AWS::StepFunctions::StateMachine", "StateMachineName", name)
    statements = prod.statements(machine["RoleArn"]["Fn::GetAtt"][0])
    (start,) = (s for s in statements if "states:StartExecution" in listed(s["Action"]))
    assert [arn["Fn::Join"][1][-1] for arn in listed(start["Resource"])] == [f":stateMachine:{name}"]
    (watch,) = (s for s in statements if "states:StopExecution" in listed(s["Action"]))
    assert set(watch["Action"]) == {"states:DescribeExecution", "states:StopExecution"}
    ends = {arn["Fn::Join"][1][-1] for arn in watch["Resource"]}
    assert ends == {f":execution:{name}:*", f":execution:{name}/*"}


@pytest.fixture(scope="module")
def chosen(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    return synthesise(
        tmp_path_factory.mktemp("chosen"),
        lambda_subnet_ids="subnet-1,subnet-2",
        lambda_security_group_ids="sg-1",
        reserved_concurrency="intake=60,janitor=1",
        tracing=False,
        intake_max_concurrency=60,
        machine_log_level="ALL",
        machine_log_data=True,
    )


def test_functions_join_a_vpc_that_is_there(chosen: Stacks):
    functions = chosen.of_type("AWS::Lambda::Function")
    for function in functions.values():
        vpc = {"SubnetIds": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}
        assert function["Properties"]["VpcConfig"] == vpc
        statements = chosen.statements(function["Properties"]["Role"]["Fn::GetAtt"][0])
        allowed = [s for s in statements if s["Effect"] == "Allow" and "ec2:" in json.dumps(s["Action"])]
        (denied,) = (s for s in statements if s["Effect"] == "Deny" and "ec2:" in json.dumps(s["Action"]))
        assert {action for s in allowed for action in listed(s["Action"])} == set(denied["Action"])
        own = denied["Condition"]["ArnEquals"]["lambda:SourceFunctionArn"]["Fn::Join"][1][-1]
        assert own == f":function:{function['Properties']['FunctionName']}"
        # Of a VPC that another account shares, these are that account's.
        (shared,) = (s for s in allowed if s["Action"] == "ec2:CreateNetworkInterface")
        ends = {arn["Fn::Join"][1][-1] for arn in shared["Resource"]}
        assert ends == {":*:subnet/subnet-1", ":*:subnet/subnet-2", ":*:security-group/sg-1"}
    assert not chosen.of_type("AWS::EC2::VPC")


def test_copies_are_reserved_and_nothing_is_traced_where_that_is_asked(chosen: Stacks):
    reserved = {
        f["Properties"]["FunctionName"]: f["Properties"].get("ReservedConcurrentExecutions")
        for f in chosen.of_type("AWS::Lambda::Function").values()
    }
    assert {name: most for name, most in reserved.items() if most} == {
        "haulier-test-intake": 60,
        "haulier-test-janitor": 1,
    }
    for machine in chosen.of_type("AWS::StepFunctions::StateMachine").values():
        assert machine["Properties"]["TracingConfiguration"] == {"Enabled": False}
        assert machine["Properties"]["LoggingConfiguration"]["Level"] == "ALL"
        assert machine["Properties"]["LoggingConfiguration"]["IncludeExecutionData"] is True
    assert "xray:" not in json.dumps(chosen.pipeline)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"lambda_subnet_ids": "subnet-1"}, "both or not at all"),
        ({"reserved_concurrency": "intake=5"}, "not be below intake_max_concurrency"),
        ({"reserved_concurrency": "unknown=5"}, "unknown"),
        ({"reserved_concurrency": "intake=0"}, "greater than or equal to 1"),
        ({"bus_principals": "arn:aws:sts::000000000000:assumed-role/x/y"}, "pattern"),
        ({"alert_emails": "nobody"}, "pattern"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, str], problem: str):
    with pytest.raises(ValidationError, match=problem):
        Settings(**settings)  # type: ignore[arg-type]

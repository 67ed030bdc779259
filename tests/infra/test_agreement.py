"""Infrastructure and deployables agree on variables, names and states: a rename on one side fails here."""

import json

import pytest
from pydantic import BaseModel

from dispatcher import settings as dispatcher
from haulier.contracts import environment as variables
from haulier.contracts import limits
from haulier.contracts.names import Names
from haulier.jobs.items import key_of
from haulier.local.home import Home
from haulier.local.stack import StackInfo
from haulier.local.workers import worker_environment
from infra.workflow import State
from tests.infra.conftest import Stacks
from worker.settings import Settings as WorkerSettings

FUNCTIONS = {
    "intake": dispatcher.IntakeSettings,
    "api": dispatcher.ApiSettings,
    "plan": dispatcher.PlanSettings,
    "assemble": dispatcher.AssembleSettings,
    "notify": dispatcher.NotifySettings,
    "batch": dispatcher.BatchSettings,
    "janitor": dispatcher.JanitorSettings,
    "cleanup": dispatcher.CleanupSettings,
    "reconcile": dispatcher.ReconcileSettings,
    "archive": dispatcher.ArchiveSettings,
    "quality": dispatcher.QualitySettings,
}


def read_by(model: type[BaseModel]) -> set[str]:
    return {str(field.validation_alias) for field in model.model_fields.values()}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_told_exactly_what_it_reads(prod: Stacks, name: str):
    told = set(prod.function(name)["Environment"]["Variables"])
    assert told == read_by(FUNCTIONS[name])


def test_every_function_is_compared(prod: Stacks):
    deployed = {f["Properties"]["FunctionName"] for f in prod.of_type("AWS::Lambda::Function").values()}
    assert deployed == {f"haulier-test-{name}" for name in FUNCTIONS}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_a_function_is_told_is_what_it_takes(prod: Stacks, name: str):
    """Numbers as they are; what is only known at deployment is some text."""
    told = prod.function(name)["Environment"]["Variables"]
    values = {variable: value if isinstance(value, str) else "deployed" for variable, value in told.items()}
    dispatcher.read(FUNCTIONS[name], values)


def test_limits_that_two_sides_hold_to_are_those_of_the_contracts(prod: Stacks):
    intake = dispatcher.read(
        dispatcher.IntakeSettings,
        {k: v if isinstance(v, str) else "x" for k, v in prod.function("intake")["Environment"]["Variables"].items()},
    )
    assert intake.max_object_bytes == limits.MAX_OBJECT_BYTES
    assert intake.chunk_threshold_bytes == limits.DEFAULT_CHUNK_THRESHOLD_BYTES
    assert intake.chunk_bytes == limits.DEFAULT_CHUNK_BYTES
    assert intake.ondemand_after_seconds == limits.ONDEMAND_AFTER_SECONDS
    chunks = deployed_definition(prod)["States"]["Chunks"]
    send = chunks["ItemProcessor"]["States"]["Send"]
    assert chunks["MaxConcurrency"] == limits.MAP_CONCURRENCY
    assert send["HeartbeatSeconds"] == limits.TOKEN_HEARTBEAT_SECONDS
    assert send["TimeoutSeconds"] == limits.TOKEN_TIMEOUT_SECONDS
    # A message that nobody took must not outlive the wait for it, nor a letter the record of its job.
    assert limits.TOKEN_HEARTBEAT_SECONDS <= limits.WORK_RETENTION_SECONDS < limits.DLQ_RETENTION_SECONDS
    assert limits.DLQ_RETENTION_SECONDS < limits.JOB_TTL_SECONDS


def test_the_table_has_the_keys_items_are_written_with(prod: Stacks):
    (table,) = (t["Properties"] for t in prod.of_type("AWS::DynamoDB::Table").values())
    assert {key["AttributeName"] for key in table["KeySchema"]} == set(key_of("j", "job"))
    (index,) = table["GlobalSecondaryIndexes"]
    assert index["IndexName"] == Names("test").status_index
    assert {key["AttributeName"] for key in index["KeySchema"]} == {"status_shard", "updated_at"}


def test_an_embedded_worker_is_told_all_it_must_know_and_nothing_it_does_not_read(tmp_path):
    info = StackInfo(
        endpoint_url="http://127.0.0.1:1", region="us-east-1", environment="test", account="000000000000", pid=1,
        directory=str(tmp_path), input_bucket="in", output_bucket="out",
    )  # fmt: skip
    told = {
        name: value for name, value in worker_environment(info, Home(tmp_path)).items() if name.startswith("HAULIER_")
    }
    assert set(told) <= read_by(WorkerSettings)
    required = {str(field.validation_alias) for field in WorkerSettings.model_fields.values() if field.is_required()}
    assert required <= set(told)
    WorkerSettings.model_validate(told)


def test_every_handler_is_a_function_of_its_module(prod: Stacks):
    for function in prod.of_type("AWS::Lambda::Function").values():
        package, module, name = function["Properties"]["Handler"].split(".")
        assert (package, name) == ("dispatcher", "handler")
        assert f"haulier-test-{module}" == function["Properties"]["FunctionName"]


def test_the_template_holds_the_definition_with_its_nulls(prod: Stacks):
    """Null is not the same as absent in the states language: without it Chunks would replace the input of Assemble."""
    machine = deployed_definition(prod)
    assert machine["States"]["Chunks"]["ResultPath"] is None
    assert "ResultPath" in machine["States"]["Chunks"]


def test_the_machine_has_the_name_intake_and_janitor_start(prod: Stacks):
    machine = prod.named("AWS::StepFunctions::StateMachine", "StateMachineName", "haulier-test-chunks")
    assert machine["StateMachineType"] == "STANDARD"
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False
    for name in ("intake", "janitor"):
        arn = prod.function(name)["Environment"]["Variables"][variables.STATE_MACHINE_ARN]
        assert arn["Fn::Join"][1][-1] == ":stateMachine:haulier-test-chunks"


def deployed_definition(stacks: Stacks) -> State:
    """The definition as CloudFormation will write it, with made-up ARNs where it refers to functions."""
    machine = stacks.named("AWS::StepFunctions::StateMachine", "StateMachineName", "haulier-test-chunks")
    _, pieces = machine["DefinitionString"]["Fn::Join"]
    return json.loads("".join(piece if isinstance(piece, str) else "arn:function" for piece in pieces))

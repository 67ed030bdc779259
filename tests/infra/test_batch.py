"""The batch machine: its definition, and what it and its function may do."""

import json
from collections.abc import Iterator

import pytest

from dispatcher.batch import _answer
from haulier.contracts import environment as variables
from haulier.contracts.limits import COUNT_ROUNDS, GROUP_BYTES, KIB, MAX_SECTIONS
from infra.batch import BATCH_TIMEOUT_SECONDS
from infra.batch_workflow import BatchWorkflow, definition
from infra.workflow import State
from tests.infra.conftest import Stacks, listed

WORKFLOW = BatchWorkflow(
    function="batch-arn", timeout_seconds=900, map_concurrency=3, execution_timeout_seconds=86400 * 30
)
STATES = definition(WORKFLOW)["States"]


def all_states(states: dict[str, State]) -> Iterator[tuple[str, State]]:
    for name, state in states.items():
        yield name, state
        if "ItemProcessor" in state:
            yield from all_states(state["ItemProcessor"]["States"])


def successors(state: State) -> set[str]:
    following = {state[key] for key in ("Next", "Default") if key in state}
    following |= {choice["Next"] for choice in state.get("Choices", [])}
    return following | {catch["Next"] for catch in state.get("Catch", [])}


def test_every_state_is_reached_and_every_successor_exists():
    reached, waiting = set(), {"Begin"}
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting |= successors(STATES[name]) - reached
    assert reached == set(STATES)


def test_every_task_has_a_timeout_longer_than_the_function_s_and_retries_that_end():
    tasks = [state for _, state in all_states(STATES) if state["Type"] == "Task"]
    assert len(tasks) == 3
    for task in tasks:
        assert task["TimeoutSeconds"] > WORKFLOW.timeout_seconds
        for retry in task["Retry"]:
            assert retry["JitterStrategy"] == "FULL"
            assert 0 < retry["MaxAttempts"] < 100


def test_an_outage_of_some_minutes_does_not_fail_a_batch():
    (errors,) = (one for one in STATES["Next"]["Retry"] if "States.TaskFailed" in one["ErrorEquals"])
    waits = [min(errors["MaxDelaySeconds"], errors["IntervalSeconds"] << n) for n in range(errors["MaxAttempts"])]
    # Full jitter: half of it on average.
    assert sum(waits) / 2 > 600


@pytest.mark.parametrize("name", ["Next", "Members"])
def test_any_error_leads_to_abandon_with_batch_and_run_kept(name: str):
    assert STATES[name]["Catch"] == [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Abandon"}]
    assert STATES["Abandon"]["Next"] == "Failed"


def test_every_verdict_of_the_function_leads_somewhere_and_an_unknown_one_is_a_failure():
    ways = {choice["StringEquals"]: choice["Next"] for choice in STATES["Judge"]["Choices"]}
    assert ways == {"admit": "Members", "wait": "Wait", "over": "Over"}
    assert STATES["Judge"]["Default"] == "Failed"


def test_what_the_states_read_of_an_answer_is_always_there():
    answer = {"job_id", "run", *_answer("wait", section=0, round_=0)}
    read = {STATES["Wait"]["SecondsPath"].removeprefix("$.")}
    read |= {path.split(".")[1] for path in STATES["Next"]["Parameters"]["Payload"].values()}
    read |= {path.split(".")[1] for path in STATES["Members"]["ItemReader"]["Parameters"].values()}
    assert read <= answer
    begun = set(STATES["Begin"]["Parameters"])
    assert {name.removesuffix(".$") for name in begun} == {"job_id", "run", "section", "round"}


def test_a_child_ends_well_whatever_becomes_of_its_group():
    inner = STATES["Members"]["ItemProcessor"]["States"]
    assert successors(inner["Admit"]) == {"Settled"}
    assert inner["Settled"] == {"Type": "Pass", "Result": {}, "End": True}


def test_the_map_keeps_to_what_every_emulator_knows():
    state = STATES["Members"]
    for left_out in ("ToleratedFailurePercentage", "ItemBatcher", "ResultWriter"):
        assert left_out not in state
    assert state["ItemReader"]["ReaderConfig"] == {"InputType": "JSON"}
    assert state["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert (state["MaxConcurrency"], state["ResultPath"]) == (3, None)


def test_groups_and_rounds_stay_within_the_quotas_of_step_functions():
    assert 2 * GROUP_BYTES <= 256 * KIB
    # Wait (2 events), Next (5), Judge (2); of each section Next, Judge and Members (4).
    assert COUNT_ROUNDS * 10 + MAX_SECTIONS * 12 < 25_000 * 0.9


def test_the_machine_is_named_as_who_starts_it_expects(prod: Stacks):
    machine = prod.named("AWS::StepFunctions::StateMachine", "StateMachineName", "haulier-test-batch")
    _, pieces = machine["DefinitionString"]["Fn::Join"]
    states = json.loads("".join(piece if isinstance(piece, str) else "arn:function" for piece in pieces))["States"]
    assert states["Members"]["ResultPath"] is None
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is False
    for name in ("intake", "janitor", "api"):
        arn = prod.function(name)["Environment"]["Variables"][variables.BATCH_MACHINE_ARN]
        assert arn["Fn::Join"][1][-1] == ":stateMachine:haulier-test-batch"
    assert prod.function("batch")["Timeout"] == BATCH_TIMEOUT_SECONDS


def test_the_machine_may_call_its_function_read_lists_and_start_itself(prod: Stacks):
    statements = prod.statements("BatchCoordinatorRole")
    own = [s for s in statements if not set(listed(s["Action"])) & {"logs:CreateLogDelivery", "xray:PutTraceSegments"}]
    allowed = {action for s in own if s["Effect"] == "Allow" for action in listed(s["Action"])}
    assert allowed == {
        "lambda:InvokeFunction", "s3:GetObject", "states:StartExecution", "states:DescribeExecution",
        "states:StopExecution",
    }  # fmt: skip
    (reads,) = (s for s in own if s["Action"] == "s3:GetObject")
    assert json.dumps(reads["Resource"]).endswith('/processed/_batches/*"]]}')


def test_the_function_writes_nothing_but_lists_results_and_failures_of_batches(prod: Stacks):
    (writes,) = (s for s in prod.statements("BatchBatchRole") if s["Action"] == "s3:PutObject")
    written = {resource["Fn::Join"][1][-1] for resource in listed(writes["Resource"])}
    assert written == {"/processed/_batches/*", "/failed/_batches/*"}

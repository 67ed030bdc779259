from collections.abc import Iterator

import pytest

from infra.workflow import State, Workflow, chunks, definition, send

WORKFLOW = Workflow(
    plan_function="plan-arn",
    assemble_function="assemble-arn",
    plan_timeout_seconds=60,
    assemble_timeout_seconds=900,
    map_concurrency=7,
    token_heartbeat_seconds=600,
    token_timeout_seconds=3600,
    execution_timeout_seconds=7200,
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


def test_every_task_has_a_timeout_and_every_wait_a_heartbeat_too():
    tasks = [(name, state) for name, state in all_states(STATES) if state["Type"] == "Task"]
    assert len(tasks) == 4
    for name, task in tasks:
        assert task["TimeoutSeconds"] > 0, name
        if task["Resource"].endswith(".waitForTaskToken"):
            assert 0 < task["HeartbeatSeconds"] < task["TimeoutSeconds"], name
    assert definition(WORKFLOW)["TimeoutSeconds"] > send(WORKFLOW)["TimeoutSeconds"]


def test_a_function_has_more_time_in_the_machine_than_it_gives_itself():
    assert STATES["Plan"]["TimeoutSeconds"] > WORKFLOW.plan_timeout_seconds
    assert STATES["Assemble"]["TimeoutSeconds"] > WORKFLOW.assemble_timeout_seconds


@pytest.mark.parametrize("name", ["Plan", "Chunks", "Assemble"])
def test_any_error_leads_to_abandon_with_job_and_run_kept(name: str):
    (catch,) = STATES[name]["Catch"]
    assert catch == {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Abandon"}


def test_abandon_is_told_job_run_and_error_and_ends_in_failure():
    assert STATES["Abandon"]["Parameters"]["Payload"] == {
        "job_id.$": "$.job_id",
        "run.$": "$.run",
        "abandon.$": "$.error",
    }
    assert STATES["Abandon"]["Next"] == "Failed"
    assert STATES["Failed"]["Type"] == "Fail"


def test_every_state_is_reached_and_every_successor_exists():
    reached, waiting = set(), {"Plan"}
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting |= successors(STATES[name]) - reached
    assert reached == set(STATES)


def test_an_unknown_verdict_is_a_failure():
    assert STATES["Judge"]["Default"] == "Failed"
    assert {c["StringEquals"]: c["Next"] for c in STATES["Judge"]["Choices"]} == {"work": "Chunks", "done": "Done"}


def test_every_child_ends_well_with_an_empty_result():
    inner = chunks(WORKFLOW)["ItemProcessor"]["States"]
    assert inner["Settled"] == {"Type": "Pass", "Result": {}, "End": True}
    assert successors(inner["Send"]) == {"Settled"}
    assert inner["Send"]["Catch"] == [{"ErrorEquals": ["States.ALL"], "Next": "Settled"}]


def test_a_worker_s_own_failure_is_not_sent_again():
    retried = {error for retry in send(WORKFLOW)["Retry"] for error in retry["ErrorEquals"]}
    assert not retried & {"States.ALL", "States.TaskFailed"}
    assert {"States.Timeout", "States.HeartbeatTimeout"} <= retried


def test_every_retry_backs_off_with_jitter_and_ends():
    retries = [retry for _, state in all_states(STATES) for retry in state.get("Retry", [])]
    assert retries
    for retry in retries:
        assert retry["JitterStrategy"] == "FULL"
        assert retry["BackoffRate"] > 1
        passing = set(retry["ErrorEquals"]) & {"Lambda.TooManyRequestsException"}
        assert 0 < retry["MaxAttempts"] < (100 if passing else 10)
        assert retry["MaxDelaySeconds"] > retry["IntervalSeconds"]


def test_the_map_keeps_to_what_every_emulator_knows():
    state = chunks(WORKFLOW)
    for left_out in ("ToleratedFailurePercentage", "ItemBatcher", "ResultWriter"):
        assert left_out not in state
    assert state["ItemReader"]["ReaderConfig"] == {"InputType": "JSON"}
    assert state["ItemProcessor"]["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert state["MaxConcurrency"] == 7
    assert state["ResultPath"] is None


def test_a_message_holds_exactly_what_a_worker_reads():
    from haulier.contracts.messages import ChunkMessage

    body = send(WORKFLOW)["Parameters"]["MessageBody"]
    assert {name.removesuffix(".$") for name in body} == set(ChunkMessage.model_fields)

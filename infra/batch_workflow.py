"""The definition of the batch machine: one function a state, from top to bottom in the order a batch passes them.

    Next ─► Judge ─┬─ admit ─► Members (a child a group, which has the function admit it) ─► Next
                   ├─ wait ──► Wait ─► Next
                   ├─ over ──► Over
                   └─ else ──► Failed ◄─ Abandon ◄─ any error of Next or Members

Input: {"job_id", "run"}. The function answers {"job_id", "run", "verdict", "plan": {"bucket", "key"}, "section",
"round", "wait"}. What a child did is not asked: the function counts in the table, and does again what a child left.

Over is the end of the execution, not of the batch: a batch that failed because members did is told by its job's events,
and one that is not over by then is taken up by the janitor's next execution. Left out on purpose is what `workflow`
leaves out; children are STANDARD there and here, so that their histories can be looked at.
"""

from dataclasses import dataclass

from infra.workflow import LAMBDA_BUSY, LAMBDA_ERRORS, LAMBDA_MARGIN_SECONDS, State, retry


@dataclass(frozen=True)
class BatchWorkflow:
    """What the definition depends on.

    Attributes:
        function: name or ARN of the function.
        timeout_seconds: the function's time limit.
        map_concurrency: groups that are admitted at once.
        execution_timeout_seconds: how long one execution may take.
    """

    function: str
    timeout_seconds: int
    map_concurrency: int
    execution_timeout_seconds: int


def definition(workflow: BatchWorkflow) -> State:
    """The whole machine in Amazon States Language, JSONPath."""
    return {
        "Comment": "Lists a batch's members, has them admitted, and counts them until all are over",
        "QueryLanguage": "JSONPath",
        "TimeoutSeconds": workflow.execution_timeout_seconds,
        "StartAt": "Begin",
        "States": {
            "Begin": begin(),
            "Next": following(workflow),
            "Judge": judge(),
            "Members": members(workflow),
            "Wait": wait(),
            "Abandon": abandon(workflow),
            "Over": {"Type": "Succeed"},
            "Failed": failed(),
        },
    }


def begin() -> State:
    """An execution begins at the first section, whatever was admitted before: that is found and left as it is."""
    return {
        "Type": "Pass",
        "Parameters": {"job_id.$": "$.job_id", "run.$": "$.run", "section": 0, "round": 0},
        "Next": "Next",
    }


def following(workflow: BatchWorkflow) -> State:
    """Lists the next section, or counts, or ends the batch."""
    payload = {"job_id.$": "$.job_id", "run.$": "$.run", "section.$": "$.section", "round.$": "$.round"}
    return _invoke(workflow, payload) | {
        "OutputPath": "$.Payload",
        # A quarter of an hour, with jitter: an outage is no failure of a batch, and a second call harms nothing.
        "Retry": _retries(attempts=12),
        "Catch": [_abandon_on_error()],
        "Next": "Judge",
    }


def judge() -> State:
    """Acts on a verdict; one that is not known is a failure, never an end."""
    ways = {"admit": "Members", "wait": "Wait", "over": "Over"}
    return {
        "Type": "Choice",
        "Choices": [{"Variable": "$.verdict", "StringEquals": verdict, "Next": way} for verdict, way in ways.items()],
        "Default": "Failed",
    }


def members(workflow: BatchWorkflow) -> State:
    """A child execution for each group of a section."""
    payload = {"job_id.$": "$.job_id", "run.$": "$.run", "group.$": "$.group", "keys.$": "$.keys"}
    admit = _invoke(workflow, payload) | {
        "ResultPath": None,
        "Retry": _retries(),
        # What a child leaves undone the next count does.
        "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": "Settled"}],
        "Next": "Settled",
    }
    return {
        "Type": "Map",
        "Label": "members",
        "MaxConcurrency": workflow.map_concurrency,
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSON"},
            "Parameters": {"Bucket.$": "$.plan.bucket", "Key.$": "$.plan.key"},
        },
        "ItemSelector": {
            "job_id.$": "$.job_id",
            "run.$": "$.run",
            "group.$": "$$.Map.Item.Value.group",
            "keys.$": "$$.Map.Item.Value.keys",
        },
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "Admit",
            "States": {"Admit": admit, "Settled": {"Type": "Pass", "Result": {}, "End": True}},
        },
        "ResultPath": None,
        "Retry": [retry(["States.ItemReaderFailed"], interval=2, attempts=8)],
        "Catch": [_abandon_on_error()],
        "Next": "Next",
    }


def wait() -> State:
    """Until the next count; as long as the function says."""
    return {"Type": "Wait", "SecondsPath": "$.wait", "Next": "Next"}


def abandon(workflow: BatchWorkflow) -> State:
    """Has the function end the batch as FAILED, with what went wrong. If even this fails, the janitor takes over."""
    payload = {"job_id.$": "$.job_id", "run.$": "$.run", "abandon.$": "$.error"}
    return _invoke(workflow, payload) | {"ResultPath": None, "Retry": _retries(), "Next": "Failed"}


def failed() -> State:
    return {"Type": "Fail", "Error": "BatchFailed", "Cause": "The batch's record in the table says what happened"}


def _invoke(workflow: BatchWorkflow, payload: State) -> State:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": workflow.function, "Payload": payload},
        "TimeoutSeconds": workflow.timeout_seconds + LAMBDA_MARGIN_SECONDS,
    }


def _retries(attempts: int = 6) -> list[State]:
    return [retry(LAMBDA_BUSY, interval=2, attempts=60), retry(LAMBDA_ERRORS, interval=2, attempts=attempts)]


def _abandon_on_error() -> State:
    # ResultPath keeps job_id and run beside the error.
    return {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Abandon"}

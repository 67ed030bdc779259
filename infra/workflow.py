"""The state machine's definition: one function a state, from top to bottom in the order a run passes them.

    Plan ─► Judge ─┬─ work ─► Chunks (a message a chunk, waits for its token) ─► Assemble ─► Judge
                   ├─ done ─► Done
                   └─ else ─► Failed ◄─ Abandon ◄─ any error of Plan, Chunks or Assemble

Input: {"job_id", "run"}. Plan and Assemble answer {"job_id", "run", "verdict", "plan": {"bucket", "key"}, "queue_url",
"group", "pass"}. The map's verdict is advice: every child ends well, and the assembler reads the table.

Left out on purpose, because an emulator refuses or ignores them (DESIGN §9): ItemBatcher, ResultWriter, JSONL,
ToleratedFailurePercentage.
"""

from dataclasses import dataclass
from typing import Any

State = dict[str, Any]

LAMBDA_MARGIN_SECONDS = 30
LAMBDA_BUSY = [
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.TooManyRequestsException",
]
LAMBDA_ERRORS = ["States.TaskFailed", "States.Timeout"]
_SQS_ERRORS = ["SQS.AmazonSQSException", "SQS.SdkClientException"]


@dataclass(frozen=True)
class Workflow:
    """What the definition depends on.

    Attributes:
        plan_function: name or ARN of the planner.
        assemble_function: name or ARN of the assembler.
        plan_timeout_seconds: the planner's time limit.
        assemble_timeout_seconds: the assembler's time limit.
        map_concurrency: chunks of one run that wait in the queue at once.
        token_heartbeat_seconds: how long a chunk may be silent, counted from when it was sent.
        token_timeout_seconds: how long a chunk may take in all, counted from when it was sent.
        execution_timeout_seconds: how long the whole run may take.
    """

    plan_function: str
    assemble_function: str
    plan_timeout_seconds: int
    assemble_timeout_seconds: int
    map_concurrency: int
    token_heartbeat_seconds: int
    token_timeout_seconds: int
    execution_timeout_seconds: int


def definition(workflow: Workflow) -> State:
    """The whole machine in Amazon States Language, JSONPath."""
    return {
        "Comment": "Plans a run's chunks, has workers do them, and assembles what they committed",
        "QueryLanguage": "JSONPath",
        "TimeoutSeconds": workflow.execution_timeout_seconds,
        "StartAt": "Plan",
        "States": {
            "Plan": plan(workflow),
            "Judge": judge(),
            "Chunks": chunks(workflow),
            "Assemble": assemble(workflow),
            "Abandon": abandon(workflow),
            "Done": {"Type": "Succeed"},
            "Failed": failed(),
        },
    }


def plan(workflow: Workflow) -> State:
    """Cuts the object and writes the list of chunks to S3."""
    payload = {"job_id.$": "$.job_id", "run.$": "$.run", "execution.$": "$$.Execution.Name"}
    return _invoke(workflow.plan_function, workflow.plan_timeout_seconds, payload) | {
        "OutputPath": "$.Payload",
        "Catch": [_abandon_on_error()],
        "Next": "Judge",
    }


def judge() -> State:
    """Acts on a verdict of Plan or Assemble; one that is not known is a failure, never a success."""
    return {
        "Type": "Choice",
        "Choices": [
            {"Variable": "$.verdict", "StringEquals": "work", "Next": "Chunks"},
            {"Variable": "$.verdict", "StringEquals": "done", "Next": "Done"},
        ],
        "Default": "Failed",
    }


def chunks(workflow: Workflow) -> State:
    """A child execution for each chunk of the list. Children are STANDARD: only those may wait for a token."""
    return {
        "Type": "Map",
        "Label": "chunks",
        "MaxConcurrency": workflow.map_concurrency,
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSON"},
            "Parameters": {"Bucket.$": "$.plan.bucket", "Key.$": "$.plan.key"},
        },
        "ItemSelector": {
            "job_id.$": "$.job_id",
            "run.$": "$.run",
            "queue_url.$": "$.queue_url",
            "group.$": "$.group",
            "chunk.$": "$$.Map.Item.Value.chunk",
            "round.$": "$$.Map.Item.Value.round",
        },
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "Send",
            "States": {"Send": send(workflow), "Settled": settled()},
        },
        "ResultPath": None,
        "Retry": [retry(["States.ItemReaderFailed"], interval=2, attempts=8)],
        "Catch": [_abandon_on_error()],
        "Next": "Assemble",
    }


def send(workflow: Workflow) -> State:
    """Puts one chunk on its queue and waits until a worker answers the token.

    A chunk that is silent for too long is sent again; the lease in the table keeps two workers apart. A worker's own
    verdict of failure is not retried here: it has spent its attempts already.
    """
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {
            "QueueUrl.$": "$.queue_url",
            "MessageGroupId.$": "$.group",
            "MessageBody": {
                "version": 1,
                "job_id.$": "$.job_id",
                "run.$": "$.run",
                "chunk.$": "$.chunk",
                "round.$": "$.round",
                "token.$": "$$.Task.Token",
            },
        },
        "HeartbeatSeconds": workflow.token_heartbeat_seconds,
        "TimeoutSeconds": workflow.token_timeout_seconds,
        "Retry": [
            retry(["States.HeartbeatTimeout", "States.Timeout"], interval=5, attempts=3),
            retry(_SQS_ERRORS, interval=2, attempts=6),
        ],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Settled"}],
        "Next": "Settled",
    }


def settled() -> State:
    """Every child ends well and says nothing, so that 10,000 results stay far below 256 KiB."""
    return {"Type": "Pass", "Result": {}, "End": True}


def assemble(workflow: Workflow) -> State:
    """Proves the chain of chunks and seals the run, or lists what has to be done again."""
    payload = {
        "job_id.$": "$.job_id",
        "run.$": "$.run",
        "pass.$": "$.pass",
        "queue_url.$": "$.queue_url",
        "group.$": "$.group",
    }
    return _invoke(workflow.assemble_function, workflow.assemble_timeout_seconds, payload) | {
        "OutputPath": "$.Payload",
        "Catch": [_abandon_on_error()],
        "Next": "Judge",
    }


def abandon(workflow: Workflow) -> State:
    """Has the assembler end the job as FAILED, with what went wrong here. If even this fails, the execution's own end
    brings the assembler to it (`infra.executions`); if that is lost, too, the janitor starts the next execution.
    """
    payload = {"job_id.$": "$.job_id", "run.$": "$.run", "abandon.$": "$.error"}
    return _invoke(workflow.assemble_function, workflow.assemble_timeout_seconds, payload) | {
        "ResultPath": None,
        "Next": "Failed",
    }


def failed() -> State:
    return {"Type": "Fail", "Error": "JobFailed", "Cause": "The job's record in the table says what happened"}


def _invoke(function: str, timeout_seconds: int, payload: State) -> State:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload": payload},
        "TimeoutSeconds": timeout_seconds + LAMBDA_MARGIN_SECONDS,
        # Throttling passes and is no failure of the job: some hours of it are waited for.
        "Retry": [retry(LAMBDA_BUSY, interval=2, attempts=60), retry(LAMBDA_ERRORS, interval=2, attempts=3)],
    }


def retry(errors: list[str], *, interval: int, attempts: int) -> State:
    return {
        "ErrorEquals": errors,
        "IntervalSeconds": interval,
        "MaxAttempts": attempts,
        "BackoffRate": 2,
        "MaxDelaySeconds": 300,
        "JitterStrategy": "FULL",
    }


def _abandon_on_error() -> State:
    # ResultPath keeps job_id and run beside the error.
    return {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Abandon"}

"""What may go wrong with a call, how often, and how the service says it. Pure: seed, operation and the number of the
call decide, so the n-th GetObject of a seed always meets the same fate.
"""

import json
import random
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What happens to a call.

    THROTTLE and ERROR are answered in the service's stead. RESET drops the connection before the service hears of it,
    LOST after it has done what was asked. CUT breaks an answer's body off, SLOW lets it trickle, LATE holds the answer
    of a call that is done for longer than a brisk client waits. HIDDEN is S3's 200 whose body is an error, UNPROCESSED
    is DynamoDB's batch of which nothing was read.
    """

    THROTTLE = "throttle"
    ERROR = "error"
    RESET = "reset"
    LOST = "lost"
    CUT = "cut"
    SLOW = "slow"
    LATE = "late"
    HIDDEN = "hidden error"
    UNPROCESSED = "unprocessed"


@dataclass(frozen=True)
class Fault:
    """A kind, and for SLOW and LATE how long."""

    kind: Kind
    seconds: float = 0.0


EVERYWHERE = {Kind.THROTTLE: 0.02, Kind.ERROR: 0.012, Kind.RESET: 0.01, Kind.LOST: 0.015, Kind.LATE: 0.002}
SPECIAL: dict[str, dict[Kind, float]] = {
    "s3:GetObject": {Kind.CUT: 0.12, Kind.SLOW: 0.10},
    "s3:CompleteMultipartUpload": {Kind.LOST: 0.25, Kind.HIDDEN: 0.15},
    "s3:UploadPart": {Kind.LOST: 0.08, Kind.RESET: 0.05},
    "s3:PutObject": {Kind.LOST: 0.05},
    "dynamodb:UpdateItem": {Kind.LOST: 0.06},
    "dynamodb:BatchGetItem": {Kind.UNPROCESSED: 0.05},
    "sqs:ReceiveMessage": {Kind.LOST: 0.04},
    "sqs:SendMessage": {Kind.LOST: 0.2},
    "sqs:DeleteMessage": {Kind.LOST: 0.06, Kind.RESET: 0.03},
    "stepfunctions:SendTaskSuccess": {Kind.LOST: 0.1},
}
STORM = {Kind.THROTTLE: 0.3, Kind.ERROR: 0.1, Kind.RESET: 0.1}
UNTOUCHED = ("other:", "sts:")


def decide(seed: int, operation: str, number: int, *, storm: bool = False) -> Fault | None:
    """The fate of a call.

    Args:
        seed: of the run.
        operation: as `operations.operation` names it.
        number: how many calls of that operation came before.
        storm: whether its service has a bad time.
    """
    if operation.startswith(UNTOUCHED):
        return None
    dice = random.Random(f"{seed}/{operation}/{number}/{storm}")
    chances = dict(EVERYWHERE)
    for more in (SPECIAL.get(operation, {}), STORM if storm else {}):
        for kind, chance in more.items():
            chances[kind] = chances.get(kind, 0.0) + chance
    drawn = dice.random()
    for kind, chance in chances.items():
        if drawn < chance:
            seconds = {Kind.SLOW: dice.uniform(0.3, 4), Kind.LATE: dice.uniform(5, 9)}.get(kind, 0.0)
            return Fault(kind, seconds)
        drawn -= chance
    return None


def refusal(kind: Kind, operation: str) -> tuple[int, str, bytes, dict[str, str]]:
    """How a service refuses a call: status, content type, body, headers."""
    service = operation.partition(":")[0]
    if service == "s3":
        code, status = ("SlowDown", 503) if kind is Kind.THROTTLE else ("InternalError", 500)
        if kind is Kind.HIDDEN:
            status = 200
        body = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>chaos</Message></Error>'
        return status, "application/xml", b"" if operation == "s3:HeadObject" else body.encode(), {}
    if kind is Kind.THROTTLE:
        status = 400
        code = {
            "dynamodb": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
            "sqs": "com.amazonaws.sqs#RequestThrottled",
        }.get(service, "ThrottlingException")
    else:
        status = 500
        code = {"dynamodb": "com.amazonaws.dynamodb.v20120810#InternalServerError", "sqs": "InternalError"}.get(
            service, "InternalFailure"
        )
    more = {"x-amzn-query-error": "RequestThrottled;Sender"} if service == "sqs" and status == 400 else {}
    kind_of_json = "application/x-amz-json-1.1" if service == "stepfunctions" else "application/x-amz-json-1.0"
    return status, kind_of_json, json.dumps({"__type": code, "message": "chaos"}).encode(), more


def unprocessed(request: bytes) -> bytes:
    """DynamoDB's answer to a BatchGetItem of which it did nothing."""
    asked = json.loads(request)
    return json.dumps({"Responses": {}, "UnprocessedKeys": asked["RequestItems"]}).encode()

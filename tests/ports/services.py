"""The services behind the ports: fakes, or a server through `worker.aws`."""

import asyncio
import functools
import json
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import boto3

from haulier.contracts.source import Source
from haulier.jobs.calls import Call
from tests.fakes.kill import Switch
from tests.fakes.queue import FakeQueue
from tests.fakes.tokens import FakeTokens
from tests.fakes.world import INPUT, World
from worker.aws.perform import Performer
from worker.aws.s3_read import S3Source
from worker.aws.s3_write import S3Store
from worker.aws.session import PATIENT, open_clients
from worker.aws.sqs import SqsQueue
from worker.aws.tokens import TaskTokens
from worker.ports import Perform, Queue, ReadObject, StoreParts, Tokens

REGION = "us-east-1"
"""Where a bucket needs no location."""
TABLE = "ports-jobs"

# What AWS enforces and some servers do not.
LEAST_PART = "a part but the last has at least 5 MiB"
HEARTBEATS = "a token dies when it is silent for longer than HeartbeatSeconds"
NOT_ENFORCED = {
    "fakes": {HEARTBEATS},
    "emulator": {LEAST_PART, HEARTBEATS},
    "endpoint": set[str](),
}


@dataclass
class Services:
    """Everything a worker's ports reach, in one place.

    Attributes:
        name: fakes, emulator or endpoint.
        queue: an empty queue.
        tokens: Step Functions.
        reader, store: S3; `store` writes to a bucket of its own.
        perform: the calls of `haulier.jobs`.
        table: the name of an empty table.
    """

    name: str
    queue: Queue
    tokens: Tokens
    reader: ReadObject
    store: StoreParts
    perform: Perform
    table: str

    def enforces(self, what: str) -> bool:
        return what not in NOT_ENFORCED[self.name]

    async def send(self, body: str) -> None: ...

    async def put_source(self, data: bytes) -> Source: ...

    async def stored(self, key: str) -> bytes | None: ...

    async def token(self, heartbeat_seconds: int) -> str: ...

    async def passes(self, seconds: float) -> None: ...


class Fakes(Services):
    """The fakes the unit and fault tests stand on."""

    def __init__(self) -> None:
        self._world = world = World()
        self._queue = FakeQueue("standard", world.clock, Switch())
        self._tokens = FakeTokens(Switch(), issued=set())
        super().__init__("fakes", self._queue, self._tokens, world.objects, world.objects, world.perform, "jobs")
        self._made = 0

    async def send(self, body: str) -> None:
        self._queue.send(body, "group")

    async def put_source(self, data: bytes) -> Source:
        return self._world.objects.put_source(INPUT, "incoming/a.csv", data)

    async def stored(self, key: str) -> bytes | None:
        return self._world.objects.outputs.get(key)

    async def token(self, heartbeat_seconds: int) -> str:
        self._made += 1
        token = f"t{self._made}"
        assert self._tokens.issued is not None
        self._tokens.issued.add(token)
        return token

    async def passes(self, seconds: float) -> None:
        self._world.clock.turn(seconds)

    def close(self) -> None:
        self._world.close()


class Server(Services):
    """A server, by name and with resources of its own."""

    def __init__(self, name: str, clients: Any, sync: dict[str, Any]) -> None:
        self._mark = uuid.uuid4().hex[:12]
        self._sync = sync
        self._bucket = f"ports-{self._mark}"
        self._sync["s3"].create_bucket(Bucket=self._bucket)
        self._url = self._new_queue(f"ports-{self._mark}")
        self._make_table()
        super().__init__(
            name,
            SqsQueue(clients["sqs"], "standard", url=self._url, dlq_url=""),
            TaskTokens(clients["stepfunctions"]),
            S3Source(clients["s3"]),
            S3Store(clients["s3"], self._bucket),
            Performer(clients),
            f"{TABLE}-{self._mark}",
        )

    def _new_queue(self, name: str) -> str:
        url: str = self._sync["sqs"].create_queue(QueueName=name)["QueueUrl"]
        return url

    def _make_table(self) -> None:
        self._sync["dynamodb"].create_table(
            TableName=f"{TABLE}-{self._mark}",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("job_id", "sk")],
            KeySchema=[
                {"AttributeName": "job_id", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )

    async def send(self, body: str) -> None:
        await self._do("sqs", "send_message", QueueUrl=self._url, MessageBody=body, MessageGroupId="group")

    async def put_source(self, data: bytes) -> Source:
        answer = await self._do("s3", "put_object", Bucket=self._bucket, Key="incoming/a.csv", Body=data)
        etag = answer["ETag"].strip('"')
        return Source(bucket=self._bucket, key="incoming/a.csv", size=len(data), etag=etag)

    async def stored(self, key: str) -> bytes | None:
        try:
            answer = await self._do("s3", "get_object", Bucket=self._bucket, Key=key)
        except self._sync["s3"].exceptions.NoSuchKey:
            return None
        body: bytes = answer["Body"].read()
        return body

    async def token(self, heartbeat_seconds: int) -> str:
        url = self._new_queue(f"tokens-{self._mark}-{heartbeat_seconds}")
        role = await self._role()
        machine = await self._do(
            "stepfunctions",
            "create_state_machine",
            name=f"ports-{self._mark}-{uuid.uuid4().hex[:6]}",
            roleArn=role,
            definition=json.dumps(_waiting_for_a_token(url, heartbeat_seconds)),
        )
        await self._do("stepfunctions", "start_execution", stateMachineArn=machine["stateMachineArn"], input="{}")
        answer = await self._do("sqs", "receive_message", QueueUrl=url, WaitTimeSeconds=20)
        token: str = json.loads(answer["Messages"][0]["Body"])["token"]
        return token

    async def _role(self) -> str:
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
        rights = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}],
        }
        name = f"ports-{self._mark}-{uuid.uuid4().hex[:6]}"
        made = await self._do("iam", "create_role", RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        await self._do("iam", "put_role_policy", RoleName=name, PolicyName="send", PolicyDocument=json.dumps(rights))
        arn: str = made["Role"]["Arn"]
        return arn

    async def passes(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def _do(self, service: str, operation: str, **params: Any) -> Any:
        return await asyncio.to_thread(getattr(self._sync[service], operation), **params)


def _waiting_for_a_token(url: str, heartbeat_seconds: int) -> dict[str, Any]:
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": url, "MessageBody": {"token.$": "$$.Task.Token"}},
        "HeartbeatSeconds": heartbeat_seconds,
        "TimeoutSeconds": 600,
        "End": True,
    }
    return {"StartAt": "Wait", "States": {"Wait": task}}


@asynccontextmanager
async def at_server(name: str, endpoint: str) -> AsyncIterator[Server]:
    """A server's services; credentials, region and endpoint are in the environment, as a worker's are."""
    async with open_clients(PATIENT) as clients:
        yield Server(name, clients, _sync_clients(endpoint))


@functools.cache
def _sync_clients(endpoint: str) -> dict[str, Any]:
    """What the tests arrange things with."""
    session = boto3.Session(
        aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )
    return {
        service: session.client(service, endpoint_url=endpoint)
        for service in ("s3", "sqs", "dynamodb", "stepfunctions", "iam")
    }


async def get_item(services: Services, key: dict[str, Any]) -> dict[str, Any] | None:
    answer = await services.perform(
        Call("dynamodb", "get_item", {"TableName": services.table, "Key": key, "ConsistentRead": True})
    )
    item: dict[str, Any] | None = answer.get("Item")
    return item

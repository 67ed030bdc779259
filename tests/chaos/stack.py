"""The running stack as an outsider sees it: plain boto3, raw items, no code of Haulier's but its names."""

import json
from collections.abc import Iterator
from typing import Any, get_args

import boto3
from botocore.config import Config

from haulier.contracts.dataset import QueueName
from haulier.contracts.names import Names
from haulier.local import StackInfo

WORK = ("intake", *get_args(QueueName))


class Stack:
    """Attributes: `info` of it; `names` of its resources; a client for each service used here."""

    def __init__(self, info: StackInfo) -> None:
        self.info = info
        self.names = Names(info.environment)
        environ = info.client_environment()
        session = boto3.Session(
            aws_access_key_id=environ["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environ["AWS_SECRET_ACCESS_KEY"],
            region_name=info.region,
        )
        config = Config(retries={"mode": "standard", "total_max_attempts": 5})

        def client(service: str) -> Any:
            return session.client(service, endpoint_url=info.endpoint_url, config=config)

        self.s3, self.sqs, self.dynamodb = client("s3"), client("sqs"), client("dynamodb")
        self.stepfunctions, self._sts = client("stepfunctions"), client("sts")

    def worker_keys(self) -> dict[str, str]:
        """Temporary keys of the shipped worker role, so that not every new worker has to start a program for them."""
        arn = f"arn:aws:iam::{self.info.account}:role/{self.names.worker_role}"
        keys = self._sts.assume_role(RoleArn=arn, RoleSessionName="chaos", DurationSeconds=3600)["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
        }

    def put(self, key: str, body: bytes) -> str:
        """Puts an object into the input bucket; returns its ETag."""
        answer = self.s3.put_object(Bucket=self.info.input_bucket, Key=key, Body=body)
        return str(answer["ETag"]).strip('"')

    def delete(self, key: str) -> None:
        self.s3.delete_object(Bucket=self.info.input_bucket, Key=key)

    def get(self, key: str) -> bytes:
        """An object of the output bucket."""
        body: bytes = self.s3.get_object(Bucket=self.info.output_bucket, Key=key)["Body"].read()
        return body

    def listing(self, prefix: str) -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.info.output_bucket, Prefix=prefix)
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def uploads(self) -> list[str]:
        answer = self.s3.list_multipart_uploads(Bucket=self.info.output_bucket)
        return [entry["Key"] for entry in answer.get("Uploads", [])]

    def items(self) -> list[dict[str, Any]]:
        """Every item of the job table, as plain values."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.names.table, ConsistentRead=True)
        return [{name: _plain(value) for name, value in item.items()} for page in pages for item in page["Items"]]

    def send(self, queue: str, body: str) -> None:
        self.sqs.send_message(QueueUrl=self.url(queue), MessageBody=body)

    def url(self, queue: str) -> str:
        return f"{self.info.endpoint_url}/{self.info.account}/{queue}"

    def depth(self, queue: str) -> dict[str, int]:
        kinds = ("", "NotVisible", "Delayed")
        names = [f"ApproximateNumberOfMessages{kind}" for kind in kinds]
        found = self.sqs.get_queue_attributes(QueueUrl=self.url(queue), AttributeNames=names)["Attributes"]
        return {kind or "Visible": int(found[name]) for kind, name in zip(kinds, names, strict=True)}

    def drain(self, queue: str) -> Iterator[dict[str, Any]]:
        """Takes everything that lies in a queue."""
        while True:
            answer = self.sqs.receive_message(
                QueueUrl=self.url(queue),
                MaxNumberOfMessages=10,
                WaitTimeSeconds=1,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            if not answer.get("Messages"):
                return
            for message in answer["Messages"]:
                self.sqs.delete_message(QueueUrl=self.url(queue), ReceiptHandle=message["ReceiptHandle"])
                yield message

    def executions(self) -> list[str]:
        """Names of the executions that run."""
        machines = self.stepfunctions.list_state_machines()["stateMachines"]
        return [
            execution["name"]
            for machine in machines
            for execution in self.stepfunctions.list_executions(
                stateMachineArn=machine["stateMachineArn"], statusFilter="RUNNING"
            )["executions"]
        ]


def _plain(value: dict[str, Any]) -> Any:
    kind, held = next(iter(value.items()))
    match kind:
        case "N":
            return int(held) if held.lstrip("-").isdigit() else float(held)
        case "NULL":
            return None
        case "L":
            return [_plain(entry) for entry in held]
        case "M":
            return {name: _plain(entry) for name, entry in held.items()}
        case _:
            return held


def parsed(text: str | None) -> dict[str, Any]:
    """A JSON object held as text, or an empty one."""
    found = json.loads(text) if text else {}
    return found if isinstance(found, dict) else {}

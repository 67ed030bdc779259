"""Stand-ins for boto3's clients: as much of each service as the client uses, in memory."""
# ruff: noqa: N803 - the parameters are named as boto3 names them

import io
import zlib
from collections import defaultdict
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from haulier.client.connection import Connection
from haulier.contracts.names import Names
from haulier.contracts.run import Plan, RunPin
from haulier.contracts.source import Source
from haulier.jobs.attributes import encode_item
from haulier.jobs.items import JOB_SK, JobItem, chunk_sk, run_sk, status_shard
from haulier.jobs.times import iso

NOW_MS = 1_700_000_000_000
JOB = "j" + "a" * 26
OTHER = "j" + "b" * 26


def refused(operation: str, code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)


class Dynamo:
    """Items by key; queries of one partition, and of the status index with its prefix filter."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], dict[str, Any]] = {}
        self.page = 1000

    def hold(self, values: dict[str, Any]) -> None:
        self.items[values["job_id"], values["sk"]] = encode_item(values)

    def get_item(self, **params: Any) -> dict[str, Any]:
        key = params["Key"]
        found = self.items.get((key["job_id"]["S"], key["sk"]["S"]))
        return {"Item": found} if found else {}

    def query(self, **params: Any) -> dict[str, Any]:
        values = params["ExpressionAttributeValues"]
        if params.get("IndexName"):
            prefix = values.get(":prefix", {"S": ""})["S"]
            found = [
                item
                for item in self.items.values()
                if item.get("status_shard") == values[":shard"] and item["job_id"]["S"].startswith(prefix)
            ]
            found.sort(key=lambda item: item["updated_at"]["S"], reverse=not params["ScanIndexForward"])
        else:
            job, prefix = values[":job"]["S"], values[":prefix"]["S"]
            found = [item for (id_, sk), item in sorted(self.items.items()) if id_ == job and sk.startswith(prefix)]
        start = int(params.get("ExclusiveStartKey", 0))
        page = found[start : start + min(params.get("Limit", self.page), self.page)]
        more = start + len(page) < len(found)
        return {"Items": page} | ({"LastEvaluatedKey": start + len(page)} if more else {})


class S3:
    """Objects by bucket and key."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}

    def get_object(self, *, Bucket: str, Key: str, Range: str | None = None) -> dict[str, Any]:
        if (Bucket, Key) not in self.objects:
            raise refused("GetObject", "NoSuchKey")
        return {"Body": _Body(self.objects[Bucket, Key])}

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        if (Bucket, Key) not in self.objects:
            raise refused("HeadObject", "404")
        body = self.objects[Bucket, Key]
        return {"ContentLength": len(body), "ETag": f'"{zlib.crc32(body):08x}"', "VersionId": "null"}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **_: Any) -> dict[str, Any]:
        self.objects[Bucket, Key] = Body
        return {}

    def upload_file(self, path: str, bucket: str, key: str, Callback: Any = None) -> None:
        self.objects[bucket, key] = Path(path).read_bytes()
        if Callback:
            Callback(len(self.objects[bucket, key]))

    def download_file(self, bucket: str, key: str, path: str, Callback: Any = None) -> None:
        Path(path).write_bytes(self.objects[bucket, key])
        if Callback:
            Callback(len(self.objects[bucket, key]))

    def list_objects_v2(self, *, Bucket: str, Prefix: str, StartAfter: str = "") -> dict[str, Any]:
        keys = [key for bucket, key in self.objects if bucket == Bucket and key.startswith(Prefix) and key > StartAfter]
        return {"Contents": [{"Key": key, "Size": len(self.objects[Bucket, key])} for key in keys]}

    def get_paginator(self, operation: str) -> "S3":
        assert operation == "list_objects_v2"
        return self

    def paginate(self, **params: Any) -> list[dict[str, Any]]:
        return [self.list_objects_v2(**params)]


class _Body(io.BytesIO):
    def iter_lines(self) -> list[bytes]:
        return self.read().splitlines()


class Sqs:
    """Queues of messages; one that is received is hidden until its visibility is set to zero."""

    def __init__(self) -> None:
        self.queues: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.hidden: set[str] = set()
        self.sent: list[dict[str, Any]] = []
        self.moving: list[str] = []
        self.move_statuses: list[str] | None = None
        """What a move task is in each look at it; None where the service has none, as the embedded emulator."""

    def get_queue_url(self, *, QueueName: str) -> dict[str, str]:
        return {"QueueUrl": QueueName}

    def hold(self, queue: str, body: str, number: int, **attributes: str) -> None:
        self.queues[queue].append(
            {
                "MessageId": f"m{number}",
                "ReceiptHandle": f"{queue}/m{number}",
                "Body": body,
                "Attributes": {"SentTimestamp": str(NOW_MS + number), "MessageGroupId": "default"},
                "MessageAttributes": {name: {"StringValue": value} for name, value in attributes.items()},
            }
        )

    def receive_message(self, *, QueueUrl: str, MaxNumberOfMessages: int, **_: Any) -> dict[str, Any]:
        visible = [m for m in self.queues[QueueUrl] if m["ReceiptHandle"] not in self.hidden][:MaxNumberOfMessages]
        self.hidden |= {message["ReceiptHandle"] for message in visible}
        return {"Messages": visible} if visible else {}

    def change_message_visibility(self, *, QueueUrl: str, ReceiptHandle: str, VisibilityTimeout: int) -> None:
        assert VisibilityTimeout == 0
        self.hidden.discard(ReceiptHandle)

    def delete_message(self, *, QueueUrl: str, ReceiptHandle: str) -> None:
        self.queues[QueueUrl] = [m for m in self.queues[QueueUrl] if m["ReceiptHandle"] != ReceiptHandle]
        self.hidden.discard(ReceiptHandle)

    def send_message(self, **params: Any) -> dict[str, Any]:
        self.sent.append(params)
        return {}

    def get_queue_attributes(self, *, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:
        return {"Attributes": dict.fromkeys(AttributeNames, f"arn:{QueueUrl}")}

    def start_message_move_task(self, *, SourceArn: str) -> dict[str, str]:
        if self.move_statuses is None:
            raise refused("StartMessageMoveTask", "InvalidAction")
        self.moving.append(SourceArn)
        return {"TaskHandle": "h"}

    def list_message_move_tasks(self, *, SourceArn: str, MaxResults: int) -> dict[str, Any]:
        assert (self.moving[-1], MaxResults) == (SourceArn, 1)
        status = self.move_statuses.pop(0)
        moved = self.queues.pop(SourceArn.removeprefix("arn:"), []) if status == "COMPLETED" else []
        task = {"Status": status, "ApproximateNumberOfMessagesMoved": len(moved)}
        return {"Results": [task | ({"FailureReason": "denied"} if status == "FAILED" else {})]}


class Events:
    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self.refuse = False

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        if self.refuse:
            return {"FailedEntryCount": 1, "Entries": [{"ErrorMessage": "no"}]}
        self.entries += Entries
        return {"FailedEntryCount": 0, "Entries": [{}]}


class Stack:
    """A connection to nothing but memory."""

    def __init__(self) -> None:
        self.dynamodb, self.s3, self.sqs, self.events = Dynamo(), S3(), Sqs(), Events()
        self.connection = Connection(
            Names("t"), "123456789012", "eu-west-1", lambda service: getattr(self, service), lambda: NOW_MS
        )

    def job(self, job_id: str = JOB, status: str = "RUNNING", **more: Any) -> JobItem:
        """Puts a job into the table."""
        values = {
            "job_id": job_id,
            "sk": JOB_SK,
            "status": status,
            "status_shard": status_shard(status, job_id),  # type: ignore[arg-type]
            "run": 1,
            "dataset": "default",
            "bucket": self.connection.input_bucket,
            "key": "incoming/a.csv",
            "size": 100,
            "accepted_at_ms": NOW_MS,
            "created_at": iso(NOW_MS),
            "updated_at": iso(NOW_MS),
            "chunked": False,
            "queue": "standard",
        } | more
        self.dynamodb.hold(values)
        return JobItem.of(encode_item(values))

    def run(self, job_id: str = JOB, run: int = 1, *, plan: Plan | None = None) -> None:
        source = Source(bucket=self.connection.input_bucket, key="incoming/a.csv", size=100, etag="e")
        pin = RunPin.model_validate(
            {
                "source": source,
                "dataset": {"name": "default"},
                "accepted_at_ms": NOW_MS,
                "chunked": plan is not None,
                "queue": "standard",
                "threshold_bytes": 4096,
                "chunk_bytes": 4096,
            }
        )
        values = {"job_id": job_id, "sk": run_sk(run), "pin": pin.to_json(), "plan": plan.to_json() if plan else None}
        self.dynamodb.hold(values)

    def chunk(self, job_id: str = JOB, run: int = 1, chunk: int = 0, round_: int = 0, **more: Any) -> None:
        self.dynamodb.hold({"job_id": job_id, "sk": chunk_sk(run, chunk, round_)} | more)

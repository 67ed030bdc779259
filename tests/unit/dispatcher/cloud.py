"""An AWS in memory, answering the calls the dispatcher makes: one table, two buckets, queues, a machine, topics, a bus.

It counts calls and can die at any of them, before or after the call has had its effect.
"""

# ruff: noqa: N803 - parameters have the names AWS gives them

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from haulier.contracts.limits import PEEK_BYTES
from haulier.jobs.attributes import decode_item
from haulier.jobs.calls import AlreadyExists, Call, NotFound, PreconditionFailed
from tests.fakes.table import FakeTable


class Died(BaseException):
    """The process was killed: no handler of an error ever sees it."""


WRITTEN = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
"""When everything was written that does not say otherwise: `builders.NOW`."""


@dataclass
class StoredObject:
    body: bytes
    size: int | None = None
    written: datetime = WRITTEN

    @property
    def length(self) -> int:
        return len(self.body) if self.size is None else self.size

    @property
    def etag(self) -> str:
        return hashlib.md5(self.body + str(self.size).encode()).hexdigest()


@dataclass
class Cloud:
    table: FakeTable = field(default_factory=FakeTable)
    objects: dict[tuple[str, str], StoredObject] = field(default_factory=dict)
    uploads: dict[str, tuple[str, str]] = field(default_factory=dict)
    begun: dict[str, datetime] = field(default_factory=dict)
    page: int = 1000
    ranged: bool = False
    sent: list[dict[str, Any]] = field(default_factory=list)
    executions: dict[str, str] = field(default_factory=dict)
    published: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    die_before: int | None = None
    die_after: int | None = None
    broken: dict[str, Exception] = field(default_factory=dict)

    @property
    def items(self) -> dict[tuple[str, str], dict[str, Any]]:
        return self.table.items

    def put(self, bucket: str, key: str, body: bytes, size: int | None = None, written: datetime = WRITTEN) -> str:
        """Stores an object, of any pretended size; returns its ETag."""
        self.objects[bucket, key] = StoredObject(body, size, written)
        return self.objects[bucket, key].etag

    def rows(self, sk: str) -> list[dict[str, Any]]:
        """Plain values of all items with that sort key."""
        return [decode_item(item) for (_, at), item in sorted(self.items.items()) if at == sk]

    def job(self, job_id: str) -> dict[str, Any]:
        return decode_item(self.items[job_id, "job"])

    def perform(self, call: Call) -> Any:
        return self.ask(call.service, call.operation, call.params)

    def ask(self, service: str, operation: str, params: Mapping[str, Any]) -> Any:
        number = len(self.calls)
        self.calls.append(operation)
        if number == self.die_before:
            raise Died
        if operation in self.broken:
            raise self.broken[operation]
        if service == "dynamodb" and operation != "query":
            answer = self.table.perform(operation, dict(params))
        else:
            answer = getattr(self, f"_{service}_{operation}")(**params)
        if number == self.die_after:
            raise Died
        return answer

    # DynamoDB, as the fake table has it, and the status index

    def _dynamodb_query(self, **params: Any) -> Any:
        if "IndexName" not in params:
            return self.table.perform("query", params)
        asked = {name: value["S"] for name, value in params["ExpressionAttributeValues"].items()}
        partition = asked.get(":partition") or asked[":shard"]
        until = asked.get(":until") or asked.get(":moment", "9999")
        if asked.get(":since", "") > until:
            raise ValueError("ValidationException: BETWEEN requires its upper bound to be no less than its lower one")
        found = [
            item
            for item in self.items.values()
            if item.get("status_shard") == {"S": partition}
            and asked.get(":since", "") <= item["updated_at"]["S"] <= until
        ]
        found.sort(key=lambda item: (item["updated_at"]["S"], item["job_id"]["S"]))
        if not params.get("ScanIndexForward", True):
            # Those of one moment stay in the order of their ids: DynamoDB promises none.
            found.sort(key=lambda item: item["updated_at"]["S"], reverse=True)
        start = int(params["ExclusiveStartKey"]["at"]["N"]) if "ExclusiveStartKey" in params else 0
        end = start + params["Limit"]
        more = {"LastEvaluatedKey": {"at": {"N": str(end)}}} if end < len(found) else {}
        return {"Items": found[start:end]} | more

    # S3

    def _s3_head_object(self, Bucket: str, Key: str, **_: Any) -> Any:
        stored = self._stored(Bucket, Key)
        return {
            "ContentLength": stored.length,
            "ETag": f'"{stored.etag}"',
            "LastModified": stored.written,
        }

    def _s3_get_object(self, Bucket: str, Key: str, **rest: Any) -> Any:
        stored = self._stored(Bucket, Key)
        if rest.get("IfMatch", f'"{stored.etag}"') != f'"{stored.etag}"':
            raise PreconditionFailed
        if "Range" not in rest:
            return {"Body": stored.body, "ContentLength": stored.length}
        if self.ranged:
            first, last = map(int, rest["Range"].removeprefix("bytes=").split("-"))
            part = stored.body[first : last + 1]
            return {"Body": part, "ContentRange": f"bytes {first}-{last}/{stored.length}", "ContentLength": len(part)}
        last = min(PEEK_BYTES, stored.length) - 1
        body = (stored.body * (1 + (last + 1) // max(len(stored.body), 1)))[: last + 1]
        return {"Body": body, "ContentRange": f"bytes 0-{last}/{stored.length}", "ContentLength": last + 1}

    def _s3_put_object(self, Bucket: str, Key: str, Body: bytes, **_: Any) -> Any:
        self.put(Bucket, Key, Body)
        return {}

    def _s3_list_objects_v2(self, Bucket: str, Prefix: str, **rest: Any) -> Any:
        after = rest.get("ContinuationToken") or rest.get("StartAfter") or ""
        keys = sorted(key for bucket, key in self.objects if bucket == Bucket and key.startswith(Prefix))
        keys = [key for key in keys if key > after]
        of = {key: self.objects[Bucket, key] for key in keys[: self.page]}
        more = {"IsTruncated": True, "NextContinuationToken": list(of)[-1]} if len(keys) > self.page else {}
        contents = [
            {"Key": key, "ETag": f'"{one.etag}"', "Size": one.length, "LastModified": one.written}
            for key, one in of.items()
        ]
        return {"Contents": contents} | more

    def _s3_delete_objects(self, Bucket: str, Delete: Any) -> Any:
        for entry in Delete["Objects"]:
            self.objects.pop((Bucket, entry["Key"]), None)
        return {}

    def _s3_list_multipart_uploads(
        self, Bucket: str, Prefix: str, KeyMarker: str = "", UploadIdMarker: str = ""
    ) -> Any:
        places = sorted((key, upload) for upload, (bucket, key) in self.uploads.items() if bucket == Bucket)
        if UploadIdMarker:
            places = [place for place in places if place > (KeyMarker, UploadIdMarker)]
        found = [
            (key, upload) for key, upload in places if key.startswith(Prefix) and (UploadIdMarker or key > KeyMarker)
        ]
        uploads = [
            {"Key": key, "UploadId": upload, "Initiated": self.begun.get(upload, WRITTEN)}
            for key, upload in found[: self.page]
        ]
        if len(found) <= self.page:
            return {"Uploads": uploads}
        key, upload = found[self.page - 1]
        return {"Uploads": uploads, "IsTruncated": True, "NextKeyMarker": key, "NextUploadIdMarker": upload}

    def _s3_abort_multipart_upload(self, UploadId: str, **_: Any) -> Any:
        if self.uploads.pop(UploadId, None) is None:
            raise NotFound("NoSuchUpload")
        return {}

    def _stored(self, bucket: str, key: str) -> StoredObject:
        if (bucket, key) not in self.objects:
            raise NotFound("404")
        return self.objects[bucket, key]

    # Everything else

    def _sqs_send_message(self, **params: Any) -> Any:
        self.sent.append(params)
        return {}

    def _stepfunctions_start_execution(self, stateMachineArn: str, name: str, input: str) -> Any:  # noqa: A002 - AWS's
        arn = f"{stateMachineArn.replace(':stateMachine:', ':execution:')}:{name}"
        if arn in self.executions:
            raise AlreadyExists
        self.executions[arn] = "RUNNING"
        return {"executionArn": arn}

    def _stepfunctions_describe_execution(self, executionArn: str) -> Any:
        if executionArn not in self.executions:
            raise NotFound("ExecutionDoesNotExist")
        return {"status": self.executions[executionArn]}

    def _sns_publish(self, **params: Any) -> Any:
        self.published.append(params)
        return {}

    def _events_put_events(self, Entries: Any) -> Any:
        self.events.extend(Entries)
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}

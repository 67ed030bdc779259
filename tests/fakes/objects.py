"""S3: ranged reads under If-Match, multipart uploads with their least part, and what `haulier.jobs` asks of it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from haulier.contracts.limits import MIN_PART_BYTES
from haulier.contracts.source import Source
from haulier.jobs.calls import NotFound
from tests.fakes.kill import Switch
from worker.checksum import as_header, crc32
from worker.errors import BrokenStream, SourceChanged, SourceGone, Transient
from worker.ports import Part, Reply, Stored, Target

MAX_COPY_BYTES = 5 << 30


def etag_of(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


@dataclass
class FakeBody:
    """Breaks after `break_after` bytes, once they are read."""

    data: bytes
    piece: int = 64 * 1024
    break_after: int | None = None
    given: int = 0
    closed: bool = False

    async def read(self, amount: int) -> bytes:
        if self.break_after is not None and self.given >= self.break_after:
            raise BrokenStream("the connection broke")
        stop = min(self.given + min(amount, self.piece), len(self.data))
        if self.break_after is not None:
            stop = min(stop, self.break_after)
        piece = self.data[self.given : stop]
        self.given = stop
        return piece

    def close(self) -> None:
        self.closed = True


@dataclass
class FakeUpload:
    key: str
    metadata: dict[str, str]
    parts: dict[int, bytes] = field(default_factory=dict)


class FakeObjects:
    """Reads, writes and `s3` calls over one dictionary a bucket.

    Attributes:
        buckets: bucket → key → bytes.
        uploads: open multipart uploads of the output bucket.
        asked: every ranged read: start, end, whether the version was named.
        breaks: how many bytes each of the next reads gives before it breaks; None for all.
        failing_parts: numbers of parts whose next upload fails.
        copied: what was copied as a part: key, start, end.
        ignores_ranges: answers every read that names a version with the whole object, as ministack does.
    """

    def __init__(self, switch: Switch, output_bucket: str = "out") -> None:
        self._switch = switch
        self._output = output_bucket
        self.buckets: dict[str, dict[str, bytes]] = {output_bucket: {}}
        self.metadata: dict[str, dict[str, str]] = {}
        self.uploads: dict[str, FakeUpload] = {}
        self.asked: list[tuple[int, int, bool]] = []
        self.breaks: list[int | None] = []
        self.failing_parts: set[int] = set()
        self.copied: list[tuple[str, int, int]] = []
        self.ignores_ranges = False
        self._uploads_made = 0
        self._etags: dict[str, str] = {}

    @property
    def bucket(self) -> str:
        return self._output

    @property
    def outputs(self) -> dict[str, bytes]:
        return self.buckets[self._output]

    def put_source(self, bucket: str, key: str, data: bytes, version: str | None = None) -> Source:
        self.buckets.setdefault(bucket, {})[key] = data
        return Source(bucket=bucket, key=key, size=len(data), etag=etag_of(data), version_id=version)

    def copy_of(self, other: "FakeObjects") -> None:
        """Becomes as the other is now; what is written to one from then on is not the other's."""
        self.buckets = {name: dict(bucket) for name, bucket in other.buckets.items()}
        self.metadata = dict(other.metadata)
        self._etags = dict(other._etags)

    def overwrite(self, key: str, data: bytes) -> None:
        """Somebody else's write into the output bucket."""
        self.outputs[key] = data
        self._etags[key] = etag_of(data)

    # ports.ReadObject

    async def get(self, source: Source, start: int, end: int, *, by_version: bool) -> Reply:
        self._switch.before(f"get {start}")
        self.asked.append((start, end, by_version))
        data = self._pinned(source)
        self._switch.behind()
        breaks = self.breaks.pop(0) if self.breaks else None
        if by_version and self.ignores_ranges:
            return Reply(None, len(data), source.etag, FakeBody(data, break_after=breaks))
        body = data[start:end]
        content_range = f"bytes {start}-{start + len(body) - 1}/{len(data)}"
        return Reply(content_range, len(body), source.etag, FakeBody(body, break_after=breaks))

    def _pinned(self, source: Source) -> bytes:
        """The object's bytes, if it has the ETag that is named."""
        data = self.buckets.get(source.bucket, {}).get(source.key)
        if data is None:
            raise SourceGone(f"{source.uri} was deleted")
        known = self._etags.get(source.key) if source.bucket == self._output else None
        if (known or etag_of(data)) != source.etag:
            raise SourceChanged(f"{source.uri} changed")
        return data

    # ports.StoreParts

    async def put(self, target: Target, data: bytes, crc32: str) -> Stored:
        self._switch.before(f"put {target.key}")
        _verify(data, crc32)
        self.outputs[target.key] = bytes(data)
        self.metadata[target.key] = dict(target.metadata)
        self._etags[target.key] = etag_of(data)
        self._switch.behind()
        return Stored(etag_of(data))

    async def create(self, target: Target) -> str:
        self._switch.before("create")
        self._uploads_made += 1
        upload = f"upload-{self._uploads_made}"
        self.uploads[upload] = FakeUpload(target.key, dict(target.metadata))
        self._switch.behind()
        return upload

    async def put_part(self, key: str, upload: str, number: int, data: bytes, crc32: str) -> Part:
        self._switch.before(f"put_part {number}")
        _verify(data, crc32)
        if number in self.failing_parts:
            self.failing_parts.discard(number)
            raise Transient(f"part {number} could not be stored")
        if upload not in self.uploads:
            raise Transient("NoSuchUpload")
        self.uploads[upload].parts[number] = bytes(data)
        self._switch.behind()
        return Part(number, etag_of(data), crc32)

    async def copy_part(self, key: str, upload: str, number: int, source: Source, start: int, end: int) -> Part:
        self._switch.before(f"copy_part {number}")
        data = self._pinned(source)[start:end]
        if len(data) != end - start or not data:
            raise AssertionError("InvalidRange: the range is not within the object")
        if len(data) > MAX_COPY_BYTES or (len(data) < source.size and source.size < MIN_PART_BYTES):
            raise AssertionError("InvalidRequest: a range of more than 5 GiB, or of an object below 5 MiB")
        if upload not in self.uploads:
            raise Transient("NoSuchUpload")
        self.copied.append((source.key, start, end))
        self.uploads[upload].parts[number] = data
        self._switch.behind()
        return Part(number, etag_of(data), "")

    async def complete(
        self, key: str, upload: str, parts: Sequence[Part], crc32: str | None, *, size: int | None = None
    ) -> Stored:
        self._switch.before("complete")
        open_upload = self.uploads[upload]
        bodies = [open_upload.parts[part.number] for part in parts]
        if [part.number for part in parts] != sorted(open_upload.parts):
            raise AssertionError("InvalidPart: the list does not hold the parts there are, in order")
        if any(len(body) < MIN_PART_BYTES for body in bodies[:-1]):
            raise AssertionError("EntityTooSmall: a part but the last has less than 5 MiB")
        data = b"".join(bodies)
        if crc32 is not None:
            _verify(data, crc32)
        if size not in (None, len(data)):
            raise AssertionError("InvalidRequest: the parts do not come to the size that was named")
        del self.uploads[upload]
        self.outputs[key] = data
        self._etags[key] = f"{etag_of(data)}-{len(parts)}"
        self.metadata[key] = open_upload.metadata
        self._switch.behind()
        return Stored(f"{etag_of(data)}-{len(parts)}")

    async def abort(self, key: str, upload: str) -> None:
        self._switch.before("abort")
        self.uploads.pop(upload, None)
        self._switch.behind()

    async def delete(self, key: str) -> None:
        self._switch.before(f"delete {key}")
        self.outputs.pop(key, None)
        self._switch.behind()

    # calls of haulier.jobs

    def perform(self, operation: str, params: dict[str, Any]) -> Any:
        return getattr(self, f"_{operation}")(self.buckets[params["Bucket"]], params)

    def _put_object(self, bucket: dict[str, bytes], params: dict[str, Any]) -> Any:
        bucket[params["Key"]] = params["Body"]
        return {"ETag": f'"{etag_of(params["Body"])}"'}

    def _get_object(self, bucket: dict[str, bytes], params: dict[str, Any]) -> Any:
        if params["Key"] not in bucket:
            raise NotFound(params["Key"])
        return {"Body": bucket[params["Key"]]}

    def _list_objects_v2(self, bucket: dict[str, bytes], params: dict[str, Any]) -> Any:
        found = {key: bucket[key] for key in sorted(bucket) if key.startswith(params["Prefix"])}
        return {"Contents": [{"Key": key, "Size": len(body), "ETag": etag_of(body)} for key, body in found.items()]}

    def _delete_objects(self, bucket: dict[str, bytes], params: dict[str, Any]) -> Any:
        for entry in params["Delete"]["Objects"]:
            bucket.pop(entry["Key"], None)
        return {}

    def _list_multipart_uploads(self, _: dict[str, bytes], params: dict[str, Any]) -> Any:
        wanted = [(name, one.key) for name, one in self.uploads.items() if one.key.startswith(params["Prefix"])]
        return {"Uploads": [{"Key": key, "UploadId": name} for name, key in wanted]}

    def _abort_multipart_upload(self, _: dict[str, bytes], params: dict[str, Any]) -> Any:
        if self.uploads.pop(params["UploadId"], None) is None:
            raise NotFound(params["UploadId"])
        return {}


def _verify(data: bytes, header: str) -> None:
    if as_header(crc32(data)) != header:
        raise AssertionError("BadDigest: the bytes are not those the checksum was made of")

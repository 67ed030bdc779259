"""Writes outputs to S3, with a CRC32 of every body and of the whole object, checked by S3."""

from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError

from haulier.contracts.source import Source
from worker.aws.faults import code_of, told
from worker.checksum import composite
from worker.errors import SourceChanged, SourceGone
from worker.ports import Part, Stored, Target


class S3Store:
    """A `ports.StoreParts` on one bucket."""

    def __init__(self, client: Any, bucket: str, *, bucket_owner: str = "") -> None:
        self._client = client
        self.bucket = bucket
        self._types: dict[str, str | None] = {}
        self._source_owner = {"ExpectedSourceBucketOwner": bucket_owner} if bucket_owner else {}
        self._at = {"Bucket": bucket} | ({"ExpectedBucketOwner": bucket_owner} if bucket_owner else {})

    async def put(self, target: Target, data: bytes, crc32: str) -> Stored:
        async with told(f"PutObject {target.key}"):
            answer = await self._client.put_object(
                **self._at,
                Key=target.key,
                Body=data,
                ChecksumCRC32=crc32,
                ContentType=target.content_type,
                Metadata=dict(target.metadata),
            )
        return _stored(answer)

    async def create(self, target: Target) -> str:
        async with told(f"CreateMultipartUpload {target.key}"):
            answer = await self._client.create_multipart_upload(
                **self._at,
                Key=target.key,
                ContentType=target.content_type,
                Metadata=dict(target.metadata),
                ChecksumAlgorithm="CRC32",
                ChecksumType="FULL_OBJECT",
            )
        upload: str = answer["UploadId"]
        self._types[upload] = answer.get("ChecksumType")
        return upload

    async def put_part(self, key: str, upload: str, number: int, data: bytes, crc32: str) -> Part:
        async with told(f"UploadPart {number} of {key}"):
            answer = await self._client.upload_part(
                **self._at, Key=key, UploadId=upload, PartNumber=number, Body=data, ChecksumCRC32=crc32
            )
        return Part(number, answer["ETag"], crc32)

    async def copy_part(self, key: str, upload: str, number: int, source: Source, start: int, end: int) -> Part:
        # The whole of an object is not named as a range: S3 takes ranges of objects above 5 MB only.
        whole = start == 0 and end == source.size
        async with told(f"UploadPartCopy {number} of {key} from {source.key}", _meanings(source)):
            answer = await self._client.upload_part_copy(
                **self._at,
                **self._source_owner,
                Key=key,
                UploadId=upload,
                PartNumber=number,
                CopySource={"Bucket": source.bucket, "Key": source.key},
                CopySourceIfMatch=f'"{source.etag}"',
                **({} if whole else {"CopySourceRange": f"bytes={start}-{end - 1}"}),
            )
        copied = answer["CopyPartResult"]
        return Part(number, copied["ETag"], copied.get("ChecksumCRC32", ""))

    async def complete(
        self, key: str, upload: str, parts: Sequence[Part], crc32: str | None, *, size: int | None = None
    ) -> Stored:
        listed = [
            {"PartNumber": part.number, "ETag": part.etag} | ({"ChecksumCRC32": part.crc32} if part.crc32 else {})
            for part in parts
        ]
        async with told(f"CompleteMultipartUpload {key}"):
            answer = await self._client.complete_multipart_upload(
                **self._at,
                Key=key,
                UploadId=upload,
                MultipartUpload={"Parts": listed},
                **({} if size is None else {"MpuObjectSize": size}),
                **self._whole(upload, parts, crc32),
            )
        self._types.pop(upload, None)
        return _stored(answer)

    def _whole(self, upload: str, parts: Sequence[Part], crc32: str | None) -> dict[str, str]:
        """The checksum of the whole, as the server said it would make it. Not every server knows full-object sums
        (ministack 1.5.33 makes composite ones, whatever is asked for), and one that makes none gets none.
        """
        match self._types.get(upload):
            case "FULL_OBJECT" if crc32 is not None:
                return {"ChecksumCRC32": crc32, "ChecksumType": "FULL_OBJECT"}
            case "COMPOSITE" if all(part.crc32 for part in parts):
                return {"ChecksumCRC32": composite([part.crc32 for part in parts])}
            case _:
                return {}

    async def abort(self, key: str, upload: str) -> None:
        self._types.pop(upload, None)
        async with told(f"AbortMultipartUpload {key}"):
            try:
                await self._client.abort_multipart_upload(**self._at, Key=key, UploadId=upload)
            except ClientError as error:
                if code_of(error) != "NoSuchUpload":
                    raise

    async def delete(self, key: str) -> None:
        async with told(f"DeleteObject {key}"):
            await self._client.delete_object(**self._at, Key=key)


def _meanings(source: Source) -> dict[str, Any]:
    def gone(said: str) -> SourceGone:
        return SourceGone(f"{source.uri} is gone ({said})")

    def changed(said: str) -> SourceChanged:
        return SourceChanged(f"{source.uri} is another one ({said})")

    return {"NoSuchKey": gone, "404": gone, "PreconditionFailed": changed, "412": changed}


def _stored(answer: dict[str, Any]) -> Stored:
    return Stored(etag=answer["ETag"].strip('"'), crc64nvme=answer.get("ChecksumCRC64NVME"))

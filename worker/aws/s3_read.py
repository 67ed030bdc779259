"""Reads sources from S3."""

from typing import Any

import aiohttp
from botocore.exceptions import BotoCoreError

from haulier.contracts.source import Source
from worker.aws import faults
from worker.errors import BrokenStream, SourceChanged, SourceForbidden, SourceGone
from worker.ports import Reply


class S3Body:
    """A `ports.Body`."""

    def __init__(self, body: Any, uri: str) -> None:
        self._body = body
        self._uri = uri

    async def read(self, amount: int) -> bytes:
        try:
            data: bytes = await self._body.read(amount)
        except (BotoCoreError, aiohttp.ClientError, TimeoutError, OSError) as error:
            told = f"{self._uri}: the connection broke: {type(error).__name__}: {error}"
            raise BrokenStream(told, service="s3") from error
        return data

    def close(self) -> None:
        self._body.close()


class S3Source:
    """A `ports.ReadObject`."""

    def __init__(self, client: Any, *, bucket_owner: str = "") -> None:
        self._client = client
        self._owner = {"ExpectedBucketOwner": bucket_owner} if bucket_owner else {}

    async def get(self, source: Source, start: int, end: int, *, by_version: bool) -> Reply:
        version = {"VersionId": source.version_id} if by_version and source.version_id else {}
        async with faults.told(f"GetObject {source.uri}", _meanings(source)):
            answer = await self._client.get_object(
                Bucket=source.bucket,
                Key=source.key,
                Range=f"bytes={start}-{end - 1}",
                IfMatch=f'"{source.etag}"',
                **version,
                **self._owner,
            )
        return Reply(
            content_range=answer.get("ContentRange"),
            length=answer.get("ContentLength"),
            etag=answer["ETag"].strip('"') if answer.get("ETag") else None,
            body=S3Body(answer["Body"], source.uri),
        )


def _meanings(source: Source) -> dict[str, Any]:
    def gone(said: str) -> SourceGone:
        return SourceGone(f"{source.uri} was deleted after the job was accepted ({said}); upload it again")

    def changed(said: str) -> SourceChanged:
        return SourceChanged.of(source.uri, said)

    def forbidden(said: str) -> SourceForbidden:
        return SourceForbidden(
            f"the worker's role may not read {source.uri} ({said}); grant s3:GetObject (and s3:GetObjectVersion) on "
            "it, and kms:Decrypt if it is encrypted with a key of yours, then retry the job"
        )

    return {
        "NoSuchKey": gone,
        "NoSuchVersion": gone,
        "404": gone,
        "PreconditionFailed": changed,
        "412": changed,
        "InvalidRange": changed,
        "416": changed,
        "AccessDenied": forbidden,
        "403": forbidden,
    }

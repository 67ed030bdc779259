"""Puts files into the input bucket and finds the jobs that come of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from haulier.client.connection import Connection
from haulier.client.errors import NotFound, Refused, TimedOut
from haulier.client.waiting import Patience
from haulier.contracts.keys import is_own
from haulier.contracts.source import Source
from haulier.jobs.attributes import decode_item
from haulier.jobs.calls import Call
from haulier.jobs.identity import source_of_head
from haulier.jobs.items import POINTER_SK, key_of, pointer_id

FIND_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was put.

    Attributes:
        path: where it came from.
        source: the object, as S3 tells it after the upload.
        before: the job the key's pointer named before; None if there was none.
    """

    path: Path
    source: Source
    before: str | None


def put(connection: Connection, path: Path, key: str, *, on_bytes: Callable[[int], None] | None = None) -> Upload:
    """Uploads a file, in parts where it is large; S3 checks what it receives against boto3's checksum.

    Args:
        connection: the stack.
        path: the file.
        key: its key in the input bucket.
        on_bytes: told how many more bytes are gone; called from boto3's threads.

    Raises:
        NotFound: there is no such file.
        Refused: the key is one that Haulier writes itself, or somebody overwrote the object at this moment.
    """
    if not path.is_file():
        raise NotFound(f"{path} is not a file", "give files; a directory's files are given one by one")
    if is_own(key):
        raise Refused(f"{key} lies under a prefix of Haulier's own: its event would start nothing", "use `incoming/…`")
    bucket = connection.input_bucket
    before = (pointer(connection, bucket, key) or {}).get("current_job")
    size = path.stat().st_size
    connection.client("s3").upload_file(str(path), bucket, key, Callback=on_bytes)
    source = source_of_head(bucket, key, connection.client("s3").head_object(Bucket=bucket, Key=key))
    if source.size != size:
        raise Refused(
            f"{source.uri} has {source.size:,} bytes and {path} has {size:,}",
            "the file changed while it was read, or somebody else wrote the key: put it again",
        )
    return Upload(path, source, before)


def find_job(connection: Connection, upload: Upload, patience: Patience | None = None) -> str:
    """The id of the job that came of an upload, once intake has taken it in.

    Raises:
        TimedOut: no job came; the text says where to look.
        Refused: the key was written again meanwhile.
    """
    patience = patience or Patience(poll_seconds=0.1, timeout_seconds=FIND_SECONDS)
    source = upload.source
    began = patience.monotonic()
    while True:
        found = job_of(pointer(connection, source.bucket, source.key), upload)
        if found is not None:
            return found
        waited = patience.monotonic() - began
        if patience.timeout_seconds is not None and waited >= patience.timeout_seconds:
            break
        patience.sleep(patience.poll_seconds)
    now = source_of_head(
        source.bucket,
        source.key,
        connection.client("s3").head_object(Bucket=source.bucket, Key=source.key),
    )
    if (now.etag, now.version_id) != (source.etag, source.version_id):
        raise Refused(f"{source.uri} was written again by somebody else", "`haulier jobs` shows the newer one's job")
    raise TimedOut(
        f"{source.uri} is stored, but no job came of it within {patience.timeout_seconds:g} s",
        "is its key under one of the stack's input prefixes (`incoming/`)? `haulier dlq list` shows events that failed",
    )


def job_of(remembered: Mapping[str, Any] | None, upload: Upload) -> str | None:
    """The job a key's pointer names, if it is this upload's and not an earlier one's of the same bytes."""
    found = job_of_object(remembered, upload.source)
    return found if found != upload.before else None


def job_of_object(remembered: Mapping[str, Any] | None, source: Source) -> str | None:
    """The job a key's pointer names, if it is of the object that is there now."""
    if remembered is None or remembered.get("etag") != source.etag:
        return None
    version = remembered.get("version_id")
    if version and source.version_id and version != source.version_id:
        return None
    return str(remembered["current_job"])


def pointer(connection: Connection, bucket: str, key: str) -> dict[str, Any] | None:
    """What the table remembers of a key: its newest event, and the job that came of it."""
    call = Call(
        "dynamodb",
        "get_item",
        {"TableName": connection.table, "Key": key_of(pointer_id(bucket, key), POINTER_SK), "ConsistentRead": True},
    )
    item = connection.perform(call).get("Item")
    return decode_item(item) if item else None

"""Which job an event or a request is: the one derivation that intake and the client share.

Two deliveries of one storage event, or two requests with one cause, must find the same job; so everything that names
it comes from the event or the object, and nothing from the moment.
"""

from collections.abc import Mapping
from typing import Any

from haulier.contracts.ids import JobId, job_id
from haulier.contracts.source import Source

OPERATION = "records"
_NO_VERSION = "null"
"""What S3 says where a bucket keeps no versions, or kept none when the object was written."""


def storage_job_id(*, bucket: str, key: str, version_id: str | None, sequencer: str | None, dataset: str) -> JobId:
    """The job of a storage event: the object's version names its content, else the event's sequencer does.

    Args:
        bucket: the bucket's name.
        key: the key, decoded.
        version_id: as the event has it.
        sequencer: as the event has it; hexadecimal, its case does not matter.
        dataset: the dataset's name.

    Raises:
        ValueError: the event has neither version nor sequencer, so that nothing names what was written.
    """
    source = {"bucket": bucket, "key": key}
    if version_id and version_id != _NO_VERSION:
        source["version"] = version_id
    elif sequencer:
        source["sequencer"] = sequencer.upper()
    else:
        raise ValueError(f"the event for s3://{bucket}/{key} has neither a version nor a sequencer")
    return job_id(source=source, operation=OPERATION, dataset=dataset, cause="")


def requested_job_id(source: Source, dataset: str, cause: str) -> JobId:
    """The job of a request: the object as HEAD tells it (see `source_of_head`), and the caller's own cause."""
    named = {"bucket": source.bucket, "key": source.key, "version": source.version_id or source.etag}
    return job_id(source=named, operation=OPERATION, dataset=dataset, cause=cause)


def source_of_head(bucket: str, key: str, head: Mapping[str, Any]) -> Source:
    """The object a HEAD found, as a run pins it."""
    version = head.get("VersionId")
    modified = head.get("LastModified")
    return Source(
        bucket=bucket,
        key=key,
        size=head["ContentLength"],
        etag=str(head["ETag"]).strip('"'),
        version_id=version if version and version != _NO_VERSION else None,
        uploaded_at=modified.strftime("%Y-%m-%dT%H:%M:%SZ") if modified else None,
    )

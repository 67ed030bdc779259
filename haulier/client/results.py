"""Reads what a job wrote: the manifest, the outputs it lists, the rejects. What no manifest lists is nobody's."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from haulier.client.connection import Connection
from haulier.client.errors import Damaged, HaulierError, NotFound, Refused
from haulier.client.jobs import JobView
from haulier.contracts.keys import manifest_key
from haulier.contracts.manifest import Manifest
from haulier.contracts.profile import RunProfile
from haulier.contracts.report import OutputObject
from haulier.contracts.states import JobState
from haulier.jobs.calls import Call
from haulier.jobs.calls import NotFound as Missing
from haulier.jobs.items import JobItem

MANIFEST_NAME = "_manifest.json"
_PARTIAL = ".part"


def manifest(connection: Connection, job: JobItem) -> Manifest:
    """The closing account of the job's present run.

    Raises:
        Refused: the job has not succeeded, so there is none.
        NotFound: it is gone from the bucket.
    """
    if job.is_batch:
        hint = f"`haulier members {job.job_id}` lists them, with their jobs"
        raise Refused(f"job {job.job_id} is a batch: its members have the results", hint)
    if job.status != JobState.SUCCEEDED:
        hint = f"`haulier watch {job.job_id}` waits for it" if not job.final else f"`haulier status {job.job_id}`"
        raise Refused(f"job {job.job_id} is {job.status}: only a job that SUCCEEDED has results", hint)
    key = manifest_key(job.dataset, job.job_id, job.run)
    try:
        body: bytes = connection.perform(Call("s3", "get_object", {"Bucket": connection.output_bucket, "Key": key}))[
            "Body"
        ]
    except Missing:
        raise NotFound(f"s3://{connection.output_bucket}/{key} is gone", "`haulier retry` makes it anew") from None
    return Manifest.of(body)


def profile(connection: Connection, job: JobItem) -> RunProfile | None:
    """What the job's outputs hold, by column; None where no manifest says so, or none can be read from here."""
    if job.status != JobState.SUCCEEDED:
        return None
    try:
        return manifest(connection, job).profile
    except (HaulierError, ClientError, ValueError):
        return None


def download(
    connection: Connection,
    job: JobItem,
    to: Path,
    *,
    rejects: bool = False,
    on_bytes: Callable[[int], None] | None = None,
) -> list[Path]:
    """Fetches a job's outputs, in the order of the source, and its manifest last.

    A file appears under its name only when it is whole; what is there already with the right size is fetched again.

    Args:
        connection: the stack.
        job: a job that SUCCEEDED.
        to: a directory; made if it is not there.
        rejects: fetch the rejects, too, into `rejected/`.
        on_bytes: told how many more bytes have come; called from boto3's threads.

    Raises:
        Refused: the job has not succeeded.
        NotFound: an object is gone.
        Damaged: an object has another size than the manifest says.
    """
    account = manifest(connection, job)
    found = [(output, to) for chunk in account.chunks for output in chunk.outputs]
    if rejects:
        found += [(chunk.rejects, to / "rejected") for chunk in account.chunks if chunk.rejects]
    paths = [_fetch(connection, account.bucket, output, folder, on_bytes) for output, folder in found]
    to.mkdir(parents=True, exist_ok=True)
    written = to / MANIFEST_NAME
    written.write_text(account.model_dump_json(indent=2, exclude_none=True), encoding="utf-8")
    return [*paths, written]


def download_bytes(account: Manifest, *, rejects: bool) -> int:
    """How many bytes `download` will fetch."""
    return account.output_bytes + (sum(c.rejects.bytes for c in account.chunks if c.rejects) if rejects else 0)


def _fetch(
    connection: Connection, bucket: str, output: OutputObject, folder: Path, on_bytes: Callable[[int], None] | None
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / output.key.rsplit("/", 1)[-1]
    partial = target.with_name(target.name + _PARTIAL)
    try:
        connection.client("s3").download_file(bucket, output.key, str(partial), Callback=on_bytes)
        size = partial.stat().st_size
        if size != output.bytes:
            raise Damaged(
                f"s3://{bucket}/{output.key} has {size:,} bytes, its manifest says {output.bytes:,}",
                "it was changed after the job; `haulier retry` makes it anew",
            )
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return target


def rejects(connection: Connection, view: JobView) -> Iterator[dict[str, Any]]:
    """The records a run set aside, in the order of the source, as the rejects' lines hold them (contracts.reject).

    Of a job that did not succeed: those of the chunks that were committed, which is why it may have failed.
    """
    for output in _rejects_objects(connection, view):
        body = connection.client("s3").get_object(Bucket=connection.output_bucket, Key=output.key)["Body"]
        for line in body.iter_lines():
            if line:
                yield json.loads(line)


def _rejects_objects(connection: Connection, view: JobView) -> list[OutputObject]:
    if view.job.status == JobState.SUCCEEDED:
        return [chunk.rejects for chunk in manifest(connection, view.job).chunks if chunk.rejects]
    reports = [item.report for item in view.newest_chunks.values()]
    return [report.rejects for report in reports if report is not None and report.rejects is not None]

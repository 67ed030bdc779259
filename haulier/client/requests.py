"""Asks for jobs: submits objects that are there, retries, cancels."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from haulier.client.connection import Connection
from haulier.client.datasets import dataset_now, listing
from haulier.client.errors import BadAddress, HaulierError, NotFound, Refused
from haulier.client.uploads import job_of_object, pointer
from haulier.contracts.dataset import DEFAULT_DATASET, QueueName
from haulier.contracts.errors import InvalidDataset
from haulier.contracts.events import EVENT_SOURCE, JOB_REQUESTED, JobRequested
from haulier.contracts.keys import is_own
from haulier.contracts.source import Source
from haulier.contracts.states import JobState
from haulier.jobs import verdicts
from haulier.jobs.calls import Call
from haulier.jobs.calls import NotFound as Missing
from haulier.jobs.datasets import match_dataset
from haulier.jobs.identity import requested_job_id, source_of_head
from haulier.jobs.items import JobItem
from haulier.jobs.writes import get_job

_URI = re.compile(r"^s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(.+)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Request:
    """What `submit` would ask for.

    Attributes:
        source: the object as it is now; the job reads this version and no other.
        dataset: the dataset's name, given or matched by key.
        job_id: which follows from the two and the cause.
        cause: names the request.
        state: of the job that is there already, if one is.
    """

    source: Source
    dataset: str
    job_id: str
    cause: str
    state: JobState | None


def parse_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of `s3://BUCKET/KEY`; the key is taken as it is, not URL-decoded.

    Raises:
        BadAddress: it is no such address.
    """
    found = _URI.match(uri)
    if found is None:
        raise BadAddress(f"{uri!r} is not the address of an object", "write s3://BUCKET/KEY")
    return found[1], found[2]


def keys_under(connection: Connection, prefix: str) -> Iterator[str]:
    """The keys of the input bucket under a prefix. What stands for a folder (an empty object, `…/`) is left out, and so
    is what Haulier wrote itself: with one bucket for both, results lie beside the input.
    """
    pages = connection.client("s3").get_paginator("list_objects_v2")
    for page in pages.paginate(Bucket=connection.input_bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            folder = entry["Key"].endswith("/") and entry["Size"] == 0
            if not folder and not is_own(entry["Key"]):
                yield entry["Key"]


def prepare(connection: Connection, bucket: str, key: str, *, dataset: str | None = None, cause: str = "") -> Request:
    """Looks the object up and works out the job it would be. Changes nothing.

    Args:
        connection: the stack.
        bucket: the object's bucket; the stack reads its own input bucket only.
        key: the object's key.
        dataset: the dataset's name; matched by key if not given.
        cause: the same cause for the same object and dataset is the same job.

    Raises:
        NotFound: there is no such object or dataset.
        Refused: the bucket is not the stack's input bucket.
        InvalidDataset: a configuration in the bucket cannot be used, so that nobody can say whose the key is.
    """
    if bucket != connection.input_bucket:
        raise Refused(
            f"s3://{bucket}/{key} is not in the stack's input bucket",
            f"copy it there: aws s3 cp s3://{bucket}/{key} s3://{connection.input_bucket}/{key}",
        )
    try:
        head = connection.perform(Call("s3", "head_object", {"Bucket": bucket, "Key": key}))
    except Missing:
        raise NotFound(f"there is no object s3://{bucket}/{key}", "`haulier put FILE` uploads one") from None
    source = source_of_head(bucket, key, head)
    name = dataset or _matched(connection, key)
    if dataset is not None and dataset != DEFAULT_DATASET.name:
        dataset_now(connection, dataset)
    job_id = requested_job_id(source, name, cause)
    there = connection.run(get_job(connection.table, job_id)) or (
        None if cause else _of_event(connection, source, name)
    )
    return Request(source, name, there.job_id if there else job_id, cause, there.status if there else None)


def submit(connection: Connection, request: Request, *, queue: QueueName | None = None) -> None:
    """Puts the request on the bus. A job that is there already stays as it is."""
    source = request.source
    detail = JobRequested(
        bucket=source.bucket,
        key=source.key,
        version_id=source.version_id,
        dataset=request.dataset,
        queue=queue,
        cause=request.cause,
    )
    put_event(connection, detail)


def retry(connection: Connection, job_id: str) -> JobItem:
    """Starts the job's next run with its dataset's configuration as it is now.

    A crash between the write and the event leaves an ACCEPTED job, which the janitor enqueues.

    Raises:
        NotFound: there is no such job.
        Refused: it is still open, or was refused at intake.
    """
    job = connection.run(get_job(connection.table, job_id))
    if job is None:
        raise NotFound(f"there is no job {job_id}", "`haulier jobs` lists those there are")
    try:
        dataset = dataset_now(connection, job.dataset)
    except NotFound:
        dataset = None  # The default one, or deleted since: the last run's is what there is.
    try:
        accepted = connection.run(verdicts.retry(connection.table, job_id, connection.now_ms(), dataset=dataset))
    except verdicts.NotAllowed as error:
        again = f"`haulier submit s3://{job.bucket}/{job.key} --cause TEXT` asks for another job for its object"
        raise Refused(str(error), again if job.status == JobState.REJECTED else "") from None
    put_event(connection, JobRequested(job_id=job_id))
    return accepted


def cancel(connection: Connection, job_id: str) -> JobItem:
    """Cancels a job that is not sealed; its workers learn it from their next heartbeat.

    Raises:
        NotFound: there is no such job.
        Refused: it is sealed or over.
    """
    try:
        return connection.run(verdicts.cancel(connection.table, job_id, connection.now_ms()))
    except LookupError as error:
        raise NotFound(str(error), "`haulier jobs` lists those there are") from None
    except verdicts.NotAllowed as error:
        raise Refused(str(error)) from None


def _of_event(connection: Connection, source: Source, dataset: str) -> JobItem | None:
    """The job of the object's own event, where that event did not know the version and the id is another."""
    job_id = job_of_object(pointer(connection, source.bucket, source.key), source)
    job = connection.run(get_job(connection.table, job_id)) if job_id else None
    return job if job is not None and job.dataset == dataset else None


def _matched(connection: Connection, key: str) -> str:
    """The dataset the key belongs to. One that cannot be read may claim any key, so it must be mended first."""
    entries = listing(connection)
    for entry in entries:
        if entry.dataset is None:
            raise InvalidDataset(entry.name, [*entry.problems, "correct it, or name the dataset: --dataset"])
    found = match_dataset([entry.dataset for entry in entries if entry.dataset], key)
    return found.name if found else DEFAULT_DATASET.name


def put_event(connection: Connection, detail: JobRequested) -> None:
    """Puts a request on the bus.

    Raises:
        HaulierError: the bus did not take it.
    """
    entry = {
        "Source": EVENT_SOURCE,
        "DetailType": JOB_REQUESTED,
        "Detail": detail.to_json(),
        "EventBusName": connection.names.bus,
    }
    answer = connection.client("events").put_events(Entries=[entry])
    if answer.get("FailedEntryCount"):
        failed = answer["Entries"][0]
        raise HaulierError(
            f"the bus {connection.names.bus} did not take the request: {failed.get('ErrorMessage', 'no reason given')}",
            "send it again; the same request is the same job",
        )

"""Asks for a job for each of many objects at once, and reads what became of them."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from haulier.client.connection import Connection
from haulier.client.datasets import dataset_now
from haulier.client.errors import BadAddress, NotFound, Refused
from haulier.client.requests import keys_under, put_event
from haulier.contracts.batch import BatchMember, BatchPin
from haulier.contracts.dataset import DEFAULT_DATASET, QueueName
from haulier.contracts.events import JobRequested
from haulier.contracts.keys import batch_results_key, keys_list_key
from haulier.contracts.limits import MAX_KEY_BYTES, MAX_LISTED_BYTES
from haulier.contracts.source import Source
from haulier.contracts.states import JobState
from haulier.jobs.batch import batch_job_id
from haulier.jobs.calls import Call
from haulier.jobs.calls import NotFound as Missing
from haulier.jobs.identity import source_of_head
from haulier.jobs.items import JobItem
from haulier.jobs.writes import get_job

_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half of a character: JSON can write one, UTF-8 cannot."""


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """What `submit_batch` would ask for.

    Attributes:
        pin: the members; those of a list that is too long for a request are in `keys` until it is asked for.
        cause: names the request.
        job_id: which follows from both; None while a long list is not in the bucket.
        state: of the batch that is there already, if one is.
    """

    pin: BatchPin
    cause: str
    job_id: str | None
    state: JobState | None

    @property
    def long(self) -> bool:
        """Whether the keys must come as an object."""
        return sum(len(json.dumps(key)) + 1 for key in self.pin.keys or ()) > MAX_LISTED_BYTES


def prepare_batch(
    connection: Connection,
    *,
    prefix: str | None = None,
    keys: Sequence[str] | None = None,
    dataset: str | None = None,
    cause: str = "",
) -> BatchRequest:
    """Works out the batch it would be: of all objects of the input bucket under a prefix, or of some. Changes nothing.

    Args:
        connection: the stack.
        prefix: of keys.
        keys: of objects; those that are not there become members that are rejected.
        dataset: of every member; matched by each key if not given.
        cause: the same cause for the same prefix or list and dataset is the same batch.

    Raises:
        BadAddress: the prefix or a key is none that S3 knows.
        NotFound: there is no object under the prefix, no key in the list, or no such dataset.
    """
    for text in (prefix,) if prefix is not None else keys or ():
        if not 0 < len(text.encode(errors="surrogatepass")) <= MAX_KEY_BYTES or _SURROGATE.search(text):
            raise BadAddress(f"{text[:100]!r} is no key", f"a key has 1 to {MAX_KEY_BYTES} bytes of UTF-8")
    if prefix is not None and next(keys_under(connection, prefix), None) is None:
        raise NotFound(f"no object of s3://{connection.input_bucket} begins with {prefix}")
    if prefix is None and not keys:
        raise NotFound("the list holds no key", "write one key a line")
    if dataset is not None and dataset != DEFAULT_DATASET.name:
        dataset_now(connection, dataset)
    pin = BatchPin(
        bucket=connection.input_bucket,
        prefix=prefix,
        keys=tuple(dict.fromkeys(keys or ())) if prefix is None else None,
        dataset=dataset,
        accepted_at_ms=0,
    )
    request = BatchRequest(pin, cause, None, None)
    if request.long:
        listed = _listed(connection, keys_list_key(_digest(pin)))
        return _known(connection, replace(request, pin=_of_list(pin, listed))) if listed else request
    return _known(connection, request)


def submit_batch(connection: Connection, request: BatchRequest, *, queue: QueueName | None = None) -> BatchRequest:
    """Puts the request on the bus, and a long list into the bucket before it; returns it with the batch's id. A batch
    that is there already stays as it is.
    """
    if request.long:
        where = keys_list_key(_digest(request.pin))
        body = _text(request.pin)
        connection.perform(Call("s3", "put_object", {"Bucket": request.pin.bucket, "Key": where, "Body": body}))
        request = _known(connection, replace(request, pin=_of_list(request.pin, _listed(connection, where))))
    pin = request.pin
    detail = JobRequested(
        bucket=pin.bucket,
        prefix=pin.prefix,
        keys=pin.keys,
        keys_object=pin.keys_object.key if pin.keys_object else None,
        dataset=pin.dataset,
        queue=queue,
        cause=request.cause,
    )
    put_event(connection, detail)
    return request


def members(connection: Connection, job: JobItem, state: JobState | None = None) -> Iterator[BatchMember]:
    """What became of the members of a batch's present run, in the order of the list; while it runs, of those that are
    counted.

    Raises:
        Refused: the job is no batch.
        NotFound: the results are gone from the bucket.
    """
    if not job.is_batch:
        raise Refused(f"job {job.job_id} is no batch", "`haulier status` shows it")
    for group in range(job.progress.counted if job.progress else 0):
        key = batch_results_key(job.job_id, job.run, group)
        try:
            answer = connection.perform(Call("s3", "get_object", {"Bucket": connection.output_bucket, "Key": key}))
        except Missing:
            raise NotFound(f"s3://{connection.output_bucket}/{key} is gone") from None
        for line in answer["Body"].splitlines():
            member = BatchMember.model_validate_json(line, extra="ignore")
            if state in (None, member.state):
                yield member


def _known(connection: Connection, request: BatchRequest) -> BatchRequest:
    job_id = batch_job_id(request.pin, request.cause)
    there = connection.run(get_job(connection.table, job_id))
    return replace(request, job_id=job_id, state=there.status if there else None)


def _of_list(pin: BatchPin, listed: Source | None) -> BatchPin:
    return pin.model_copy(update={"keys": None, "keys_object": listed})


def _listed(connection: Connection, key: str) -> Source | None:
    bucket = connection.input_bucket
    try:
        head = connection.perform(Call("s3", "head_object", {"Bucket": bucket, "Key": key}))
    except Missing:
        return None
    return source_of_head(bucket, key, head)


def _text(pin: BatchPin) -> bytes:
    """A key a line, as JSON: a key may hold any character."""
    return b"".join(json.dumps(key).encode() + b"\n" for key in sorted(pin.keys or ()))


def _digest(pin: BatchPin) -> str:
    return hashlib.sha256(_text(pin)).hexdigest()

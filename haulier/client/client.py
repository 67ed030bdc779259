"""The client as one object, for those who write programs; every method is a function of the module it comes from."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from haulier.client import batches, datasets, deadletters, jobs, requests, results, uploads, waiting
from haulier.client.batches import BatchRequest
from haulier.client.connection import Connection, reach
from haulier.client.deadletters import ALL, Letter, Moved, Redriven
from haulier.client.jobs import JobView
from haulier.client.requests import Request
from haulier.client.selection import Selection
from haulier.client.waiting import Patience
from haulier.contracts.batch import BatchMember
from haulier.contracts.dataset import Dataset, QueueName
from haulier.contracts.manifest import Manifest
from haulier.contracts.states import JobState
from haulier.jobs.items import JobItem


@dataclass(frozen=True)
class Client:
    """A stack to work with. `job` is always a whole id; `resolve` finds it from its beginning."""

    connection: Connection

    def put(self, path: Path, key: str, *, patience: Patience | None = None) -> str:
        """Uploads a file and returns the id of the job that comes of it (see uploads.put, uploads.find_job)."""
        return uploads.find_job(self.connection, uploads.put(self.connection, path, key), patience)

    def submit(
        self, uri: str, *, dataset: str | None = None, queue: QueueName | None = None, cause: str = ""
    ) -> Request:
        """Asks for a job for an object that is there (see requests.prepare); one that has its job keeps it."""
        bucket, key = requests.parse_uri(uri)
        request = requests.prepare(self.connection, bucket, key, dataset=dataset, cause=cause)
        if request.state is None:
            requests.submit(self.connection, request, queue=queue)
        return request

    def submit_batch(
        self,
        *,
        prefix: str | None = None,
        keys: Sequence[str] | None = None,
        dataset: str | None = None,
        queue: QueueName | None = None,
        cause: str = "",
    ) -> BatchRequest:
        """Asks for a batch (see batches.prepare_batch); one that is there already keeps its jobs."""
        request = batches.prepare_batch(self.connection, prefix=prefix, keys=keys, dataset=dataset, cause=cause)
        return request if request.state is not None else batches.submit_batch(self.connection, request, queue=queue)

    def members(self, job: str, state: JobState | None = None) -> Iterator[BatchMember]:
        return batches.members(self.connection, jobs.find(self.connection, job), state)

    def resolve(self, text: str) -> str:
        return jobs.resolve(self.connection, text)

    def jobs(self, *, status: JobState | None = None, limit: int = 50) -> list[JobItem]:
        return jobs.listing(self.connection, status=status, limit=limit)

    def look(self, job: str) -> JobView:
        return jobs.look(self.connection, job)

    def watch(self, job: str, patience: Patience | None = None) -> Iterator[JobView]:
        return waiting.watch(self.connection, job, patience)

    def wait(self, job: str, patience: Patience | None = None) -> JobView:
        return waiting.wait(self.connection, job, patience)

    def manifest(self, job: str) -> Manifest:
        return results.manifest(self.connection, jobs.find(self.connection, job))

    def download(
        self, job: str, to: Path, *, rejects: bool = False, on_bytes: Callable[[int], None] | None = None
    ) -> list[Path]:
        found = jobs.find(self.connection, job)
        return results.download(self.connection, found, to, rejects=rejects, on_bytes=on_bytes)

    def rejects(self, job: str) -> Iterator[dict[str, Any]]:
        return results.rejects(self.connection, jobs.look(self.connection, job))

    def retry(self, job: str) -> JobItem:
        return requests.retry(self.connection, job)

    def cancel(self, job: str) -> JobItem:
        return requests.cancel(self.connection, job)

    def letters(self, selection: Selection = ALL) -> list[Letter]:
        return deadletters.letters(self.connection, selection)

    def redrive(self, selection: Selection = ALL, *, dry_run: bool = False) -> list[Redriven | Moved]:
        return list(deadletters.redrive(self.connection, selection, dry_run=dry_run))

    def purge(self, selection: Selection = ALL, *, dry_run: bool = False) -> list[Letter]:
        return list(deadletters.purge(self.connection, selection, dry_run=dry_run))

    def datasets(self) -> dict[str, Dataset]:
        return datasets.stored(self.connection)

    def put_dataset(self, path: Path) -> Dataset:
        return datasets.put(self.connection, path)


def connect(
    environment: str | None = None,
    *,
    region: str | None = None,
    account: str | None = None,
    endpoint_url: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Client:
    """A client of the stack that connection.reach finds; takes and raises the same."""
    return Client(reach(environment, region=region, account=account, endpoint_url=endpoint_url, environ=environ))

"""Batches on the deployed system: a prefix, a list, a duplicate, a cancel, a retry."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from haulier.client import Client, connect
from haulier.contracts.batch import BatchManifest, BatchMember
from haulier.contracts.events import JobError
from haulier.contracts.states import JobState
from haulier.jobs.items import JobItem
from tests.stack.conftest import Stack, wait_until
from tests.stack.test_chunks import dataset

OBJECTS = 250
BODY = b"id,name\n1,ann\n2,bob\n"


@pytest.fixture
def client(stack: Stack) -> Client:
    return connect(stack.info.environment, environ=stack.info.client_environment())


def fill(stack: Stack, folder: str, count: int = OBJECTS, *, empty: int | None = None) -> list[str]:
    """Objects in a folder. Those outside the input prefixes start no job by themselves."""
    keys = [f"{folder}/{n:03d}.csv" for n in range(count)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: stack.put(keys[n], b"" if n == empty else BODY), range(count)))
    return keys


def members_of(stack: Stack, batch: str) -> list[JobItem]:
    return [job for job in stack.jobs() if job.batch == batch]


def manifest_of(stack: Stack, batch: JobItem) -> BatchManifest:
    return BatchManifest.of(stack.output(f"{stack.prefix(batch)}_manifest.json"))


def results_of(stack: Stack, batch: JobItem) -> list[BatchMember]:
    lines = b"".join(stack.output(key) for key in manifest_of(stack, batch).results).splitlines()
    return [BatchMember.model_validate_json(line) for line in lines]


def test_every_object_under_a_prefix_is_a_member(stack: Stack, client: Client, name: str):
    keys = fill(stack, f"incoming/{name}", 12)
    stack.put(f"incoming/{name}/", b"")
    asked = client.submit_batch(prefix=f"incoming/{name}/")
    assert client.submit_batch(prefix=f"incoming/{name}/").job_id == asked.job_id
    assert asked.job_id is not None
    batch = stack.final(asked.job_id)
    assert batch.status == JobState.SUCCEEDED, batch.error
    manifest = manifest_of(stack, batch)
    assert (manifest.members, manifest.skipped, manifest.prefix) == (12, 1, f"incoming/{name}/")
    assert [line.key for line in results_of(stack, batch)] == keys
    # Beside the job of each object's own event.
    assert len(stack.jobs_of(keys[0])) == 2
    assert len(members_of(stack, asked.job_id)) == 12


def test_of_many_members_in_two_groups_the_failed_one_alone_is_tried_again(stack: Stack, client: Client, name: str):
    keys = fill(stack, f"backfill/{name}", empty=7)
    asked = client.submit_batch(keys=keys)
    assert asked.job_id is not None
    batch = stack.final(asked.job_id, seconds=300)
    assert batch.status == JobState.FAILED
    assert isinstance(batch.error, JobError)
    assert batch.error.code == "members_failed"
    manifest = manifest_of(stack, batch)
    assert (manifest.members, manifest.states) == (OBJECTS, {"REJECTED": 1, "SUCCEEDED": 249})
    assert (manifest.read, manifest.written, len(manifest.results)) == (498, 498, 2)
    assert [line.key for line in results_of(stack, batch)] == keys
    first = members_of(stack, asked.job_id)
    assert Counter(job.queue for job in first if job.status == JobState.SUCCEEDED) == {"bulk": 249}
    assert len(first) == OBJECTS

    stack.put(keys[7], BODY)
    client.retry(asked.job_id)
    again = stack.final(asked.job_id, run=2, seconds=300)
    assert again.status == JobState.SUCCEEDED, again.error
    assert manifest_of(stack, again).states == {"SUCCEEDED": OBJECTS}
    assert f"{stack.prefix(again)}_SUCCESS" in stack.listing(stack.prefix(again))
    second = members_of(stack, asked.job_id)
    assert len(second) == OBJECTS + 1
    assert {job.run for job in second} == {1}
    assert {line.state for line in client.members(asked.job_id)} == {"SUCCEEDED"}


def test_a_list_is_a_batch_of_its_own_and_what_is_not_there_is_told(stack: Stack, client: Client, name: str):
    keys = [f"incoming/{name}/a b.csv", f"incoming/{name}/ü+.csv", f"incoming/{name}/none.csv"]
    stack.put_dataset(name, dataset(name, 4096))
    stack.put(keys[0], BODY)
    # A member that is cut into chunks by a state machine of its own.
    stack.put(keys[1], b"id,name\n" + b"1,ann\n" * 3000)
    asked = client.submit_batch(keys=keys)
    assert asked.job_id is not None
    batch = stack.final(asked.job_id)
    assert batch.status == JobState.FAILED
    assert sorted(job.chunks or 0 for job in members_of(stack, asked.job_id)) == [0, 1, 5]
    told = {line.key: (line.state, line.error.code if line.error else None) for line in results_of(stack, batch)}
    assert told == {
        keys[0]: ("SUCCEEDED", None),
        keys[1]: ("SUCCEEDED", None),
        keys[2]: ("REJECTED", "not_found"),
    }
    assert client.submit_batch(keys=list(reversed(keys))).job_id == asked.job_id


def test_a_long_list_comes_as_an_object(stack: Stack, client: Client, name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("haulier.client.batches.MAX_LISTED_BYTES", 10)
    keys = [f"incoming/{name}/{n}.csv" for n in range(3)]
    for key in keys:
        stack.put(key, BODY)
    asked = client.submit_batch(keys=keys)
    assert asked.job_id is not None
    batch = stack.final(asked.job_id)
    assert batch.status == JobState.SUCCEEDED, batch.error
    assert batch.key.startswith("temp/lists/")
    assert {line.key for line in client.members(asked.job_id)} == set(keys)


def test_what_can_have_no_member_is_rejected_with_the_reason(stack: Stack, client: Client, name: str):
    stack.put(f"incoming/{name}/", b"")
    asked = client.submit_batch(keys=["x"], cause=name)
    for prefix, code in ((f"incoming/{name}/", "not_found"), ("config/", "prefix_not_allowed")):
        stack.clients["events"].put_events(
            Entries=[
                {
                    "Source": "haulier",
                    "DetailType": "Job Requested",
                    "Detail": f'{{"bucket": "{stack.info.input_bucket}", "prefix": "{prefix}", "cause": "{name}"}}',
                    "EventBusName": stack.names.bus,
                }
            ]
        )
        found = wait_until(lambda prefix=prefix: [j for j in stack.jobs_of(prefix) if j.cause == name], "the batch")
        assert (found[0].status, found[0].error.code if found[0].error else None) == (JobState.REJECTED, code)
    assert asked.job_id is not None
    assert stack.final(asked.job_id).status == JobState.FAILED


def test_a_cancelled_batch_stops_its_members(stack: Stack, client: Client, name: str):
    asked = client.submit_batch(keys=fill(stack, f"backfill/{name}"))
    assert asked.job_id is not None
    job_id = asked.job_id
    wait_until(lambda: members_of(stack, job_id), "the first member")
    client.cancel(job_id)
    stopped = wait_until(lambda: (job := stack.job(job_id)) and job.stopped_at, "the end of its members", 180)
    assert stopped
    wait_until(lambda: all(job.final for job in members_of(stack, job_id)), "the end of every member", 180)
    states = Counter(job.status for job in members_of(stack, job_id))
    assert set(states) <= {JobState.SUCCEEDED, JobState.CANCELLED}
    assert states[JobState.CANCELLED] > 0
    assert not stack.listing(f"processed/_batches/{job_id}/run=1/_")

"""Batches under everything that can happen to them: kills at every call, duplicates, cancels, retries."""

import contextlib
import json
import random
from collections import Counter
from typing import Any

import pytest

from haulier.contracts.batch import BatchManifest, BatchMember
from haulier.contracts.keys import manifest_key, success_key
from haulier.contracts.states import JobState
from haulier.jobs.items import JobItem
from haulier.jobs.verdicts import NotAllowed
from tests.faults.batches import BatchSystem

_GOOD = b"id,name\n1,ann\n2,bob\n"
_KEYS = [f"incoming/b/{n}.csv" for n in range(6)]


@pytest.fixture(autouse=True)
def _small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two members a group and a section."""
    monkeypatch.setattr("haulier.jobs.listing.GROUP_MEMBERS", 2)
    monkeypatch.setattr("haulier.jobs.listing.LEAST_GROUP_MEMBERS", 1)
    monkeypatch.setattr("haulier.jobs.listing.SECTION_MEMBERS", 2)


def _held(*, empty: str = "", count: int = len(_KEYS)) -> BatchSystem:
    """A system whose input bucket holds the objects, one of them perhaps without a byte."""
    system = BatchSystem()
    for key in _KEYS[:count]:
        system.holds(key, b"" if key == empty else _GOOD)
    return system


def _manifest(system: BatchSystem, run: int = 1) -> BatchManifest:
    batch = system.batch()
    return BatchManifest.of(system.objects.outputs[manifest_key(batch.dataset, batch.job_id, run)])


def _results(system: BatchSystem, run: int = 1) -> list[BatchMember]:
    bodies = (system.objects.outputs[key] for key in _manifest(system, run).results)
    return [BatchMember.model_validate_json(line) for body in bodies for line in body.splitlines()]


def _succeeded(system: BatchSystem) -> list[int]:
    """Runs that have their `_SUCCESS`."""
    batch = system.batch()
    names = {run: success_key(batch.dataset, batch.job_id, run) for run in range(1, batch.run + 1)}
    return [run for run, name in names.items() if name in system.objects.outputs]


def _face(system: BatchSystem) -> dict[str, Any]:
    """All that must be the same whatever happened on the way."""
    batch = system.batch()
    members = sorted((job.key, job.job_id, job.status, job.run, job.batch_run, job.read) for job in system.members())
    results = [
        line.model_dump(exclude={"manifest"}) for run in range(1, batch.run + 1) for line in _results(system, run)
    ]
    assert batch.progress is not None
    return {
        "batch": (batch.job_id, batch.status, batch.run, batch.progress.tally, batch.error),
        "members": members,
        "results": results,
        "succeeded": _succeeded(system),
        "lists": sorted(key for key in system.objects.outputs if "/list/" in key),
        "told": system.told,
    }


def _left_over(system: BatchSystem) -> dict[str, object]:
    listed = {name for job in system.members() for name in _listed(system, job)}
    outputs = {key for key in system.objects.outputs if key.startswith("processed/") and "/_batches/" not in key}
    return {
        "strays": sorted(outputs - listed),
        "letters": system.letters.reasons(),
        "temporary": [key for key in system.objects.outputs if key.startswith("temp/")],
        "running": [arn for arn, execution in system.executions.items() if execution.status == "RUNNING"],
        "open": [job.job_id for job in system.items() if not job.final],
    }


def _listed(system: BatchSystem, job: JobItem) -> set[str]:
    found: set[str] = set()
    for run in range(1, job.run + 1):
        name = manifest_key(job.dataset, job.job_id, run)
        if name in system.objects.outputs:
            outputs = json.loads(system.objects.outputs[name])["chunks"]
            found |= {name, success_key(job.dataset, job.job_id, run)}
            found |= {output["key"] for chunk in outputs for output in chunk["outputs"]}
    return found


async def test_every_object_under_a_prefix_is_a_member_and_the_batch_succeeds_when_all_did() -> None:
    system = _held()
    system.holds("incoming/b/", b"")
    system.holds("incoming/bc.csv", _GOOD)
    system.asks(prefix="incoming/b/")
    await system.settle()
    assert system.batch().status is JobState.SUCCEEDED
    assert sorted(job.key for job in system.members()) == _KEYS
    assert {job.queue for job in system.members()} == {"bulk"}
    manifest = _manifest(system)
    assert (manifest.members, manifest.states, manifest.skipped) == (6, {"SUCCEEDED": 6}, 1)
    assert (manifest.read, manifest.written, manifest.prefix) == (12, 12, "incoming/b/")
    assert [line.key for line in _results(system)] == _KEYS
    assert {line.manifest for line in _results(system)} == {
        manifest_key(job.dataset, job.job_id, 1) for job in system.members()
    }
    assert _succeeded(system) == [1]
    assert not any(_left_over(system).values()), _left_over(system)
    system.close()


async def test_the_same_request_twice_is_one_batch_and_its_members_are_no_other_jobs() -> None:
    system = _held()
    system.asks(keys=_KEYS)
    await system.settle()
    system.asks(keys=list(reversed(_KEYS)))
    await system.settle()
    assert len(system.items()) == 7
    assert system.batch().run == 1
    system.close()


async def test_an_object_that_is_not_there_is_a_member_that_is_rejected_with_its_reason() -> None:
    system = _held()
    system.asks(keys=[*_KEYS[:2], "incoming/none.csv", "config/x", _KEYS[0]])
    await system.settle()
    batch = system.batch()
    assert (batch.status, batch.error.code if batch.error else None) == (JobState.FAILED, "members_failed")
    assert {line.key: line.error.code for line in _results(system) if line.error} == {
        "incoming/none.csv": "not_found",
        "config/x": "own_key",
    }
    assert _manifest(system).states == {"REJECTED": 2, "SUCCEEDED": 2}
    assert not _succeeded(system)
    system.close()


async def _run(at: int | None, *, after: bool = False, replaying: random.Random | None = None) -> BatchSystem:
    """A prefix of three, one of them empty; once it failed the empty one is filled and the batch retried."""
    system = _held(empty=_KEYS[2], count=3)
    system.replaying = replaying
    system.asks(prefix="incoming/b/")
    system.switch.arm(at, after=after)
    await system.settle()
    assert system.batch().status is JobState.FAILED
    system.holds(_KEYS[2], _GOOD)
    system.retries(system.batch().job_id)
    await system.settle()
    system.close()
    return system


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_batch_and_retry_end_the_same_when_any_function_is_killed_at_any_call(after: bool) -> None:
    undisturbed = await _run(None, after=after)
    expected = _face(undisturbed)
    assert expected["batch"][1] is JobState.SUCCEEDED
    assert Counter(state for _, _, state, *_ in expected["members"]) == {"SUCCEEDED": 3, "REJECTED": 1}
    calls = list(undisturbed.switch.calls)
    # Workers and the notifier are killed at each of their calls elsewhere.
    ours = [(at, call) for at, call in enumerate(calls) if call.startswith(("intake: ", "batch: ", "janitor: "))]
    assert sum(call.startswith("batch: ") for _, call in ours) > 50
    for at, name in ours:
        system = await _run(at, after=after)
        told = f"killed at call {at} ({name})"
        assert system.kills == 1, told
        assert _face(system) == expected, told
        assert not any(_left_over(system).values()), (told, _left_over(system))


async def test_batch_and_retry_end_the_same_when_calls_of_the_function_are_made_again_at_any_time() -> None:
    expected = _face(await _run(None))
    replayed = 0
    for seed in range(12):
        system = await _run(None, replaying=random.Random(seed))
        replayed += system.replayed
        assert _face(system) == expected, seed
        assert not any(_left_over(system).values()), (seed, _left_over(system))
    assert replayed > 100


async def test_a_cancelled_batch_leaves_no_member_open_and_a_retry_finishes_it_wherever_it_was() -> None:
    whole = _held(count=3)
    whole.asks(prefix="incoming/b/")
    await whole.settle()
    whole.close()
    job_id, ends = whole.batch().job_id, Counter[str]()
    for at in range(0, len(whole.switch.calls), 3):
        system = _held(count=3)
        system.asks(prefix="incoming/b/")
        system.meddling = at, lambda system=system: _cancel(system, job_id)
        await system.settle()
        batch, told = system.batch(), f"cancelled before call {at} ({whole.switch.calls[at]})"
        ends[batch.status] += 1
        assert not any(_left_over(system).values()), (told, _left_over(system))
        if batch.status is JobState.CANCELLED:
            assert batch.stopped_at is not None, told
            assert not _succeeded(system), told
            system.retries(job_id)
            await system.settle()
        assert (system.batch().status, len(system.members())) == (JobState.SUCCEEDED, 3), told
        assert {job.status for job in system.members()} == {JobState.SUCCEEDED}, told
        assert not any(_left_over(system).values()), (told, _left_over(system))
        system.close()
    assert ends[JobState.CANCELLED] > ends[JobState.SUCCEEDED] > 5


def _cancel(system: BatchSystem, job_id: str) -> None:
    with contextlib.suppress(LookupError, NotAllowed):
        system.cancels(job_id)


async def test_a_batch_whose_execution_is_gone_is_taken_up_by_the_janitor() -> None:
    system = _held()
    system.asks(prefix="incoming/b/")
    system.meddling = 40, system.aborts
    await system.settle()
    assert system.batch().status is JobState.SUCCEEDED
    assert len(system.executions) == 2
    assert sorted(job.key for job in system.members()) == _KEYS
    system.close()

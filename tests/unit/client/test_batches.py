"""The client's side of batches."""

import json

import pytest

from haulier.client import batches, results
from haulier.client.batches import members, prepare_batch, submit_batch
from haulier.client.errors import NotFound, Refused
from haulier.client.jobs import look
from haulier.contracts.batch import BatchMember, BatchPin, BatchProgress
from haulier.contracts.events import JobRequested
from haulier.contracts.keys import batch_results_key
from haulier.contracts.states import JobState
from haulier.jobs.batch import batch_job_id
from tests.unit.client.fakes import JOB, Stack

_KEYS = ["incoming/a.csv", "incoming/b.csv"]


def _detail(stack: Stack) -> JobRequested:
    (entry,) = stack.events.entries
    return JobRequested.model_validate_json(entry["Detail"])


def _batch(stack: Stack, **progress: object) -> None:
    held = BatchProgress.model_validate(progress).to_json()
    stack.job(JOB, operation="batch", chunked=True, dataset="_batches", progress=held)


def test_a_prefix_is_asked_for_as_a_whole(stack: Stack) -> None:
    stack.s3.objects[stack.connection.input_bucket, _KEYS[0]] = b"x"
    request = prepare_batch(stack.connection, prefix="incoming/", cause="c")
    assert stack.events.entries == []
    assert submit_batch(stack.connection, request, queue="standard") == request
    detail = _detail(stack)
    assert (detail.prefix, detail.queue, detail.cause, detail.keys) == ("incoming/", "standard", "c", None)


def test_the_id_is_the_one_intake_derives(stack: Stack) -> None:
    request = prepare_batch(stack.connection, keys=[*_KEYS, _KEYS[0]])
    pin = BatchPin(bucket=stack.connection.input_bucket, keys=tuple(_KEYS), accepted_at_ms=5)
    assert request.job_id == batch_job_id(pin, "")
    submit_batch(stack.connection, request)
    assert _detail(stack).keys == tuple(_KEYS)


def test_a_long_list_is_put_into_the_bucket_once(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "MAX_LISTED_BYTES", 10)
    request = prepare_batch(stack.connection, keys=_KEYS)
    assert (request.job_id, request.long) == (None, True)
    asked = submit_batch(stack.connection, request)
    ((_, key), body) = next(iter(stack.s3.objects.items()))
    assert key.startswith("temp/lists/")
    assert [json.loads(line) for line in body.splitlines()] == _KEYS
    assert (_detail(stack).keys_object, _detail(stack).keys) == (key, None)
    again = prepare_batch(stack.connection, keys=list(reversed(_KEYS)))
    assert again.job_id == asked.job_id is not None


def test_a_batch_that_is_there_says_its_state(stack: Stack) -> None:
    request = prepare_batch(stack.connection, keys=_KEYS)
    assert request.job_id is not None
    stack.job(request.job_id, status="FAILED")
    assert prepare_batch(stack.connection, keys=_KEYS).state is JobState.FAILED


def test_what_has_no_member_is_not_asked_for(stack: Stack) -> None:
    with pytest.raises(NotFound, match="begins with none/"):
        prepare_batch(stack.connection, prefix="none/")
    with pytest.raises(NotFound, match="no key"):
        prepare_batch(stack.connection, keys=[])
    with pytest.raises(NotFound):
        prepare_batch(stack.connection, keys=_KEYS, dataset="none")


def test_members_are_read_as_far_as_they_are_counted(stack: Stack) -> None:
    _batch(stack, listed=3, counted=2)
    job = look(stack.connection, JOB).job
    with pytest.raises(NotFound, match="is gone"):
        list(members(stack.connection, job))
    lines = [
        BatchMember(key=key, job_id=JOB, run=1, state=state, dataset="d", size=1)
        for key, state in zip("abc", ("SUCCEEDED", "FAILED", "SUCCEEDED"), strict=True)
    ]
    for group, held in enumerate((lines[:2], lines[2:])):
        body = b"".join(line.to_json().encode() + b"\n" for line in held)
        stack.s3.objects[stack.connection.output_bucket, batch_results_key(JOB, 1, group)] = body
    assert list(members(stack.connection, job)) == lines
    assert [line.key for line in members(stack.connection, job, JobState.FAILED)] == ["b"]


def test_a_batch_has_no_outputs_and_another_job_no_members(stack: Stack) -> None:
    _batch(stack)
    with pytest.raises(Refused) as told:
        results.manifest(stack.connection, look(stack.connection, JOB).job)
    assert "haulier members" in told.value.hint
    with pytest.raises(Refused, match="no batch"):
        list(members(stack.connection, stack.job(JOB)))

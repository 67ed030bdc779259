"""The procedures on a table in memory: killed at every call, and interleaved call by call in every order."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haulier.contracts.dataset import DEFAULT_DATASET
from haulier.contracts.events import JobError
from haulier.contracts.ids import job_id
from haulier.contracts.keys import failed_key, manifest_key, output_key, success_key
from haulier.contracts.messages import ChunkMessage
from haulier.contracts.report import ChunkReport, OutputObject
from haulier.contracts.run import Plan, Reading, RunPin
from haulier.contracts.source import Source
from haulier.contracts.states import JobState
from haulier.jobs import accept, claim, enqueue, finish, lease, verdicts
from haulier.jobs.calls import Refused, drive
from haulier.jobs.items import JobItem, run_sk
from haulier.jobs.prove import Unfinished
from haulier.jobs.writes import get_chunks, get_job, update
from tests.unit.dispatcher.cloud import Cloud, Died

NOW = 1_800_000_000_000
TABLE, OUT = "jobs", "out"
SOURCE = Source(bucket="in", key="incoming/a.csv", size=100, etag="e")
TARGETS = enqueue.Targets({"standard": "q", "bulk": "q"}, "arn:aws:states:eu-west-1:1:stateMachine:m")


class World(Cloud):
    """The dispatcher's cloud, and the one call only a worker makes."""

    def _dynamodb_batch_get_item(self, RequestItems: Any) -> Any:  # noqa: N803 - AWS's
        ((table, wanted),) = RequestItems.items()
        keys = [(key["job_id"]["S"], key["sk"]["S"]) for key in wanted["Keys"]]
        return {"Responses": {table: [self.items[key] for key in keys if key in self.items]}}

    def run(self, steps: Any) -> Any:
        return drive(steps, self.perform)


def draft(sequencer: str = "05", *, chunked: bool = False) -> accept.Draft:
    source = {"bucket": SOURCE.bucket, "key": SOURCE.key, "version": sequencer}
    pin = RunPin(
        source=SOURCE, dataset=DEFAULT_DATASET, accepted_at_ms=NOW, chunked=chunked, queue="standard",
        threshold_bytes=10, chunk_bytes=50,
    )  # fmt: skip
    job = job_id(source=source, operation="records", dataset="default", cause="")
    return accept.Draft(job_id=job, source=SOURCE, dataset="default", sequencer=sequencer, pin=pin)


def accepted(world: World, **how: Any) -> JobItem:
    return world.run(accept.accept(TABLE, draft(**how), NOW)).job


def claim_steps(
    job: JobItem, attempt: str, *, message: str = "m", now: int = NOW, chunk: int = 0, token: str | None = None
) -> Any:
    travelling = ChunkMessage(job_id=job.job_id, run=job.run, chunk=chunk, token=token)
    return claim.claim(
        TABLE, travelling, attempt=attempt, message_id=message, worker="w", now_ms=now, lease_seconds=90, max_attempts=3
    )


def holding(job: JobItem, attempt: str, chunk: int = 0) -> lease.Holding:
    return lease.Holding(job.job_id, job.run, chunk, 0, attempt)


def report_of(job: JobItem, attempt: str, *, first: int = 0, following: int = 100, chunk: int = 0) -> ChunkReport:
    key = output_key(
        "default", job.job_id, job.run, chunk=chunk, attempt=attempt.ljust(32, "0"), number=0, suffix=".jsonl"
    )
    return ChunkReport(
        first=first, next=following, read=2, written=2, rejected=0, filtered=0, input_bytes=following - first,
        outputs=(OutputObject(key=key, bytes=3, records=2, etag="e"),),
    )  # fmt: skip


def write_output(world: World, report: ChunkReport) -> None:
    for output in report.outputs:
        world.put(OUT, output.key, b"abc")


def stored(world: World) -> set[str]:
    return {key for bucket, key in world.objects if bucket == OUT}


def interleaved(world: World, order: list[int], *procedures: Any) -> list[Any]:
    """Runs procedures side by side, the next call each time made by the one `order` names; returns their results."""
    results: list[Any] = [None] * len(procedures)
    pending: dict[int, Any] = {at: next(steps) for at, steps in enumerate(procedures)}
    turns = iter(order)
    while pending:
        at = next(turns, min(pending)) % len(procedures)
        at = at if at in pending else min(pending)
        steps = procedures[at]
        try:
            try:
                answer = world.perform(pending[at])
            except Refused as refused:
                pending[at] = steps.throw(refused)
            else:
                pending[at] = steps.send(answer)
        except StopIteration as stop:
            results[at] = stop.value
            del pending[at]
        except verdicts.NotAllowed as refusal:
            results[at] = refusal
            del pending[at]
    return results


orders = st.lists(st.integers(0, 2), max_size=40)


def whole_job(world: World) -> None:
    """Everybody's part in a job of one chunk, as often as it takes; each part stands for a process of its own."""
    job = accepted(world)
    if job.status == JobState.ACCEPTED:
        world.run(enqueue.enqueue(TABLE, job, TARGETS, NOW))
    attempts = len(world.calls)
    answer = world.run(claim_steps(job, f"a{attempts}", now=NOW + 1000 * attempts * 100))
    if isinstance(answer, claim.Claimed):
        report = report_of(job, f"a{attempts}")
        write_output(world, report)
        world.run(lease.commit(TABLE, holding(job, f"a{attempts}"), report, now_ms=NOW))
    world.run(finish.finish(TABLE, OUT, job.job_id, 1, NOW))


def outcome(world: World) -> tuple[Any, ...]:
    job = world.rows("job")[0]
    manifest = json.loads(world.objects[OUT, manifest_key("default", job["job_id"], 1)].body)
    listed = [output["key"][:-42] for chunk in manifest["chunks"] for output in chunk["outputs"]]
    keys = {key for key in stored(world) if not key.endswith(("_manifest.json", "_SUCCESS"))}
    return job["status"], job["read"], manifest["written"], listed, len(keys), bool(world.sent)


def test_a_job_killed_at_any_call_ends_as_the_undisturbed_one():
    calm = World()
    whole_job(calm)
    assert calm.rows("job")[0]["status"] == "SUCCEEDED"
    for side in ("die_before", "die_after"):
        for at in range(len(calm.calls)):
            world = World()
            setattr(world, side, at)
            with pytest.raises(Died):
                whole_job(world)
            setattr(world, side, None)
            whole_job(world)
            assert outcome(world) == outcome(calm), f"{side} {at} {calm.calls[at]}"


@settings(max_examples=300, deadline=None)
@given(orders)
def test_of_several_who_claim_at_once_one_gets_the_chunk(order):
    world = World()
    job = accepted(world)
    answers = interleaved(world, order, *(claim_steps(job, f"a{n}", message=f"m{n}", token=f"t{n}") for n in range(3)))
    assert [type(answer) for answer in answers].count(claim.Claimed) == 1
    assert {type(answer) for answer in answers} <= {claim.Claimed, claim.HeldElsewhere}
    chunk = world.run(get_chunks(TABLE, job.job_id, 1))[0]
    assert chunk.attempts == 1
    assert world.job(job.job_id)["status"] == "RUNNING"


@settings(max_examples=300, deadline=None)
@given(orders)
def test_a_cancel_that_races_the_seal_leaves_all_or_nothing(order):
    world = World()
    job = accepted(world)
    world.run(claim_steps(job, "a"))
    report = report_of(job, "a")
    write_output(world, report)
    world.run(lease.commit(TABLE, holding(job, "a"), report, now_ms=NOW))
    interleaved(
        world, order, finish.finish(TABLE, OUT, job.job_id, 1, NOW), verdicts.cancel(TABLE, job.job_id, NOW),
        finish.finish(TABLE, OUT, job.job_id, 1, NOW),
    )  # fmt: skip
    state = world.job(job.job_id)["status"]
    published = success_key("default", job.job_id, 1) in stored(world)
    assert (state, published) in (("CANCELLED", False), ("SUCCEEDED", True))


def test_a_message_that_comes_back_under_a_live_lease_is_hidden_and_another_gives_its_token():
    world = World()
    job = accepted(world)
    world.run(claim_steps(job, "a", message="m1", token="t1"))
    assert isinstance(world.run(claim_steps(job, "b", message="m1")), claim.HeldHere)
    assert isinstance(world.run(claim_steps(job, "c", message="m2", token="t2")), claim.HeldElsewhere)
    assert world.run(get_chunks(TABLE, job.job_id, 1))[0].token == "t2"


def test_an_expired_lease_is_taken_over_after_the_margin_and_its_holder_can_do_nothing_more():
    world = World()
    job = accepted(world)
    world.run(claim_steps(job, "a"))
    assert isinstance(world.run(claim_steps(job, "b", now=NOW + 94_000)), claim.HeldHere)
    taken = world.run(claim_steps(job, "b", now=NOW + 96_000))
    assert (type(taken), taken.chunk.attempts) == (claim.Claimed, 2)
    zombie = holding(job, "a")
    assert world.run(lease.beat(TABLE, zombie, lease.Progress(), now_ms=NOW, lease_seconds=90)) == lease.Beat.LOST
    assert world.run(lease.commit(TABLE, zombie, report_of(job, "a"), now_ms=NOW)) == lease.Beat.LOST
    assert not world.run(lease.release(TABLE, zombie))
    assert not world.run(lease.give_up(TABLE, zombie, JobError(stage="read", code="x", message="y")))


def test_an_orderly_release_burns_no_attempt_and_a_failure_does():
    world = World()
    job = accepted(world)
    for n in range(10):
        assert isinstance(world.run(claim_steps(job, f"r{n}")), claim.Claimed)
        assert world.run(lease.release(TABLE, holding(job, f"r{n}")))
    chunk = world.run(get_chunks(TABLE, job.job_id, 1))[0]
    assert (chunk.attempts, chunk.releases) == (0, 10)
    reason = JobError(stage="read", code="timeout", message="S3 did not answer")
    for n in range(3):
        assert isinstance(world.run(claim_steps(job, f"f{n}")), claim.Claimed)
        assert world.run(lease.give_up(TABLE, holding(job, f"f{n}"), reason))
    spent = world.run(claim_steps(job, "last"))
    assert spent == claim.Spent(spent.job, 3, reason)


def test_a_commit_whose_answer_was_lost_is_found_to_be_ours():
    world = World()
    job = accepted(world)
    world.run(claim_steps(job, "a"))
    first = world.run(lease.commit(TABLE, holding(job, "a"), report_of(job, "a"), now_ms=NOW))
    assert world.run(lease.commit(TABLE, holding(job, "a"), report_of(job, "a"), now_ms=NOW)) == first


def test_a_worker_of_run_one_can_neither_commit_nor_seal_once_run_two_began():
    world = World()
    job = accepted(world)
    world.run(claim_steps(job, "a"))
    world.run(verdicts.cancel(TABLE, job.job_id, NOW))
    again = world.run(verdicts.retry(TABLE, job.job_id, NOW + 1))
    assert (again.status, again.run, again.accepted_at_ms) == (JobState.ACCEPTED, 2, NOW + 1)
    assert world.run(lease.commit(TABLE, holding(job, "a"), report_of(job, "a"), now_ms=NOW)) == lease.Beat.JOB_OVER
    assert isinstance(world.run(claim_steps(job, "b", now=NOW + 10**6)), claim.JobOver)
    world.run(finish.finish(TABLE, OUT, job.job_id, 1, NOW))
    assert world.job(job.job_id)["status"] == "ACCEPTED"
    assert not stored(world)


@pytest.mark.parametrize("state", ["ACCEPTED", "QUEUED", "RUNNING", "SEALED"])
def test_an_open_job_is_not_retried(state):
    world = World()
    job = accepted(world)
    world.perform(update(TABLE, job.job_id, "job", sets={"status": state}))
    with pytest.raises(verdicts.NotAllowed, match=state):
        world.run(verdicts.retry(TABLE, job.job_id, NOW))


def test_a_job_refused_at_intake_is_not_retried_but_says_what_to_do():
    world = World()
    refused = accept.Draft(
        job_id=draft().job_id,
        source=SOURCE,
        dataset="default",
        error=JobError(stage="intake", code="empty", message="m"),
    )
    world.run(accept.accept(TABLE, refused, NOW))
    with pytest.raises(verdicts.NotAllowed, match="submit its object again"):
        world.run(verdicts.retry(TABLE, refused.job_id, NOW))


def test_an_older_event_is_superseded_and_the_same_one_finds_its_job():
    world = World()
    newer = accepted(world, sequencer="05")
    assert isinstance(world.run(accept.accept(TABLE, draft("05"), NOW)), accept.Found)
    older = world.run(accept.accept(TABLE, draft("04"), NOW))
    assert isinstance(older, accept.Superseded)
    assert (older.job.status, older.job.error.code) == (JobState.REJECTED, "superseded")
    assert world.run(accept.accept(TABLE, draft("04"), NOW)) == accept.Found(older.job)
    assert world.run(get_job(TABLE, newer.job_id)).status == JobState.ACCEPTED


def test_a_retry_takes_the_way_its_dataset_has_now():
    world = World()
    job = accepted(world, chunked=True)
    world.run(verdicts.cancel(TABLE, job.job_id, NOW))
    whole = DEFAULT_DATASET.model_copy(
        update={"format": DEFAULT_DATASET.format.model_copy(update={"compression": "gzip"}), "queue": "priority"}
    )
    again = world.run(verdicts.retry(TABLE, job.job_id, NOW + 1, dataset=whole))
    assert (again.chunked, again.queue) == (False, "priority")


def test_cancelling_twice_is_no_mistake():
    world = World()
    job = accepted(world)
    world.run(verdicts.cancel(TABLE, job.job_id, NOW))
    assert world.run(verdicts.cancel(TABLE, job.job_id, NOW)).job_id == job.job_id


def test_a_claim_whose_answer_was_lost_is_found_to_be_ours():
    world = World()
    job = accepted(world)

    def twice(call):
        answer = world.perform(call)
        is_take = call.operation == "update_item" and "#lease_attempt" in call.params["UpdateExpression"]
        return world.perform(call) if is_take else answer

    taken = drive(claim_steps(job, "a"), twice)
    assert (type(taken), taken.chunk.attempts) == (claim.Claimed, 1)


def test_failing_twice_keeps_the_first_reason_and_repairs_its_record():
    world = World()
    job = accepted(world)
    first = JobError(stage="read", code="source_gone", message="first")
    world.die_before = len(world.calls) + 1
    with pytest.raises(Died):
        world.run(verdicts.fail(TABLE, OUT, job, first, NOW))
    world.die_before = None
    assert not stored(world)
    state = world.run(verdicts.fail(TABLE, OUT, job, JobError(stage="x", code="y", message="second"), NOW))
    assert state == JobState.FAILED
    record = json.loads(world.objects[OUT, failed_key("default", job.job_id, 1)].body)
    assert record["error"]["code"] == "source_gone"


def test_a_chunked_run_is_sealed_only_when_its_chain_holds_and_strays_are_gone():
    world = World()
    job = accepted(world, chunked=True)
    plan = Plan(reading=Reading(type="jsonl"), size=100, chunk_bytes=50, chunks=2)
    world.perform(update(TABLE, job.job_id, run_sk(1), sets={"plan": plan.to_json()}))
    for chunk, (first, following) in enumerate([(0, 55), (50, 100)]):
        world.run(claim_steps(job, f"a{chunk}", chunk=chunk))
        report = report_of(job, f"a{chunk}", first=first, following=following, chunk=chunk)
        write_output(world, report)
        if chunk == 0:
            answer = world.run(finish.finish(TABLE, OUT, job.job_id, 1, NOW))
            assert answer.proof == Unfinished(((0, 0), (1, 0)))
        world.run(lease.commit(TABLE, holding(job, f"a{chunk}", chunk), report, now_ms=NOW))
    broken = world.run(finish.finish(TABLE, OUT, job.job_id, 1, NOW))
    (redo,) = broken.proof.redos
    assert (redo.chunk, redo.round, redo.given, redo.end) == (1, 1, 55, 100)
    message = ChunkMessage(job_id=job.job_id, run=1, chunk=1, round=1)
    world.run(
        claim.claim(
            TABLE, message, attempt="b", message_id="m", worker="w", now_ms=NOW, lease_seconds=90, max_attempts=3
        )
    )
    report = report_of(job, "b", first=55, chunk=1)
    write_output(world, report)
    world.run(lease.commit(TABLE, lease.Holding(job.job_id, 1, 1, 1, "b"), report, now_ms=NOW))
    assert world.run(finish.finish(TABLE, OUT, job.job_id, 1, NOW)) == finish.Ended(JobState.SUCCEEDED)
    kept = {key for key in stored(world) if "chunk-" in key}
    assert len(kept) == 2
    assert not any("chunk-00001-a1" in key for key in kept)


@pytest.mark.parametrize(
    ("disturbed", "swept"), [({}, False), ({"attempts": 2}, True), ({"releases": 1}, True), ({"attempts": 1}, False)]
)
def test_the_run_is_swept_unless_only_its_committed_attempt_can_have_written(disturbed, swept):
    world = World()
    job = accepted(world)
    world.run(claim_steps(job, "a"))
    report = report_of(job, "a")
    write_output(world, report)
    world.run(lease.commit(TABLE, holding(job, "a"), report, now_ms=NOW))
    if disturbed:
        world.perform(update(TABLE, job.job_id, "r0001#c00000#0", sets=disturbed))
    world.run(finish.finish(TABLE, OUT, job.job_id, 1, NOW))
    assert ("list_objects_v2" in world.calls) == swept


def test_a_sealed_run_is_judged_no_more(monkeypatch):
    """A release with stricter rules finds it half published: from SEALED it can only succeed."""
    world = World()
    job = accepted(world)
    world.run(claim_steps(job, "a"))
    report = report_of(job, "a")
    write_output(world, report)
    world.run(lease.commit(TABLE, holding(job, "a"), report, now_ms=NOW))
    world.die_after = len(world.calls) + 3
    with pytest.raises(Died):
        world.run(finish.finish(TABLE, OUT, job.job_id, 1, NOW))
    world.die_after = None
    assert world.job(job.job_id)["status"] == "SEALED"
    monkeypatch.setattr(finish, "judge", lambda *_: JobError(stage="seal", code="stricter", message="m"))
    assert world.run(finish.finish(TABLE, OUT, job.job_id, 1, NOW)) == finish.Ended(JobState.SUCCEEDED)
    assert success_key("default", job.job_id, 1) in stored(world)


def test_what_the_state_machine_gave_up_fails_unless_it_is_sealed():
    world = World()
    job = accepted(world)
    assert world.run(finish.abandon(TABLE, OUT, job.job_id, 1, {"Error": "States.Timeout"}, NOW)) == JobState.FAILED
    error = world.run(get_job(TABLE, job.job_id)).error
    assert (error.stage, "States.Timeout" in error.message, job.job_id in error.message) == ("coordinate", True, True)
    assert world.run(finish.abandon(TABLE, OUT, job.job_id, 2, {}, NOW)) == JobState.FAILED
    assert world.run(finish.abandon(TABLE, OUT, "j" + "b" * 26, 1, {}, NOW)) is None

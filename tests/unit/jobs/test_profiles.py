"""Profiles in the table: committed beside the report, read when the run is published, and never in anybody's way."""

import json

import pytest

from haulier.contracts.keys import manifest_key
from haulier.contracts.manifest import Manifest
from haulier.contracts.profile import ChunkProfile, ColumnProfile
from haulier.contracts.report import ChunkReport
from haulier.contracts.run import Plan, Reading
from haulier.contracts.states import JobState
from haulier.jobs import finish, lease
from haulier.jobs.items import run_sk
from haulier.jobs.profiles import run_profile
from haulier.jobs.prove import Proven, prove
from haulier.jobs.sketch import EMPTY, pack
from haulier.jobs.writes import get_chunks, get_job, update
from tests.unit.jobs.test_procedures import (
    NOW,
    OUT,
    TABLE,
    World,
    accepted,
    claim_steps,
    holding,
    report_of,
    write_output,
)

PLAN = Plan(
    reading=Reading(type="csv", encoding="utf-8", columns=("c",), body_start=0), size=100, chunk_bytes=50, chunks=2
)


def profile(low: int, values: int = 2) -> ChunkProfile:
    column = ColumnProfile(name="c", kind="integer", values=values, nulls=0, min=low, max=low + 1, sketch=pack(EMPTY))
    return ChunkProfile(hash="h", columns=(column,), rejects={"c": {"bad_type": 1}})


def commit(world: World, job, attempt: str, *, chunk: int = 0, held: ChunkProfile | None, **where) -> None:
    world.run(claim_steps(job, attempt, chunk=chunk, message=attempt))
    report = report_of(job, attempt, chunk=chunk, **where).model_copy(update={"profile": held})
    write_output(world, report)
    world.run(lease.commit(TABLE, holding(job, attempt, chunk), report, now_ms=NOW))


def chunked(world: World):
    job = accepted(world, chunked=True)
    world.run(iter_of(update(TABLE, job.job_id, run_sk(1), sets={"plan": PLAN.to_json()})))
    return job


def iter_of(call):
    return (yield call)


def published(world: World, job) -> Manifest:
    assert world.run(finish.finish(TABLE, OUT, job.job_id, 1, NOW)) == finish.Ended(JobState.SUCCEEDED)
    return Manifest.model_validate_json(world.objects[OUT, manifest_key("default", job.job_id, 1)].body)


def test_the_manifest_has_the_profile_when_the_job_has_one_chunk():
    world = World()
    job = accepted(world)
    commit(world, job, "a", held=profile(7))
    (column,) = published(world, job).profile.columns
    assert (column.name, column.values, column.min, column.max) == ("c", 2, 7, 8)


def test_the_manifest_has_the_sum_when_the_job_has_chunks():
    world = World()
    job = chunked(world)
    commit(world, job, "a", held=profile(7), following=50)
    commit(world, job, "b", chunk=1, held=profile(-7), first=50)
    found = published(world, job).profile
    assert (found.columns[0].values, found.columns[0].min, found.columns[0].max) == (4, -7, 8)
    assert found.rejects == {"c": {"bad_type": 2}}


def test_chunks_are_read_without_their_profiles_when_there_are_several():
    world = World()
    job = chunked(world)
    commit(world, job, "a", held=profile(7), following=50)
    (item,) = world.run(get_chunks(TABLE, job.job_id, 1))
    assert (item.profile, item.report.profile) == (None, None)


def test_a_report_s_json_is_what_an_older_release_reads():
    report = ChunkReport(first=0, next=1, read=0, written=0, rejected=0, filtered=0, input_bytes=1, profile=profile(1))
    assert "profile" not in json.loads(report.to_json())


def test_an_attempt_that_never_committed_adds_nothing_when_it_left_its_profile():
    world = World()
    job = chunked(world)
    world.run(claim_steps(job, "dead", message="dead"))
    steps = lease.commit(
        TABLE, holding(job, "dead"), report_of(job, "dead").model_copy(update={"profile": profile(-99)}), now_ms=NOW
    )
    calls = 0
    call = next(steps)
    while "profile" not in call.params.get("ExpressionAttributeNames", {}).values():
        call = steps.send(world.perform(call))
        calls += 1
    world.perform(call)  # killed between the profile and the commit
    assert calls == 1
    world.run(iter_of(update(TABLE, job.job_id, "r0001#c00000#0", sets={"lease_until": 0})))
    commit(world, job, "a", held=profile(7), following=50)
    commit(world, job, "b", chunk=1, held=profile(8), first=50)
    assert published(world, job).profile.columns[0].min == 7


INCOMPARABLE = '{"hash": "h", "columns": [{"name": "c", "kind": "integer", "values": 1, "nulls": 0, "min": "x"}]}'


@pytest.mark.parametrize("damage", [None, '{"hash": "h", "columns": [], "newer": 1}', "{", INCOMPARABLE])
def test_the_run_succeeds_without_a_profile_when_another_release_wrote_one_chunk_s(damage):
    world = World()
    job = chunked(world)
    commit(world, job, "a", held=profile(7), following=50)
    commit(world, job, "b", chunk=1, held=profile(8) if damage else None, first=50)
    if damage:
        world.run(iter_of(update(TABLE, job.job_id, "r0001#p00001#0#b", sets={"profile": damage})))
    assert published(world, job).profile is None


def test_the_run_has_a_profile_when_a_chunk_without_records_has_none():
    world = World()
    job = chunked(world)
    commit(world, job, "a", held=profile(7))
    commit(world, job, "b", chunk=1, held=None, first=100)
    items = world.run(get_chunks(TABLE, job.job_id, 1))
    proof = prove(PLAN, items)
    assert isinstance(proof, Proven)
    found = world.run(run_profile(TABLE, world.run(get_job(TABLE, job.job_id)), proof, items))
    assert found.columns[0].min == 7


def test_profiles_are_read_page_by_page_when_they_are_many():
    world = World()
    job = chunked(world)
    commit(world, job, "a", held=profile(7), following=50)
    commit(world, job, "b", chunk=1, held=profile(8), first=50)
    items = world.run(get_chunks(TABLE, job.job_id, 1))
    steps = run_profile(TABLE, job, prove(PLAN, items), items)
    answer = world.perform(next(steps))
    assert len(answer["Items"]) == 2
    more = steps.send({"Items": answer["Items"][:1], "LastEvaluatedKey": {"sk": {"S": "x"}}})
    assert more.params["ExclusiveStartKey"] == {"sk": {"S": "x"}}
    with pytest.raises(StopIteration) as end:
        steps.send({"Items": answer["Items"][1:]})
    assert end.value.value.columns[0].values == 4


def test_the_chunk_is_committed_without_its_profile_when_an_item_cannot_hold_both():
    world = World()
    job = accepted(world)
    names = {f"{n:04}" + "x" * 1_400: "integer" for n in range(140)}
    world.run(claim_steps(job, "a1", chunk=0, message="a1"))
    wide = ChunkProfile(hash="h", rejects={name: {"bad_type": 1} for name in names})
    report = report_of(job, "a1").model_copy(update={"profile": wide, "inferred": names})
    write_output(world, report)
    item = world.run(lease.commit(TABLE, holding(job, "a1", 0), report, now_ms=NOW))
    assert (item.report.inferred, item.profile) == (names, None)
    assert published(world, job).profile is None

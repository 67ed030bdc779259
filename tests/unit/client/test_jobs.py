import pytest

from haulier.client.errors import Ambiguous, NotFound
from haulier.client.jobs import find, listing, look, resolve
from haulier.contracts.states import JobState
from haulier.jobs.times import iso
from tests.unit.client.fakes import JOB, NOW_MS, OTHER


def an_id(number: int) -> str:
    return "j" + "abcdefghijklmnopqrstuvwxyz"[number] * 26


def test_a_unique_beginning_stands_for_the_whole_id(stack):
    stack.job(JOB)
    stack.job(OTHER, status="FAILED")
    assert resolve(stack.connection, "jb") == OTHER


def test_case_and_blanks_of_a_pasted_id_do_not_matter(stack):
    assert resolve(stack.connection, f" {JOB.upper()} ") == JOB


def test_a_beginning_that_two_jobs_have_is_ambiguous(stack):
    stack.job(JOB)
    stack.job("jab" + "a" * 24)
    with pytest.raises(Ambiguous, match="2 jobs begin with ja"):
        resolve(stack.connection, "ja")


@pytest.mark.parametrize("text", ["jz", "x", "j1", "", "job:abc", "j" + "a" * 40])
def test_what_begins_no_id_is_not_found(stack, text):
    stack.job("jx" + "a" * 25)
    with pytest.raises(NotFound):
        resolve(stack.connection, text or "j1")


def test_a_job_that_is_not_there_is_not_found(stack):
    with pytest.raises(NotFound, match=f"no job {JOB}"):
        find(stack.connection, JOB)


@pytest.mark.parametrize("page", [1, 3, 1000])
def test_the_newest_jobs_of_all_states_and_shards_are_listed_first_whatever_the_pages(stack, page):
    stack.dynamodb.page = page
    for number in range(20):
        status = "FAILED" if number % 3 else "SUCCEEDED"
        stack.job(an_id(number), status=status, updated_at=iso(NOW_MS + number))
    assert [job.job_id for job in listing(stack.connection, limit=5)] == [an_id(19 - n) for n in range(5)]
    failed = listing(stack.connection, status=JobState.FAILED, limit=100)
    assert len(failed) == 13
    assert {job.status for job in failed} == {JobState.FAILED}


def test_a_look_holds_the_present_run_and_its_chunks_only(stack):
    stack.job(run=2)
    stack.run(run=1)
    stack.run(run=2)
    stack.chunk(run=1, chunk=0)
    stack.chunk(run=2, chunk=1, round_=1, worker="b:2")
    stack.chunk(run=2, chunk=1, round_=0, worker="a:1")
    stack.chunk(run=2, chunk=0)
    view = look(stack.connection, JOB)
    assert [(item.run, item.chunk, item.round) for item in view.chunks] == [(2, 0, 0), (2, 1, 0), (2, 1, 1)]
    assert [(at, item.round) for at, item in view.newest_chunks.items()] == [(0, 0), (1, 1)]


def test_a_job_refused_at_intake_has_no_run(stack):
    stack.job(status="REJECTED")
    view = look(stack.connection, JOB)
    assert view.run is None
    assert view.chunks == ()

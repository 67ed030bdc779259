from hypothesis import given
from hypothesis import strategies as st

from haulier.client.jobs import JobView, look
from haulier.client.progress import megabytes_per_second, progress_of, total_seconds, working_seconds
from haulier.contracts.report import ChunkReport
from haulier.contracts.run import Plan
from haulier.jobs.times import iso
from tests.unit.client.fakes import JOB, NOW_MS, Stack


def a_report(read: int = 10, input_bytes: int = 60, rejected: int = 1) -> str:
    return ChunkReport(
        first=0, next=60, read=read, written=read - rejected, rejected=rejected, filtered=0, input_bytes=input_bytes
    ).to_json()


def test_committed_chunks_count_by_their_reports_and_others_by_their_progress(stack):
    stack.job(chunked=True)
    stack.run(plan=Plan(size=100, chunk_bytes=50, chunks=2))
    stack.chunk(chunk=0, report=a_report())
    stack.chunk(chunk=1, progress_bytes=15, progress_read=3, progress_rejected=2)
    found = progress_of(look(stack.connection, JOB))
    assert (found.bytes_done, found.chunks_done, found.chunks_total, found.read, found.rejected) == (75, 1, 2, 13, 3)


def test_a_chunk_that_is_redone_counts_by_its_newest_round(stack):
    stack.job(chunked=True)
    stack.run(plan=Plan(size=100, chunk_bytes=50, chunks=2))
    stack.chunk(chunk=0, report=a_report())
    stack.chunk(chunk=0, round_=1, progress_bytes=5)
    assert progress_of(look(stack.connection, JOB)).chunks_done == 0


def test_a_join_is_no_chunk_of_the_file(stack):
    stack.job(chunked=True)
    stack.run(plan=Plan(size=100, chunk_bytes=50, chunks=2))
    for chunk in (0, 1, 2):
        stack.chunk(chunk=chunk, report=a_report())
    found = progress_of(look(stack.connection, JOB))
    assert (found.chunks_done, found.chunks_total, found.read) == (2, 2, 20)


def test_a_job_that_is_not_planned_does_not_know_its_chunks(stack):
    stack.job(chunked=True)
    assert progress_of(look(stack.connection, JOB)).chunks_total is None


def test_a_sealed_job_is_complete_by_its_own_sums(stack):
    stack.job(status="SUCCEEDED", chunks=3, read=7, rejected=2)
    found = progress_of(look(stack.connection, JOB))
    assert (found.bytes_done, found.chunks_done, found.chunks_total, found.read, found.rejected) == (100, 3, 3, 7, 2)


def test_rate_and_durations_are_of_the_run(stack):
    stack.job(
        status="SUCCEEDED",
        size=5_000_000,
        read=1,
        running_at=iso(NOW_MS + 1000),
        finished_at=iso(NOW_MS + 3000),
    )
    view = look(stack.connection, JOB)
    assert working_seconds(view, NOW_MS + 9000) == 2
    assert total_seconds(view, NOW_MS + 9000) == 3
    assert megabytes_per_second(view, NOW_MS + 9000) == 2.5


def test_a_job_nobody_has_begun_has_no_rate(stack):
    stack.job(status="QUEUED")
    view = look(stack.connection, JOB)
    assert working_seconds(view, NOW_MS) is None
    assert megabytes_per_second(view, NOW_MS) is None


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 10**9)), max_size=20))
def test_no_progress_is_ever_more_than_the_whole(parts):
    stack = Stack()
    stack.job(chunked=True)
    stack.run(plan=Plan(size=100, chunk_bytes=25, chunks=4))
    for chunk, round_, done in parts:
        stack.chunk(chunk=chunk, round_=round_, progress_bytes=done)
    view: JobView = look(stack.connection, JOB)
    found = progress_of(view)
    assert 0 <= found.bytes_done <= found.bytes_total
    assert found.chunks_done <= (found.chunks_total or 0)

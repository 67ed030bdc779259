import io

import pytest
from rich.console import Console

from haulier.cli import render
from haulier.cli.rows import chunk_row, job_row, status_row
from haulier.client.jobs import look
from haulier.contracts.events import JobError
from haulier.contracts.run import Plan
from haulier.jobs.times import iso
from tests.unit.client.fakes import JOB, NOW_MS, Stack


def shown(renderable, width: int = 160) -> str:
    console = Console(file=io.StringIO(), width=width)
    console.print(renderable)
    return console.file.getvalue()


def finished(stack: Stack, **more) -> None:
    stack.job(
        status="SUCCEEDED",
        size=31_053_850,
        chunks=11,
        read=336_776,
        written=336_000,
        rejected=776,
        filtered=0,
        output_bytes=2**20,
        file_type="csv",
        running_at=iso(NOW_MS + 100),
        finished_at=iso(NOW_MS + 2100),
        remarks=["the extension says JSON, the content is CSV"],
        **more,
    )
    stack.run(plan=Plan(size=31_053_850, chunk_bytes=3 * 2**20, chunks=11))


def status_of(stack: Stack) -> dict:
    return status_row(look(stack.connection, JOB), NOW_MS + 9999, "out")


def test_a_status_holds_all_that_a_user_asks(stack):
    finished(stack, uploaded_at="2026-11-21T09:00:00Z")
    text = shown(render.status_table(status_of(stack)))
    for part in (
        JOB,
        "incoming/a.csv",
        "2026-11-21 09:00:00 UTC",
        "SUCCEEDED",
        "2.10 s (2.00 s at work)",
        "336,776 read, 776 rejected, 336,000 written, 0 filtered",
        "29.6 MiB in, 1.0 MiB out",
        "15.5 MB/s",
        "11 of 11",
        f"s3://out/processed/default/{JOB}/run=1/",
        "the content is CSV",
    ):
        assert part in text


def test_a_failed_jobs_status_has_the_error_with_its_stage(stack):
    error = JobError(stage="read", code="source_changed", message="[bold] it changed")
    stack.job(status="FAILED", error=error.to_json(), finished_at=iso(NOW_MS))
    row = status_of(stack)
    assert row["outputs"] is None
    assert "source_changed (stage read): [bold] it changed" in shown(render.status_table(row))


def test_a_running_jobs_status_adds_up_its_chunks(stack):
    stack.job(status="RUNNING", chunked=True, running_at=iso(NOW_MS))
    stack.run(plan=Plan(size=100, chunk_bytes=50, chunks=2))
    stack.chunk(chunk=0, progress_bytes=40, progress_read=4)
    row = status_of(stack)
    assert (row["read"], row["bytes_done"], row["chunks_done"], row["chunks"]) == (4, 40, 0, 2)
    assert "40 B of 100 B" in shown(render.status_table(row))


@pytest.mark.parametrize(("width", "file"), [(160, "incoming/a.csv"), (80, "a.csv")])
def test_the_jobs_fit_their_terminal(stack, width, file):
    finished(stack)
    rows = [job_row(look(stack.connection, JOB).job, NOW_MS)]
    text = shown(render.jobs_table(rows, width), width)
    lines = text.splitlines()
    assert len(lines) == 2
    assert max(map(len, lines)) <= width
    for part in (JOB[:9], "SUCCEEDED", file, "336,776", "776", "11", "15.5"):
        assert part in lines[1]


def test_a_long_file_name_is_cut_and_no_number(stack):
    finished(stack, key="incoming/a name that is by far longer than what a small terminal has room for.csv")
    rows = [job_row(look(stack.connection, JOB).job, NOW_MS)]
    lines = shown(render.jobs_table(rows, 80), 80).splitlines()
    assert len(lines) == 2
    assert "336,776" in lines[1]
    assert "…" in lines[1]


def test_no_jobs_are_told_in_words():
    assert "no jobs" in shown(render.jobs_table([], 80))


def test_a_chunk_shows_its_failure(stack):
    stack.job()
    stack.run()
    failure = JobError(stage="read", code="throttled", message="slow down").to_json()
    stack.chunk(chunk=3, round_=1, attempts=2, worker="host:12", failure=failure)
    (item,) = look(stack.connection, JOB).chunks
    text = shown(render.chunks_table([chunk_row(item)], 160))
    assert "throttled: slow down" in text
    assert "host:12" in text


@pytest.mark.parametrize("width", [80, 100, 120, 150])
def test_the_chunks_fit_their_terminal_and_keep_their_counts(stack, width):
    stack.job()
    stack.run()
    failure = JobError(stage="read", code="throttled", message="slow down").to_json()
    stack.chunk(attempts=2, worker="ip-10-0-0-1.ec2.internal:12", failure=failure, committed_at=iso(NOW_MS))
    (item,) = look(stack.connection, JOB).chunks
    row = chunk_row(item) | {"first": 31_053_000_000, "next": 31_056_000_000, "read": 12_336_776, "rejected": 776}
    lines = shown(render.chunks_table([row], width), width).splitlines()
    assert max(map(len, lines)) <= width
    assert len(lines) <= 4
    for part in ("12,336,776", "776", "throttled"):
        assert part in lines[1]


@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_a_failed_job_is_listed_with_its_code_on_every_terminal(stack, width):
    error = JobError(stage="read", code="unsupported_content", message="m")
    stack.job(status="FAILED", size=31_053_850, read=12_336_776, rejected=776, error=error.to_json())
    rows = [job_row(look(stack.connection, JOB).job, NOW_MS)]
    lines = shown(render.jobs_table(rows, width), width).splitlines()
    assert len(lines) == 2
    assert max(map(len, lines)) <= width
    for part in ("FAILED", "unsupported_content", "12,336,776"):
        assert part in lines[1]

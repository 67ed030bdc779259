import io

import pytest
from rich.console import Console
from rich.text import Text

from haulier.cli.live import Bars, Lines, follow
from haulier.client.errors import TimedOut
from haulier.client.waiting import Patience
from haulier.contracts.events import JobError
from haulier.contracts.states import JobState
from haulier.jobs.times import iso
from tests.unit.client.fakes import JOB, NOW_MS, OTHER


def turning(stack, states: list[str]) -> Patience:
    """Patience in which the job's state goes on with every wait."""
    left = iter(states)

    def sleep(_seconds: float) -> None:
        stack.job(JOB, status=next(left))

    return Patience(poll_seconds=0.1, sleep=sleep)


def test_a_line_is_written_at_each_change_of_state_only(stack):
    stack.job(JOB, status="QUEUED")
    told: list[str] = []
    patience = turning(stack, ["QUEUED", "RUNNING", "RUNNING", "SUCCEEDED"])
    (view,) = follow(stack.connection, [JOB], Lines(told.append), patience)
    assert view.job.status == JobState.SUCCEEDED
    assert [line.split()[1] for line in told] == ["QUEUED", "RUNNING", "SUCCEEDED"]


def test_all_jobs_are_followed_to_their_ends_and_given_in_order(stack):
    stack.job(JOB, status="RUNNING")
    stack.job(OTHER, status="FAILED")
    shown = Lines(lambda _: None)
    views = follow(stack.connection, [OTHER, JOB], shown, turning(stack, ["RUNNING", "CANCELLED"]))
    assert [view.job.status for view in views] == [JobState.FAILED, JobState.CANCELLED]


def test_bars_show_bytes_chunks_records_and_rejects(stack):
    stack.job(JOB, status="SUCCEEDED", size=2**20, chunks=3, read=1234, rejected=5)
    console = Console(file=io.StringIO(), force_terminal=True, width=160)
    follow(stack.connection, [JOB], Bars(console), Patience())
    text = console.file.getvalue()
    for part in ("SUCCEEDED", "a.csv", "3/3 chunks", "1,234 records", "5 rejects", "1.0/1.0 MiB"):
        assert part in text


@pytest.mark.parametrize("width", [80, 129, 130, 160])
def test_a_bar_is_one_line_and_keeps_its_numbers_on_every_terminal(stack, width):
    times = {"running_at": iso(NOW_MS), "finished_at": iso(NOW_MS + 999)}
    key = "incoming/a name that is by far longer than what a small terminal has room for.csv"
    stack.job(JOB, status="SUCCEEDED", key=key, size=300 * 2**20, chunks=110, read=12_345_678, rejected=55, **times)
    console = Console(file=io.StringIO(), force_terminal=True, width=width, soft_wrap=True)
    follow(stack.connection, [JOB], Bars(console), Patience())
    lines = [Text.from_ansi(line).plain for line in console.file.getvalue().splitlines()]
    lines = [line for line in lines if line.strip()]
    assert max(map(len, lines)) <= width
    for part in ("SUCCEEDED", "110/110", "300.0/300.0 MiB", "12", "55 rej", "315 MB/s"):
        assert part in lines[-1]


def test_the_last_line_of_a_failed_job_says_why(stack):
    error = JobError(stage="read", code="source_changed", message="it changed")
    stack.job(JOB, status="FAILED", error=error.to_json())
    told: list[str] = []
    follow(stack.connection, [JOB], Lines(told.append), Patience())
    assert told[-1].endswith("source_changed: it changed")


def test_patience_ends_and_says_that_the_jobs_go_on(stack):
    stack.job(JOB, status="RUNNING")
    clock = iter(range(100))
    patience = Patience(timeout_seconds=3, monotonic=lambda: float(next(clock)), sleep=lambda _: None)
    with pytest.raises(TimedOut) as told:
        follow(stack.connection, [JOB], Lines(lambda _: None), patience)
    assert "go on" in told.value.hint


def test_a_file_name_is_no_markup(stack):
    stack.job(JOB, status="SUCCEEDED", key="incoming/[red]a.csv")
    console = Console(file=io.StringIO(), force_terminal=True, width=160)
    follow(stack.connection, [JOB], Bars(console), Patience())
    assert "[red]a.csv" in console.file.getvalue()

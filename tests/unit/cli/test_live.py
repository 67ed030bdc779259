import io

import pytest
from rich.console import Console

from haulier.cli.live import Bars, Lines, follow
from haulier.client.errors import TimedOut
from haulier.client.waiting import Patience
from haulier.contracts.states import JobState
from tests.unit.client.fakes import JOB, OTHER


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

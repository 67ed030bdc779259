"""Shows jobs while they run: bars on a terminal, a line at each change of state otherwise. Always on stderr."""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, Task, TaskID, TextColumn, TransferSpeedColumn
from rich.table import Column
from rich.text import Text

from haulier.cli import formats
from haulier.cli.output import Output
from haulier.cli.rows import members_of
from haulier.client.connection import Connection
from haulier.client.errors import TimedOut
from haulier.client.jobs import JobView, look
from haulier.client.progress import megabytes_per_second, progress_of
from haulier.client.waiting import Patience
from haulier.contracts.states import JobState

WIDE_COLUMNS = 130


class Display(Protocol):
    """Something that shows jobs."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def update(self, view: JobView, now_ms: int) -> None: ...


def display(output: Output) -> Display:
    """Bars if stderr is a terminal, else lines."""
    return Bars(output.talk) if output.talk.is_terminal else Lines(output.tell)


class Lines:
    """A line whenever a job's state changes."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._states: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._states.clear()

    def update(self, view: JobView, now_ms: int) -> None:
        job = view.job
        if self._states.get(job.job_id) != job.status:
            self._states[job.job_id] = job.status
            line = f"{formats.short(job.job_id)}  {job.status:<9}  {job.key}  {counts(view, now_ms)}".rstrip()
            if job.error and job.status in (JobState.FAILED, JobState.REJECTED):
                line += f"  {job.error.code}: {job.error.message}"
            self._tell(line)


def counts(view: JobView, now_ms: int, *, narrow: bool = False) -> str:
    """What is known of it: `3/11 chunks  120,000 records  4 rejects  41.0 MB/s`, or `3/11 ch 120k rec 4 rej …`; of a
    batch: `250 of 1,000 members SUCCEEDED` and so on.
    """
    if view.job.is_batch:
        listed = view.job.progress.listed if view.job.progress else 0
        states = ", ".join(f"{count:,} {state}" for state, count in members_of(view.job).items())
        return states if narrow else f"{listed:,} members: {states}" if states else ""
    progress, rate = progress_of(view), megabytes_per_second(view, now_ms)
    chunks = f"{progress.chunks_done}/{progress.chunks_total or '?'}"
    if narrow:
        told = [f"{chunks} ch", f"{formats.rounded(progress.read)} rec", f"{formats.rounded(progress.rejected)} rej"]
    else:
        told = [f"{chunks} chunks", f"{progress.read:,} records", f"{progress.rejected:,} rejects"]
    if rate is not None:
        told.append(f"{formats.rate(rate)} MB/s")
    return (" " if narrow else "  ").join(told)


def _whole() -> Column:
    return Column(no_wrap=True)


class _Name(TextColumn):
    """The one column that gives up width; what it holds is cut, not folded."""

    def __init__(self) -> None:
        super().__init__("{task.description}", markup=False, table_column=Column())

    def render(self, task: Task) -> Text:
        return Text(task.description, no_wrap=True, overflow="ellipsis")


class Bars:
    """A bar a job: bytes, then chunks, records, rejects and rate; on a narrow terminal shorter, and without the id."""

    def __init__(self, console: Console) -> None:
        self._narrow = console.width < WIDE_COLUMNS
        ids = () if self._narrow else (TextColumn("{task.fields[job]}", table_column=_whole()),)
        self._progress = Progress(
            *ids,
            TextColumn("{task.fields[state]:<9}", table_column=_whole()),
            _Name(),
            BarColumn(bar_width=6 if self._narrow else 20, table_column=_whole()),
            DownloadColumn(binary_units=True, table_column=_whole()),
            TextColumn("{task.fields[counts]}", table_column=_whole()),
            console=console,
        )
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def update(self, view: JobView, now_ms: int) -> None:
        job, progress = view.job, progress_of(view)
        told: dict[str, Any] = {"state": str(job.status), "counts": counts(view, now_ms, narrow=self._narrow)}
        if job.job_id not in self._bars:
            self._bars[job.job_id] = self._progress.add_task(
                job.key.rsplit("/", 1)[-1], total=job.size, job=formats.short(job.job_id), **told
            )
        self._progress.update(self._bars[job.job_id], completed=progress.bytes_done, total=progress.bytes_total, **told)


def follow(connection: Connection, job_ids: Sequence[str], shown: Display, patience: Patience) -> list[JobView]:
    """Watches jobs until all are final; returns their last faces in the order given.

    Raises:
        NotFound: one of them is not there.
        TimedOut: one of them was not final in time.
    """
    began = patience.monotonic()
    last: dict[str, JobView] = {}
    waiting = list(dict.fromkeys(job_ids))
    with shown:
        while waiting:
            for job_id in waiting:
                last[job_id] = look(connection, job_id)
                shown.update(last[job_id], connection.now_ms())
            waiting = [job_id for job_id in waiting if not last[job_id].job.final]
            if not waiting:
                break
            if patience.timeout_seconds is not None and patience.monotonic() - began >= patience.timeout_seconds:
                raise TimedOut(
                    f"{len(waiting)} of {len(last)} jobs are not over after {patience.timeout_seconds:g} s",
                    "they go on; `haulier jobs` shows them",
                )
            patience.sleep(patience.poll_seconds)
    return [last[job_id] for job_id in job_ids]


def transfer(console: Console) -> Progress:
    """Bars for bytes on their way to or from S3; shows nothing where stderr is no terminal."""
    return Progress(
        _Name(),
        BarColumn(bar_width=20, table_column=_whole()),
        DownloadColumn(binary_units=True, table_column=_whole()),
        TransferSpeedColumn(table_column=_whole()),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )

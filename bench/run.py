"""Runs cases: ways interleaved, repetition by repetition, so that whatever else the machine does meets all of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bench.child import Child, Measured, WayFailed
from bench.data.recipe import Recipe, write_out
from bench.data.shelf import Shelf, without_schema
from bench.figures import GIB, MB, MIB, number
from bench.job import Job
from bench.matrix import Case, Entry, Series
from bench.server import Server
from bench.ways.registry import LOCAL


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is read, in bytes, and how often.

    Attributes:
        size: of the comparisons.
        naive: of the naive way, which holds many times as much in memory.
        flat: the second size for memory.
        chunk: of a chunk of the chunked jobs.
        repeat: how often each way is run.
    """

    size: int
    naive: int
    flat: int
    chunk: int
    repeat: int


class WrongAnswer(Exception):
    """A way's counts are not the truth: its time is worth nothing."""


class Bench:
    """What all sections need.

    Args:
        shelf: the data.
        server: the endpoint.
        say: tells the person who waits.

    Attributes:
        failures: what went wrong, a line each.
    """

    def __init__(self, shelf: Shelf, server: Server, say: Callable[[str], None]) -> None:
        self.shelf, self.server, self.say = shelf, server, say
        self.scratch = server.work / "scratch"
        self.scratch.mkdir()
        self.failures: list[str] = []

    def case(self, case: Case, sizes: Sizes) -> list[Series]:
        """Runs a case; a way that fails is left out and said."""
        jobs = {entry.name: self._job_of(case, entry, sizes) for entry in case.entries}
        try:
            return self.side_by_side(case.name, jobs, sizes.repeat)
        finally:
            self.drop_real_files()

    def side_by_side(self, case: str, jobs: dict[str, Job], repeat: int) -> list[Series]:
        """Each job once, then each again, and so on; label → job."""
        series = [Series.of(case, label, job) for label, job in jobs.items()]
        for _ in range(repeat):
            for one, job in zip(series, jobs.values(), strict=True):
                measured = self.once(one, [job])
                one.runs += [measured] if measured is not None else []
        return [one for one in series if one.runs]

    def real_file(self, recipe: Recipe) -> Path:
        """The object as a file of its own, for engines that read files."""
        target = self.scratch / f"{recipe.etag}-{recipe.key}"
        if not target.exists():
            write_out(recipe, self.shelf.root, target)
        return target

    def drop_real_files(self) -> None:
        """They are what fills the disk."""
        for path in self.scratch.glob("*-*"):
            path.unlink()

    def job(self, recipe: Recipe, *, way: str = "haulier", output: str = "jsonl") -> Job:
        local = str(self.real_file(recipe)) if way in LOCAL else ""
        return Job(way, recipe, self.server.url, output, str(self.scratch), local=local)

    def _job_of(self, case: Case, entry: Entry, sizes: Sizes) -> Job:
        naive = int(sizes.naive * case.naive_share)
        size = min(naive, sizes.size) if entry.way == "naive" else sizes.size
        recipe = self.shelf.recipe(entry.kind or case.kind, size)
        return self.job(recipe if entry.schema else without_schema(recipe), way=entry.way, output=case.output)

    def once(self, series: Series, jobs: Sequence[Job]) -> Measured | None:
        """One run of jobs that are started together, checked and said; None if one failed. Of several: the slowest's
        time, and the sum of all else.
        """
        for job in jobs:
            self.server.serve(job.recipe)
            for n in range(job.files):
                self.server.serve(job.recipe, f"{n}-{job.recipe.key}")
        children = [Child(job) for job in jobs]
        try:
            measured = together([child.wait() for child in children])
            if jobs[0].way == "haulier":
                check(jobs[0], measured)
        except (WayFailed, WrongAnswer) as failed:
            self.failures.append(f"{series.case}: {series.label}: {failed}")
            self.say(f"{series.case:18} {series.label:24} FAILED {failed}")
            return None
        finally:
            for child in children:
                child.stop()
        self.say(said(series, measured))
        return measured


def said(series: Series, measured: Measured) -> str:
    """One run on one line."""
    answer = measured.answer
    return (
        f"{series.case:18} {series.label:24} {number(series.read_bytes / MB / answer.seconds):>6} MB/s "
        f"{number(answer.cpu_seconds * GIB / series.read_bytes):>6} CPU s/GiB "
        f"{number(measured.anon_bytes / MIB):>6} MiB anon {number(measured.rss_bytes / MIB):>6} MiB RSS  "
        f"{sum(answer.caught.values()):,} of {series.bad:,} bad rows caught"
    )


def together(parts: Sequence[Measured]) -> Measured:
    """Several processes' work as one."""
    answers = [part.answer for part in parts]
    caught: dict[str, int] = {}
    for answer in answers:
        for code, n in answer.caught.items():
            caught[code] = caught.get(code, 0) + n
    whole = replace(
        answers[0],
        seconds=max(answer.seconds for answer in answers),
        cpu_seconds=sum(answer.cpu_seconds for answer in answers),
        written=sum(answer.written for answer in answers),
        caught=caught,
    )
    return Measured(whole, sum(part.anon_bytes for part in parts), sum(part.rss_bytes for part in parts))


def check(job: Job, measured: Measured) -> None:
    """Haulier must set every bad row aside, each with its own reason; the others are only counted.

    Raises:
        WrongAnswer: it did not.
    """
    truth, answer = job.truth, measured.answer
    if (answer.written, answer.caught) != (truth.good, truth.bad):
        raise WrongAnswer(
            f"{answer.written:,} written and {answer.caught} set aside; it should be {truth.good:,} and {truth.bad}"
        )


def chosen(cases: Sequence[Case], only: Sequence[str], *, quick: bool) -> list[Case]:
    """The cases to run: those that `only` names by their beginning, or all, or the quick ones."""
    if only:
        return [case for case in cases if any(case.name.startswith(name) for name in only)]
    return [case for case in cases if case.quick or not quick]


def wanted(section: str, only: Sequence[str]) -> bool:
    """Whether a section that is no case is to be run."""
    return not only or any(section.startswith(name) for name in only)

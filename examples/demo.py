"""The main job, on real data: files go in, results come out, and a worker is killed in the middle of it.

Run by `make demo`. Uses the embedded stack that is up, or starts one and stops it at the end. Exits 1 and says why if
anything is off: a record more or less than Python's csv module reads, a value that differs, a message left in flight.
"""

import json
import os
import re
import shutil
import signal
import sys
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path

from rich.console import Console

from examples.expected import difference, written
from examples.leftovers import leftovers
from examples.tables import KEY_PREFIX, Table, tables
from haulier import local
from haulier.cli import render
from haulier.cli.live import display, follow
from haulier.cli.output import Output
from haulier.cli.rows import job_row
from haulier.client import Connection, JobView, Patience
from haulier.client.connection import reach
from haulier.client.datasets import put as put_dataset
from haulier.client.errors import HaulierError
from haulier.client.jobs import look
from haulier.client.results import download, rejects
from haulier.client.uploads import find_job
from haulier.client.uploads import put as put_file
from haulier.contracts.keys import run_prefix
from haulier.contracts.states import JobState

HERE = Path(__file__).resolve().parent
CACHE = HERE.parent / ".cache" / "demo"
JOB_SECONDS = 120.0
LEFT_SECONDS = 40.0
SAMPLES = 3


class Off(Exception):
    """Something is not as it must be."""


class Demo:
    """The story, step by step."""

    def __init__(self, stack: local.StackInfo, console: Console) -> None:
        self.connection: Connection = reach(
            stack.environment, account=stack.account, environ=stack.client_environment()
        )
        self.console = console
        self.output = Output(as_json=False)
        self.results = CACHE / "results"

    def run(self) -> None:
        files = tables(CACHE)
        known = leftovers(self.connection)  # A stack that was up may hold what others left.
        shutil.rmtree(self.results, ignore_errors=True)
        put_dataset(self.connection, HERE / "datasets" / "weather.yaml")
        self._say(f"Putting {len(files)} files into s3://{self.connection.input_bucket}/{KEY_PREFIX}")
        began = time.monotonic()
        jobs = [self._put(table) for table in files]
        views = self._follow(jobs)
        self._say(f"All jobs were over after {time.monotonic() - began:.1f} s")
        self._show(views)
        self._say("Compared with what Python's csv module reads from the same files, record by record:")
        for table, view in zip(files, views, strict=True):
            self._check(table, view)
        self._samples(views[0])
        self._kill(files[0])
        left = leftovers(self.connection, known=known, seconds=LEFT_SECONDS)
        if left:
            raise Off("left behind: " + "; ".join(left))
        self._say("Nothing is left: every job is over, no message waits or is in flight, no upload is open")

    def _put(self, table: Table) -> str:
        upload = put_file(self.connection, table.path, table.key)
        return find_job(self.connection, upload)

    def _follow(self, jobs: list[str]) -> list[JobView]:
        return follow(
            self.connection,
            jobs,
            display(self.output),
            Patience(poll_seconds=0.25, timeout_seconds=JOB_SECONDS),
        )

    def _show(self, views: list[JobView]) -> None:
        now = self.connection.now_ms()
        rows = [job_row(view.job, now) for view in views]
        self.console.print(render.jobs_table(rows, self.console.width))
        bucket = self.connection.output_bucket
        self._say("Outputs, each with its _manifest.json and _SUCCESS:")
        for view in views:
            prefix = run_prefix(view.job.dataset, view.job.job_id, view.job.run)
            self.console.print(f"  s3://{bucket}/{prefix}", soft_wrap=True, highlight=False)
        self._say(f"Copies are under {self.results}")

    def _check(self, table: Table, view: JobView) -> None:
        """Every record of the file, in order, against Python's csv module; rejects against the rows damaged."""
        job, name = view.job, table.path.name
        if job.status != JobState.SUCCEEDED:
            raise Off(f"{name}: its job is {job.status}: {job.error.message if job.error else 'no reason given'}")
        if (job.chunks or 0) < table.least_chunks:
            raise Off(f"{name}: processed in {job.chunks} chunks, at least {table.least_chunks} were expected")
        paths = download(self.connection, job, self.results / f"{name}-run-{job.run}-{job.job_id[:6]}")
        wrong = difference(table.expected(), written(paths))
        if wrong:
            raise Off(f"{name}: {wrong}")
        found = [(reject["offset"], reject["raw"].rstrip("\n")) for reject in rejects(self.connection, view)]
        if found != table.damaged:
            raise Off(f"{name}: rejected {found} instead of {table.damaged}")
        told = f"{job.written:,} records, all equal and in order"
        if table.damaged:
            told += f"; rejected are exactly the {len(table.damaged)} damaged ones"
        self._say(f"  {job.key.rsplit('/', 1)[-1]}: {told}")

    def _samples(self, view: JobView) -> None:
        self._say(f"{SAMPLES} records of {view.job.key}:")
        folder = next(self.results.glob(f"*-{view.job.job_id[:6]}"))
        for record in islice(written(sorted(folder.glob("*.jsonl"))), SAMPLES):
            self.console.print(f"  {json.dumps(record)}", soft_wrap=True, markup=False, highlight=False)

    def _kill(self, table: Table) -> None:
        """The same file again, under another key; the worker that holds a chunk of it dies without a word."""
        again = replace(table, key=table.key.replace(".csv", "-again.csv"))
        self._say("Once more, and this time a worker is killed (SIGKILL) in the middle of a chunk")
        job = self._put(again)
        pid, chunk = self._kill_a_holder(job)
        self._say(f"  worker {pid} died holding chunk {chunk}; its lease ends, and another worker does it again")
        (view,) = self._follow([job])
        self._show([view])
        self._check(again, view)
        if view.newest_chunks[chunk].attempts < 2:
            raise Off(f"chunk {chunk} of the killed worker was not done again: {view.newest_chunks[chunk]}")

    def _kill_a_holder(self, job: str) -> tuple[int, int]:
        """Kills a worker that holds a lease; returns its process id and a chunk that it held until it died."""
        deadline = time.monotonic() + JOB_SECONDS
        while time.monotonic() < deadline:
            view = look(self.connection, job)
            if view.job.final:
                break
            stack = local.info()
            running = set(stack.workers) if stack else set()
            for item in view.newest_chunks.values():
                pid = _process(item.worker)
                if item.report is None and item.lease_attempt and pid in running:
                    os.kill(pid, signal.SIGKILL)
                    # It may have committed between our look and its death: then another one must die.
                    after = look(self.connection, job).newest_chunks[item.chunk]
                    if after.report is None and after.lease_attempt == item.lease_attempt:
                        return pid, item.chunk
                    break
            time.sleep(0.02)
        raise Off("the job was over before a worker could be killed in the middle of it")

    def _say(self, text: str) -> None:
        self.console.print(text, style="bold" if not text.startswith(" ") else "", soft_wrap=True, highlight=False)


def _process(worker: str | None) -> int | None:
    """The process id with which a worker's name ends."""
    found = re.search(r"(\d+)$", worker or "")
    return int(found[1]) if found else None


def main() -> int:
    console = Console()
    began = time.monotonic()
    stack = local.info()
    started = stack is None
    try:
        if stack is None:
            stack = local.up(workers=2, log=lambda line: console.print(f"  {line}", highlight=False))
        Demo(stack, console).run()
    except (Off, HaulierError, local.LocalError) as error:
        console.print(f"OFF: {error}", style="bold red", soft_wrap=True, markup=False)
        if isinstance(error, HaulierError | local.LocalError) and error.hint:
            console.print(error.hint, soft_wrap=True, markup=False)
        return 1
    finally:
        if started:
            local.down(log=lambda line: console.print(f"  {line}", highlight=False))
    console.print(f"All is as it must be, after {time.monotonic() - began:.0f} s", style="bold green")
    return 0


if __name__ == "__main__":
    sys.exit(main())

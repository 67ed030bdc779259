"""`haulier logs`: the lines about a job, from the worker's files (embedded) or from CloudWatch Logs."""

from collections.abc import Iterator
from pathlib import Path

import typer

from haulier.cli.invocation import Invocation
from haulier.cli.parameters import AsJson, Job
from haulier.client.jobs import find, resolve
from haulier.client.logs import LogLine, lines
from haulier.jobs.times import parse_iso


def logs(context: typer.Context, job: Job, as_json: AsJson = False) -> None:
    """Write the log lines that name a job: of its functions and of its workers."""
    invocation = Invocation.of(context, as_json=as_json)
    connection, output = invocation.connection, invocation.output
    found = find(connection, resolve(connection, job))
    since = parse_iso(found.created_at)
    told = 0
    sources = [lines(connection, found.job_id, since_ms=since)]
    if invocation.embedded is not None:
        sources.append(of_files(Path(invocation.embedded.directory), found.job_id))
    for source in sources:
        for line in source:
            told += 1
            if as_json or output.as_json:
                output.line({"source": line.source, "at_ms": line.at_ms, "line": line.text})
            else:
                typer.echo(f"{line.source}: {line.text}")
    output.tell(f"{told:,} lines")


def of_files(directory: Path, job_id: str) -> Iterator[LogLine]:
    """The lines of all log files under a directory that hold the id, file by file."""
    for path in sorted(directory.rglob("*.log")):
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                if job_id in line:
                    yield LogLine(path.name, line.rstrip("\n"))

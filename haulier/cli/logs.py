"""`haulier logs`: the lines about a job, from the worker's files (embedded) or from CloudWatch Logs."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import typer

from haulier.cli import formats
from haulier.cli.invocation import Invocation
from haulier.cli.parameters import AsJson, Job
from haulier.client.jobs import find, resolve
from haulier.client.logs import LogLine, lines
from haulier.jobs.times import iso, parse_iso

_TIME = re.compile(r'"timestamp": ?"([^"]+)"|^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?)')


def logs(context: typer.Context, job: Job, as_json: AsJson = False) -> None:
    """Write the log lines that name a job, of its functions and of its workers, the oldest first."""
    invocation = Invocation.of(context, as_json=as_json)
    connection, output = invocation.connection, invocation.output
    found = find(connection, resolve(connection, job))
    since = parse_iso(found.created_at)
    found_lines = list(lines(connection, found.job_id, since_ms=since))
    if invocation.embedded is not None:
        found_lines += of_files(Path(invocation.embedded.directory), found.job_id)
    # A line of which no time is known stays behind the one it was written after.
    for line in sorted(timed(found_lines), key=lambda line: line.at_ms or 0):
        if as_json or output.as_json:
            output.line({"source": line.source, "at_ms": line.at_ms, "line": line.text})
        else:
            typer.echo(f"{iso(line.at_ms) if line.at_ms else formats.NONE}  {line.source}: {line.text}")
    output.tell(f"{len(found_lines):,} lines")


def timed(found: Iterable[LogLine]) -> Iterator[LogLine]:
    """The lines with the time their source gives, else the one their text gives, else that of the line before."""
    last: dict[str, int] = {}
    for line in found:
        at_ms = line.at_ms or time_in(line.text) or last.get(line.source)
        if at_ms is not None:
            last[line.source] = at_ms
        yield replace(line, at_ms=at_ms)


def time_in(text: str) -> int | None:
    """Milliseconds since the epoch, from a JSON line's `timestamp` or a line's beginning; None if it has none."""
    found = _TIME.search(text)
    try:
        return parse_iso(found[1] or found[2]) if found else None
    except ValueError:
        return None


def of_files(directory: Path, job_id: str) -> Iterator[LogLine]:
    """The lines of all log files under a directory that hold the id, file by file."""
    for path in sorted(directory.rglob("*.log")):
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                if job_id in line:
                    yield LogLine(path.name, line.rstrip("\n"))

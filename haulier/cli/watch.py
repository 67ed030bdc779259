"""`haulier watch`: wait for jobs, showing how far they are."""

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.console import Group, RenderableType

from haulier.cli import render
from haulier.cli.exits import outcome_code
from haulier.cli.invocation import Invocation
from haulier.cli.live import display, follow
from haulier.cli.parameters import AsJson, TimeoutSeconds
from haulier.cli.rows import Row, status_row
from haulier.client.jobs import resolve
from haulier.client.waiting import Patience


def watch(
    context: typer.Context,
    jobs: Annotated[list[str], typer.Argument(metavar="JOB…", help="Ids, or beginnings that no other has.")],
    timeout: TimeoutSeconds = None,
    as_json: AsJson = False,
) -> None:
    """Show a job's progress until it is over; exit with its outcome."""
    invocation = Invocation.of(context, as_json=as_json)
    watch_jobs(invocation, [resolve(invocation.connection, job) for job in jobs], timeout)


def watch_jobs(invocation: Invocation, job_ids: Sequence[str], timeout: float | None, *, finish: bool = True) -> None:
    """Follows jobs to their ends, writes their status and exits with the gravest outcome.

    Args:
        invocation: the use of the command line.
        job_ids: whole ids.
        timeout: seconds, or None for as long as it takes.
        finish: exit at the end even if all succeeded; an outcome other than success always exits.
    """
    connection, output = invocation.connection, invocation.output
    views = follow(connection, job_ids, display(output), Patience(poll_seconds=0.25, timeout_seconds=timeout))
    now = connection.now_ms()
    rows = [status_row(view, now, connection.output_bucket) for view in views]

    def table() -> RenderableType:
        if len(rows) == 1:
            return render.status_table(rows[0])
        return Group(render.jobs_table(rows, output.width), _errors(rows))

    output.show(rows, table)
    code = outcome_code(view.job.status for view in views)
    if code or finish:
        raise typer.Exit(code)


def _errors(rows: Sequence[Row]) -> Group:
    return Group(*(f"{row['job_id']}: {row['error']['message']}" for row in rows if row["error"]))

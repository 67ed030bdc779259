"""`haulier jobs`, `haulier status`: look at jobs."""

from typing import Annotated

import typer
from rich.console import Group, RenderableType

from haulier.cli import render
from haulier.cli.invocation import Invocation
from haulier.cli.parameters import AsJson, Job
from haulier.cli.rows import chunk_row, job_row, profile_rows, status_row
from haulier.client.jobs import listing, look, resolve
from haulier.client.results import profile
from haulier.contracts.states import JobState


def jobs(
    context: typer.Context,
    status: Annotated[
        JobState | None, typer.Option(case_sensitive=False, metavar="STATE", help=f"{', '.join(JobState)}.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, metavar="N", help="How many at most.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List jobs, the one that changed last first."""
    invocation = Invocation.of(context, as_json=as_json)
    connection = invocation.connection
    now = connection.now_ms()
    rows = [job_row(job, now) for job in listing(connection, status=status, limit=limit)]
    invocation.output.show(rows, lambda: render.jobs_table(rows, invocation.output.width))


def status(
    context: typer.Context,
    job: Job,
    chunks: Annotated[bool, typer.Option("--chunks", help="The chunks, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show all that is known of a job: file, state, duration, records, rejects, bytes, error, columns."""
    invocation = Invocation.of(context, as_json=as_json)
    connection = invocation.connection
    view = look(connection, resolve(connection, job))
    row = status_row(view, connection.now_ms(), connection.output_bucket)
    parts = [chunk_row(item) for item in view.chunks] if chunks else []
    if chunks:
        row["chunk_rounds"] = parts
    held = profile(connection, view.job)
    row["profile"] = profile_rows(held) if held else None
    row["columns_left_out"] = held.left_out if held else 0

    def table() -> RenderableType:
        width = invocation.output.width
        shown: list[RenderableType] = [render.status_table(row)]
        shown += ["", render.profile_table(row["profile"], row["columns_left_out"], width)] if row["profile"] else []
        shown += ["", render.chunks_table(parts, width)] if chunks else []
        return Group(*shown)

    invocation.output.show([row], table)

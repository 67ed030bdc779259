"""`haulier download`, `haulier rejects`: what a job wrote."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType

from haulier.cli import formats, render
from haulier.cli.invocation import Invocation
from haulier.cli.live import transfer
from haulier.cli.parameters import AsJson, Job
from haulier.client.jobs import find, look, resolve
from haulier.client.results import download as fetch
from haulier.client.results import download_bytes, manifest
from haulier.client.results import rejects as read_rejects


def download(
    context: typer.Context,
    job: Job,
    to: Annotated[Path, typer.Option("--to", metavar="DIR", file_okay=False, help="Where to; made if need be.")],
    rejects: Annotated[bool, typer.Option("--rejects", help="The rejects, too, into DIR/rejected.")] = False,
    as_json: AsJson = False,
) -> None:
    """Fetch the outputs that a job's manifest lists, and the manifest."""
    invocation = Invocation.of(context, as_json=as_json)
    connection = invocation.connection
    found = find(connection, resolve(connection, job))
    account = manifest(connection, found)
    with transfer(invocation.output.talk) as bars:
        bar = bars.add_task(formats.short(found.job_id), total=download_bytes(account, rejects=rejects))
        paths = fetch(connection, found, to, rejects=rejects, on_bytes=lambda more: bars.advance(bar, more))
    rows = [{"path": str(path), "bytes": path.stat().st_size} for path in paths]

    def table() -> RenderableType:
        made = render.table("path", "size", numbers=("size",))
        for path in paths:
            made.add_row(str(path), formats.size(path.stat().st_size))
        return made

    invocation.output.show(rows, table)
    invocation.output.tell(f"{account.written:,} records, in the order of the source")


def rejects(context: typer.Context, job: Job) -> None:
    """Write a job's rejects as JSON lines: offset, stage, code, column, value, message, raw text."""
    invocation = Invocation.of(context)
    connection = invocation.connection
    view = look(connection, resolve(connection, job))
    found = 0
    for reject in read_rejects(connection, view):
        invocation.output.line(reject)
        found += 1
    invocation.output.tell(f"{found:,} rejects")

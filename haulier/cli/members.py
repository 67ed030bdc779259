"""`haulier members`: what became of a batch's objects."""

from typing import Annotated

import typer

from haulier.cli import render
from haulier.cli.invocation import Invocation
from haulier.cli.parameters import AsJson, Job
from haulier.client.batches import members as read_members
from haulier.client.jobs import find, resolve
from haulier.contracts.states import FINAL, JobState


def members(
    context: typer.Context,
    job: Job,
    state: Annotated[
        JobState | None,
        typer.Option(case_sensitive=False, metavar="STATE", help=f"Only those: {', '.join(sorted(FINAL))}."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List a batch's members that are over: key, job, state, records, error."""
    invocation = Invocation.of(context, as_json=as_json)
    connection = invocation.connection
    found = find(connection, resolve(connection, job))
    rows = [member.model_dump() for member in read_members(connection, found, state)]
    invocation.output.show(rows, lambda: render.members_table(rows))

"""`haulier submit`: objects that are in the input bucket already."""

from collections.abc import Iterator
from typing import Annotated, Literal

import typer

from haulier.cli import render
from haulier.cli.invocation import Invocation
from haulier.cli.parameters import AsJson, DryRun
from haulier.cli.rows import request_row
from haulier.client.connection import Connection
from haulier.client.errors import NotFound
from haulier.client.requests import keys_under, parse_uri, prepare
from haulier.client.requests import submit as ask


def submit(
    context: typer.Context,
    uris: Annotated[list[str] | None, typer.Argument(metavar="s3://BUCKET/KEY…", help="Objects.")] = None,
    prefix: Annotated[
        str | None, typer.Option(metavar="PREFIX", help="All objects of the input bucket under it.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(metavar="NAME", help="Instead of the one that matches the key.")
    ] = None,
    queue: Annotated[
        Literal["priority", "standard", "bulk", "ondemand"] | None,
        typer.Option(metavar="priority|standard|bulk|ondemand", help="Instead of the dataset's."),
    ] = None,
    cause: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            help="Names the request: the same cause, object and dataset are the same job. "
            "Give another to process an object again beside its first job.",
        ),
    ] = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Ask for jobs for objects that are there. An object that has its job already keeps it."""
    invocation = Invocation.of(context, as_json=as_json)
    connection = invocation.connection
    rows = []
    for bucket, key in _objects(connection, uris or [], prefix):
        request = prepare(connection, bucket, key, dataset=dataset, cause=cause)
        asked = request.state is None and not dry_run
        if asked:
            ask(connection, request, queue=queue)
        rows.append(request_row(request, asked=asked))
    if not rows:
        raise NotFound(f"no object of s3://{connection.input_bucket} begins with {prefix}")
    invocation.output.show(rows, lambda: render.requests_table(rows))
    if any(row["state"] for row in rows):
        invocation.output.tell("what has a job keeps it: `haulier retry JOB` runs it again, --cause makes another job")


def _objects(connection: Connection, uris: list[str], prefix: str | None) -> Iterator[tuple[str, str]]:
    if bool(uris) == (prefix is not None):
        raise typer.BadParameter("give either objects (s3://BUCKET/KEY…) or --prefix")
    if prefix is None:
        # All are read before the first is asked for: a wrong one must not leave half of them asked for.
        yield from [parse_uri(uri) for uri in uris]
        return
    for key in keys_under(connection, prefix):
        yield connection.input_bucket, key

"""`haulier submit`: objects that are in the input bucket already, one by one or as a batch."""

import json
from typing import Annotated, Literal

import typer

from haulier.cli import render
from haulier.cli.invocation import Invocation
from haulier.cli.parameters import AsJson, DryRun
from haulier.cli.rows import Row, batch_request_row, request_row
from haulier.client.batches import prepare_batch, submit_batch
from haulier.client.connection import Connection
from haulier.client.requests import parse_uri, prepare
from haulier.client.requests import submit as ask
from haulier.contracts.dataset import QueueName


def submit(
    context: typer.Context,
    uris: Annotated[list[str] | None, typer.Argument(metavar="s3://BUCKET/KEY…", help="Objects.")] = None,
    prefix: Annotated[
        str | None, typer.Option(metavar="PREFIX", help="A batch: all objects of the input bucket under it.")
    ] = None,
    keys: Annotated[
        typer.FileText | None,
        typer.Option(
            metavar="FILE",
            encoding="utf-8-sig",
            help="A batch: the objects whose keys it lists, one a line, as they are or as JSON strings; - for stdin.",
        ),
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(metavar="NAME", help="Instead of the one that matches the key.")
    ] = None,
    queue: Annotated[
        Literal["priority", "standard", "bulk", "ondemand"] | None,
        typer.Option(
            metavar="priority|standard|bulk|ondemand", help="Instead of the dataset's; a batch's members go to bulk."
        ),
    ] = None,
    cause: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            help="Names the request: the same cause, object (or prefix, or list) and dataset are the same job. "
            "Give another to process an object again beside its first job.",
        ),
    ] = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Ask for jobs for objects that are there, or for a batch of them. What has its job already keeps it."""
    invocation = Invocation.of(context, as_json=as_json)
    connection = invocation.connection
    if sum((bool(uris), prefix is not None, keys is not None)) != 1:
        raise typer.BadParameter("give either objects (s3://BUCKET/KEY…), --prefix or --keys")
    if uris:
        rows = _objects(connection, uris, dataset=dataset, queue=queue, cause=cause, dry_run=dry_run)
    else:
        listed = _keys(keys) if keys is not None else None
        request = prepare_batch(connection, prefix=prefix, keys=listed, dataset=dataset, cause=cause)
        asked = request.state is None and not dry_run
        if asked:
            request = submit_batch(connection, request, queue=queue)
        rows = [batch_request_row(request, asked=asked)]
    invocation.output.show(rows, lambda: render.requests_table(rows))
    if any(row["state"] for row in rows):
        invocation.output.tell("what has a job keeps it: `haulier retry JOB` runs it again, --cause makes another job")


def _objects(
    connection: Connection, uris: list[str], *, dataset: str | None, queue: QueueName | None, cause: str, dry_run: bool
) -> list[Row]:
    rows = []
    # All are read before the first is asked for: a wrong one must not leave half of them asked for.
    for bucket, key in [parse_uri(uri) for uri in uris]:
        request = prepare(connection, bucket, key, dataset=dataset, cause=cause)
        asked = request.state is None and not dry_run
        if asked:
            ask(connection, request, queue=queue)
        rows.append(request_row(request, asked=asked))
    return rows


def _keys(file: typer.FileText) -> list[str]:
    try:
        text = file.read()
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"the list of keys is not UTF-8: {error}") from None
    lines = [line.removesuffix("\r") for line in text.split("\n") if line.strip()]
    return [_key(line) for line in lines]


def _key(line: str) -> str:
    if not line.startswith('"'):
        return line
    try:
        key: str = json.loads(line)
    except ValueError:
        raise typer.BadParameter(f"{line[:200]} begins with a quote and is no JSON string") from None
    return key

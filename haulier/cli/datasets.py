"""`haulier datasets`: configurations of what is done to which keys."""

from pathlib import Path
from typing import Annotated

import typer

from haulier.cli import render
from haulier.cli.invocation import Invocation
from haulier.cli.parameters import AsJson
from haulier.cli.rows import dataset_row, stored_dataset_row
from haulier.client import datasets
from haulier.client.errors import NotConfigured
from haulier.client.inference import infer_schema
from haulier.contracts.dataset import Dataset

app = typer.Typer(no_args_is_help=True, help="Datasets: list, check, put, infer.")

Files = Annotated[
    list[Path], typer.Argument(metavar="NAME.yaml…", help="Configurations; NAME is the dataset's.", show_default=False)
]


@app.command("list")
def list_datasets(context: typer.Context, as_json: AsJson = False) -> None:
    """List the datasets in the input bucket, with what is wrong with those that cannot be used."""
    invocation = Invocation.of(context, as_json=as_json)
    rows = [stored_dataset_row(entry) for entry in datasets.listing(invocation.connection)]
    invocation.output.show(rows, lambda: render.datasets_table(rows))


@app.command("check")
def check_datasets(context: typer.Context, files: Files, as_json: AsJson = False) -> None:
    """Check configurations, also against those in the bucket where a stack is up. Names field and line."""
    invocation = Invocation.of(context, as_json=as_json)
    try:
        connection = invocation.connection
    except NotConfigured:
        connection = None
        invocation.output.tell("no stack to compare with: the files are compared with each other only")
    _show(invocation, datasets.check_all(connection, files))


@app.command("put")
def put_datasets(context: typer.Context, files: Files, as_json: AsJson = False) -> None:
    """Check configurations and store them. Jobs accepted from now on use them."""
    invocation = Invocation.of(context, as_json=as_json)
    _show(invocation, datasets.put_all(invocation.connection, files))


@app.command("infer")
def infer(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file, or an object: s3://BUCKET/KEY.")],
    using: Annotated[
        Path | None,
        typer.Option(metavar="NAME.yaml", help="A configuration whose format, flatten, nulls and columns are used."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the schema that a run would infer of a file, as YAML to put into a dataset (--json: a column a line)."""
    invocation = Invocation.of(context, as_json=as_json)
    found = infer_schema(lambda: invocation.connection, file, using)
    if invocation.output.as_json:
        for column in found.columns:
            invocation.output.line(column.model_dump(exclude_none=True))
    else:
        typer.echo(found.to_yaml(), nl=False)
    for remark in found.remarks:
        invocation.output.tell(remark)


def _show(invocation: Invocation, found: list[Dataset]) -> None:
    for dataset in found:
        for doubt in datasets.doubts(dataset):
            invocation.output.tell(f"warning: {doubt}", "yellow")
    rows = [dataset_row(dataset.name, dataset) for dataset in found]
    invocation.output.show(rows, lambda: render.datasets_table(rows))

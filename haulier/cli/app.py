"""The command line put together."""

from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

from haulier.cli import control, datasets, dlq, jobs, logs, members, put, quality, results, stack, submit, watch
from haulier.cli.guard import GuardedGroup
from haulier.cli.invocation import Globals

app = typer.Typer(
    cls=GuardedGroup,
    name="haulier",
    help="Moves and processes files that are too large, or take too long, for Lambda.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        try:
            typer.echo(version("haulier"))
        except PackageNotFoundError:
            typer.echo("unknown: run from a clone that is not installed")
        raise typer.Exit


@app.callback()
def start(
    context: typer.Context,
    environment: Annotated[
        str | None,
        typer.Option(
            "--env",
            metavar="NAME",
            help="The stack. If not given: the embedded one if it is up, else HAULIER_ENVIRONMENT.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines, also on a terminal.")] = False,
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    context.obj = Globals(environment=environment, as_json=as_json)


_STACK, _WORK, _RESULTS, _MEND = "Embedded stack", "Jobs", "Results", "Control"
for _panel, _command in (
    (_STACK, stack.up),
    (_STACK, stack.down),
    (_WORK, put.put),
    (_WORK, submit.submit),
    (_WORK, jobs.jobs),
    (_WORK, jobs.status),
    (_WORK, watch.watch),
    (_WORK, members.members),
    (_RESULTS, results.download),
    (_RESULTS, results.rejects),
    (_RESULTS, logs.logs),
    (_RESULTS, quality.quality),
    (_MEND, control.retry),
    (_MEND, control.cancel),
):
    app.command(rich_help_panel=_panel)(_command)
app.add_typer(dlq.app, name="dlq", rich_help_panel=_MEND)
app.add_typer(datasets.app, name="datasets", rich_help_panel=_MEND)

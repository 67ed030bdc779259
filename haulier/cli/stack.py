"""`haulier up`, `haulier down`: the embedded stack."""

from typing import Annotated

import typer

from haulier.cli import render
from haulier.cli.exits import ExitCode
from haulier.cli.invocation import Invocation
from haulier.cli.parameters import AsJson, Yes
from haulier.client.errors import Refused


def up(
    context: typer.Context,
    workers: Annotated[int, typer.Option(min=1, max=32, metavar="N", help="Most workers that run at once.")] = 2,
    as_json: AsJson = False,
) -> None:
    """Start the embedded stack: emulator, the real stacks, workers. Needs the repository, and no Docker."""
    invocation = Invocation.of(context, as_json=as_json)
    output = invocation.output
    try:
        from haulier import local  # noqa: PLC0415 - a deployed stack's user never needs it
    except ImportError as error:
        raise Refused(f"the embedded stack needs a POSIX system ({error})") from None
    try:
        running = local.up(workers=workers, log=output.tell, environment=invocation.environment or "local")
    except KeyboardInterrupt:
        output.tell("stopped; nothing is left running")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    row = {
        "environment": running.environment,
        "endpoint": running.endpoint_url,
        "input_bucket": running.input_bucket,
        "output_bucket": running.output_bucket,
        "workers": running.workers,
        "state_and_logs": running.directory,
    }
    output.show([row], lambda: render.facts_table(row))
    output.tell("ready: `haulier put FILE --watch` processes a file")


def down(context: typer.Context, yes: Yes = False) -> None:
    """Stop the embedded stack. Its buckets, jobs and logs go with it."""
    output = Invocation.of(context).output
    try:
        from haulier import local  # noqa: PLC0415 - a deployed stack's user never needs it
    except ImportError as error:
        raise Refused(f"the embedded stack needs a POSIX system ({error})") from None
    running = local.info()
    if running is not None:
        output.confirm("Stop the embedded stack and delete everything in it?", yes=yes)
    output.tell("stopped" if local.down(log=output.tell) else "no stack was up")

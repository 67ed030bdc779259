"""`haulier dlq`: what could not be worked on, with the reason."""

from typing import Annotated, Literal

import typer

from haulier.cli import render
from haulier.cli.invocation import Invocation
from haulier.cli.parameters import AsJson, DryRun, Yes
from haulier.cli.rows import letter_row, redriven_row
from haulier.client import deadletters
from haulier.client.redrive import DLQ_NAMES, Keep

app = typer.Typer(no_args_is_help=True, help="Dead letters: list, show, redrive.")

Queue = Annotated[
    Literal["intake", "priority", "standard", "bulk"] | None,
    typer.Option(metavar="|".join(DLQ_NAMES), help="One queue's letters only."),
]


@app.command("list")
def list_letters(
    context: typer.Context,
    queue: Queue = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, metavar="N", help="How many at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List the letters, oldest first, each with its reason."""
    invocation = Invocation.of(context, as_json=as_json)
    found = deadletters.letters(invocation.connection, _queues(queue), limit=limit)
    rows = [letter_row(letter) for letter in found]
    invocation.output.show(rows, lambda: render.letters_table(rows))


@app.command("show")
def show_letter(
    context: typer.Context,
    letter: Annotated[str, typer.Argument(metavar="LETTER", help="A letter's id, or a beginning that no other has.")],
    as_json: AsJson = False,
) -> None:
    """Show a whole letter."""
    invocation = Invocation.of(context, as_json=as_json)
    row = letter_row(deadletters.show(invocation.connection, letter))
    invocation.output.show([row], lambda: render.letter_text(row))


@app.command("redrive")
def redrive_letters(
    context: typer.Context,
    letters: Annotated[list[str] | None, typer.Argument(metavar="LETTER…", help="Only these; all if none.")] = None,
    queue: Queue = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Send letters back to work: a job that failed starts its next run, an open one gets its message again."""
    invocation = Invocation.of(context, as_json=as_json)
    if not dry_run:
        which = f"{len(letters)} letters" if letters else f"all letters of {queue or 'all queues'}"
        invocation.output.confirm(f"Redrive {which} and delete them from the dead-letter queue?", yes=yes)
    acted = deadletters.redrive(
        invocation.connection, _queues(queue), message_ids=tuple(letters or ()), dry_run=dry_run
    )
    rows = [redriven_row(entry, done=not dry_run and not isinstance(entry.decision, Keep)) for entry in acted]
    invocation.output.show(rows, lambda: render.redriven_table(rows))


def _queues(queue: str | None) -> tuple[str, ...]:
    return (queue,) if queue else DLQ_NAMES

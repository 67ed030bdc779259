"""`haulier dlq`: what could not be worked on, with the reason."""

from typing import Annotated, Literal

import typer

from haulier.cli import render
from haulier.cli.invocation import Invocation
from haulier.cli.parameters import AsJson, DryRun, Yes
from haulier.cli.rows import letter_row, redriven_row
from haulier.client import deadletters
from haulier.client.deadletters import Redriven
from haulier.client.redrive import DLQ_NAMES, Keep
from haulier.client.selection import Selection

app = typer.Typer(no_args_is_help=True, help="Dead letters: list, show, redrive, purge.")

Queue = Annotated[
    Literal["intake", "priority", "standard", "bulk", "ondemand"] | None,
    typer.Option(metavar="|".join(DLQ_NAMES), help="One queue's letters only."),
]
Letters = Annotated[list[str] | None, typer.Argument(metavar="LETTER…", help="Only these; all if none.")]
OfJob = Annotated[
    list[str] | None, typer.Option("--job", metavar="JOB", help="Letters of this job only; may be given again.")
]
ByReason = Annotated[
    list[str] | None, typer.Option("--reason", metavar="CODE", help="Letters of this reason only; may be given again.")
]


@app.command("list")
def list_letters(
    context: typer.Context,
    queue: Queue = None,
    job: OfJob = None,
    reason: ByReason = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, metavar="N", help="How many at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List the letters, oldest first, each with its reason."""
    invocation = Invocation.of(context, as_json=as_json)
    found = deadletters.letters(invocation.connection, _selection(queue, None, job, reason), limit=limit)
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
    letters: Letters = None,
    queue: Queue = None,
    job: OfJob = None,
    reason: ByReason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Send letters back to work: a job that failed starts its next run, an open one gets its message again."""
    invocation = Invocation.of(context, as_json=as_json)
    selection = _selection(queue, letters, job, reason)
    if not dry_run:
        question = f"Redrive {_told(selection)} and delete them from the dead-letter queue?"
        invocation.output.confirm(question, yes=yes)
    acted = deadletters.redrive(invocation.connection, selection, dry_run=dry_run)
    rows = [
        redriven_row(entry, done=not dry_run and not (isinstance(entry, Redriven) and isinstance(entry.decision, Keep)))
        for entry in acted
    ]
    invocation.output.show(rows, lambda: render.redriven_table(rows))


@app.command("purge")
def purge_letters(
    context: typer.Context,
    letters: Letters = None,
    queue: Queue = None,
    job: OfJob = None,
    reason: ByReason = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete letters for good, without acting on them; the jobs stay as they are."""
    invocation = Invocation.of(context, as_json=as_json)
    selection = _selection(queue, letters, job, reason)
    if not dry_run:
        invocation.output.confirm(f"Delete {_told(selection)} for good?", yes=yes)
    rows = [letter_row(letter) for letter in deadletters.purge(invocation.connection, selection, dry_run=dry_run)]
    invocation.output.show(rows, lambda: render.letters_table(rows))


def _selection(
    queue: str | None, letters: list[str] | None, jobs: list[str] | None, reasons: list[str] | None
) -> Selection:
    return Selection(
        queues=(queue,) if queue else DLQ_NAMES,
        message_ids=tuple(letters or ()),
        jobs=tuple(jobs or ()),
        reasons=tuple(reasons or ()),
    )


def _told(selection: Selection) -> str:
    """The selection in words, for the question."""
    of = [
        f"of job {' or '.join(selection.jobs)}" if selection.jobs else "",
        f"with reason {' or '.join(selection.reasons)}" if selection.reasons else "",
        "of all queues" if selection.queues == DLQ_NAMES else f"of {selection.queues[0]}",
    ]
    count = f"{len(selection.message_ids)} letters" if selection.message_ids else "all letters"
    return " ".join([count, *filter(None, of)])

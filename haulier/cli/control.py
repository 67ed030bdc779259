"""`haulier retry`, `haulier cancel`: change what a job does."""

from typing import Annotated

import typer

from haulier.cli.invocation import Invocation
from haulier.cli.parameters import AsJson, Job, TimeoutSeconds, Yes
from haulier.cli.rows import job_row
from haulier.cli.watch import watch_jobs
from haulier.client import requests
from haulier.client.jobs import find, resolve


def retry(
    context: typer.Context,
    job: Job,
    watch: Annotated[bool, typer.Option("--watch", help="Wait for it; exit with its outcome.")] = False,
    timeout: TimeoutSeconds = None,
    as_json: AsJson = False,
) -> None:
    """Run a job that is over again, with its dataset as it is now. Earlier results stay until they are deleted."""
    invocation = Invocation.of(context, as_json=as_json)
    connection = invocation.connection
    accepted = requests.retry(connection, resolve(connection, job))
    invocation.output.tell(f"job {accepted.job_id} starts run {accepted.run}")
    if watch:
        watch_jobs(invocation, [accepted.job_id], timeout)
    elif not invocation.output.for_people:
        invocation.output.line(job_row(accepted, connection.now_ms()))


def cancel(context: typer.Context, job: Job, yes: Yes = False, as_json: AsJson = False) -> None:
    """Stop a job. What it has written is deleted; nothing of it is published."""
    invocation = Invocation.of(context, as_json=as_json)
    connection = invocation.connection
    found = find(connection, resolve(connection, job))
    if not found.final:
        question = f"Cancel job {found.job_id} ({found.status}, s3://{found.bucket}/{found.key})?"
        invocation.output.confirm(question, yes=yes)
    requests.cancel(connection, found.job_id)
    invocation.output.tell(f"job {found.job_id} is CANCELLED")
    if not invocation.output.for_people:
        invocation.output.line(job_row(find(connection, found.job_id), connection.now_ms()))

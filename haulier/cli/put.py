"""`haulier put`: upload files, and watch what becomes of them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from haulier.cli import render
from haulier.cli.invocation import Invocation
from haulier.cli.live import transfer
from haulier.cli.parameters import AsJson, TimeoutSeconds
from haulier.cli.watch import watch_jobs
from haulier.client.errors import NotFound, TimedOut
from haulier.client.uploads import Upload, find_job
from haulier.client.uploads import put as put_file
from haulier.client.waiting import Patience
from haulier.contracts.keys import INCOMING_PREFIX

FIND_SECONDS = 30.0


def put(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Files to upload.", show_default=False)],
    key: Annotated[str | None, typer.Option(metavar="KEY", help="The object's key; for one file.")] = None,
    prefix: Annotated[str, typer.Option(metavar="PREFIX", help="Goes before each file's name.")] = INCOMING_PREFIX,
    watch: Annotated[bool, typer.Option("--watch", help="Wait for the jobs; exit with their outcome.")] = False,
    timeout: TimeoutSeconds = None,
    as_json: AsJson = False,
) -> None:
    """Upload files into the input bucket. Each becomes a job."""
    invocation = Invocation.of(context, as_json=as_json)
    keys = _keys(files, key, prefix)
    _refuse_unheard(invocation, keys)
    uploads = _upload(invocation, keys)
    jobs, missing = _jobs(invocation, uploads, FIND_SECONDS if timeout is None else min(FIND_SECONDS, timeout))
    if watch and jobs:
        watch_jobs(invocation, list(jobs.values()), timeout, finish=not missing)
    else:
        rows = [_row(upload, jobs.get(upload.source.key)) for upload in uploads]
        invocation.output.show(rows, lambda: _table(rows))
    if missing:
        raise missing[0]


def _keys(files: list[Path], key: str | None, prefix: str) -> dict[str, Path]:
    """The key of each file; refuses before anything is uploaded."""
    if key is not None and len(files) > 1:
        raise typer.BadParameter("--key is for one file; use --prefix for several")
    missing = [str(path) for path in files if not path.is_file()]
    if missing:
        raise NotFound(f"not a file: {', '.join(missing)}")
    keys = {key if key is not None else prefix + path.name: path for path in files}
    if len(keys) < len(files):
        raise typer.BadParameter("two of the files have the same name; put them one by one, each with its --key")
    return keys


def _refuse_unheard(invocation: Invocation, keys: Iterable[str]) -> None:
    """Refuses keys whose upload starts no job; where the stack's input prefixes are its deployer's choice, warns."""
    for key in keys:
        if key.startswith("/"):
            raise typer.BadParameter(f"the key {key!r} begins with a slash, which no input prefix does; leave it out")
        if key.startswith(INCOMING_PREFIX):
            continue
        told = f"the key {key!r} is not under `{INCOMING_PREFIX}`"
        if invocation.embedded is not None:
            raise typer.BadParameter(f"{told}: its upload would start no job")
        invocation.output.tell(
            f"warning: {told}: it becomes a job only if the stack was deployed with such an input prefix", "yellow"
        )


def _upload(invocation: Invocation, keys: dict[str, Path]) -> list[Upload]:
    uploads = []
    with transfer(invocation.output.talk) as bars:
        for key, path in keys.items():
            bar = bars.add_task(path.name, total=path.stat().st_size)
            uploads.append(
                put_file(invocation.connection, path, key, on_bytes=lambda more, bar=bar: bars.advance(bar, more))  # type: ignore[misc]
            )
    return uploads


def _jobs(invocation: Invocation, uploads: list[Upload], seconds: float) -> tuple[dict[str, str], list[TimedOut]]:
    """The uploads' jobs, by key, and the complaints about those that have none after so many seconds each."""
    jobs: dict[str, str] = {}
    missing: list[TimedOut] = []
    for upload in uploads:
        try:
            patience = Patience(poll_seconds=0.1, timeout_seconds=seconds)
            jobs[upload.source.key] = find_job(invocation.connection, upload, patience)
        except TimedOut as error:
            missing.append(error)
    return jobs, missing


def _row(upload: Upload, job_id: str | None) -> dict[str, Any]:
    return {"file": upload.source.uri, "bytes": upload.source.size, "from": str(upload.path), "job_id": job_id}


def _table(rows: list[dict[str, Any]]) -> Any:
    made = render.table("job", "file")
    for row in rows:
        made.add_row(row["job_id"] or "-", row["file"])
    return made

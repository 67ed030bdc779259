"""Log lines about a job, from CloudWatch Logs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from botocore.exceptions import ClientError

from haulier.client.connection import Connection
from haulier.contracts.names import Names

FUNCTIONS = ("intake", "plan", "assemble", "notify", "janitor")


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line.

    Attributes:
        source: the log group, or a worker's log file.
        text: as it was written, without its line end.
        at_ms: milliseconds since the epoch, where the source knows.
    """

    source: str
    text: str
    at_ms: int | None = None


def log_groups(names: Names) -> list[str]:
    """The groups that a job's lines may lie in."""
    return [*(f"/aws/lambda/{names.function(name)}" for name in FUNCTIONS), names.worker_log_group]


def lines(connection: Connection, job_id: str, *, since_ms: int, groups: Sequence[str] = ()) -> Iterator[LogLine]:
    """The lines that hold the job's id, group by group, oldest first. A group that is not there is passed over.

    Args:
        connection: the stack.
        job_id: the whole id.
        since_ms: only lines from then on, milliseconds since the epoch.
        groups: the groups to look through; all of the stack's if empty.
    """
    pages = connection.client("logs").get_paginator("filter_log_events")
    for group in groups or log_groups(connection.names):
        try:
            for page in pages.paginate(logGroupName=group, startTime=since_ms, filterPattern=f'"{job_id}"'):
                for event in page.get("events", []):
                    yield LogLine(group, event["message"].rstrip("\n"), event["timestamp"])
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") != "ResourceNotFoundException":
                raise

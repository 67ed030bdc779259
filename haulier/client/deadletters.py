"""Reads, redrives and empties the dead-letter queues: by hand, so that each letter is judged, on any server."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from botocore.exceptions import ClientError

from haulier.client.connection import Connection
from haulier.client.errors import NotFound, Refused
from haulier.client.moving import move_all
from haulier.client.redrive import INTAKE, Decision, Discard, Keep, Resend, Retry, chunk_message, decide
from haulier.client.requests import retry
from haulier.client.selection import Selection
from haulier.contracts.limits import RECEIVE_BATCH
from haulier.contracts.messages import ERROR_MESSAGE, ERROR_STAGE, ERROR_TYPE
from haulier.jobs.writes import get_job

ALL = Selection()

_HIDE_SECONDS = 120
"""A letter that is being looked at is hidden that long at most: a client that dies gives it back by itself."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A message in a dead-letter queue.

    Attributes:
        queue: whose: `intake`, `priority`, `standard`, `bulk` or `ondemand`.
        message_id: SQS's id of it.
        body: as it was sent.
        sent_at: ISO 8601, UTC; a message that SQS moved keeps the age it had.
        error_type: stable and short; empty where SQS moved the message without a reason.
        error_message: what happened and what to do.
        error_stage: where.
        group: the message group it was sent in, if any.
        job_id: the job it is about, where it is about one.
    """

    queue: str
    message_id: str
    body: str
    sent_at: str
    error_type: str
    error_message: str
    error_stage: str
    group: str | None
    job_id: str | None


@dataclass(frozen=True, slots=True)
class Redriven:
    """A letter and what became (or would become) of it."""

    letter: Letter
    decision: Decision


@dataclass(frozen=True, slots=True)
class Moved:
    """Letters that SQS itself moved back; how many, and whose queue's."""

    queue: str
    letters: int


def letters(connection: Connection, selection: Selection = ALL, *, limit: int = 100) -> list[Letter]:
    """The letters that are meant, oldest first. They are given back at once."""
    connection.client("sqs")  # boto3 makes clients in one thread only; calls may come from several.

    def read(queue: str) -> list[Letter]:
        with _Sitting(connection, queue) as sitting:
            return [letter for letter, _ in sitting.receive(selection, limit)]

    with ThreadPoolExecutor(len(selection.queues)) as pool:
        found = [letter for part in pool.map(read, selection.queues) for letter in part]
    return sorted(found, key=lambda letter: (letter.sent_at, letter.message_id))[:limit]


def show(connection: Connection, message_id: str) -> Letter:
    """The letter whose message id begins so.

    Raises:
        NotFound: there is none, or more than one.
    """
    found = letters(connection, Selection(message_ids=(message_id,)), limit=10_000)
    if len(found) != 1:
        told = "no letter" if not found else f"{len(found)} letters"
        raise NotFound(f"{told} with an id that begins with {message_id!r}", "`haulier dlq list` lists them")
    return found[0]


def redrive(
    connection: Connection, selection: Selection = ALL, *, dry_run: bool = False, limit: int = 10_000
) -> Iterator[Redriven | Moved]:
    """Acts on letters one by one: act, then delete, so that a crash between repeats (harmless) and never loses.

    A whole intake queue is moved by SQS itself where it can do that.

    Args:
        connection: the stack.
        selection: which letters.
        dry_run: only say what would be done.
        limit: how many letters at most.
    """
    acted: set[tuple[str, str]] = set()
    for queue in selection.queues:
        if queue == INTAKE and selection.whole_queues and not dry_run:
            moved = move_all(connection, queue)
            if moved is not None:
                yield Moved(queue, moved)
                continue
        with _Sitting(connection, queue) as sitting:
            for letter, receipt in sitting.receive(selection, limit):
                job = connection.run(get_job(connection.table, letter.job_id)) if letter.job_id else None
                decision = decide(letter.queue, letter.body, job, letter.error_type)
                decision = _once(decision, letter, acted, dry_run=dry_run)
                if not dry_run:
                    decision = _act(connection, letter, decision)
                    if not isinstance(decision, Keep):
                        sitting.delete(receipt)
                yield Redriven(letter, decision)


def purge(
    connection: Connection, selection: Selection = ALL, *, dry_run: bool = False, limit: int = 10_000
) -> Iterator[Letter]:
    """Deletes letters for good, one by one, and yields each; `dry_run` only yields.

    SQS's PurgeQueue is not used: it would also delete what arrived since somebody looked, and tells nothing of it.
    A job that waits for such a letter's chunk is not touched: FAILED it is already, or the janitor enqueues again.
    """
    for queue in selection.queues:
        with _Sitting(connection, queue) as sitting:
            for letter, receipt in sitting.receive(selection, limit):
                if not dry_run:
                    sitting.delete(receipt)
                yield letter


def _once(decision: Decision, letter: Letter, acted: set[tuple[str, str]], *, dry_run: bool) -> Decision:
    """The decision, unless the same was done a moment ago: an event that nobody can read is back among the letters
    before the next are received, and would be sent again without end.
    """
    match decision:
        case Retry(job_id):
            what = ("retry", job_id)
        case Resend(queue):
            what = (queue, letter.body)
        case _:
            return decision
    if what not in acted:
        acted.add(what)
        return decision
    return _second(decision, dry_run=dry_run)


def _second(decision: Retry | Resend, *, dry_run: bool) -> Decision:
    """A job is retried once: in a dry run only its first letter would have done it; else its next run failed, too."""
    if isinstance(decision, Resend):
        return Keep("the same text was sent again a moment ago: look what became of it first")
    if dry_run:
        return Discard("its run is over: another letter of the same job starts the next one")
    return Keep(f"job {decision.job_id} was retried a moment ago and failed again: look at its error first")


def _act(connection: Connection, letter: Letter, decision: Decision) -> Decision:
    """Does what was decided; returns what came of it, since the job may have changed since it was looked at."""
    if isinstance(decision, Retry):
        try:
            retry(connection, decision.job_id)
        except Refused as refused:
            return Keep(f"{refused}: redrive again, it is judged anew")
    elif isinstance(decision, Resend):
        params = {"QueueUrl": connection.queue_url(connection.names.queue(decision.queue)), "MessageBody": letter.body}
        if letter.group:
            params["MessageGroupId"] = letter.group
        connection.client("sqs").send_message(**params)
    return decision


class _Sitting:
    """Holds the letters of one queue while somebody looks at them, and gives back what is left at the end."""

    def __init__(self, connection: Connection, queue: str) -> None:
        self._sqs = connection.client("sqs")
        self._queue = queue
        self._url = connection.queue_url(connection.names.dlq(queue))
        self._held: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for receipt in self._held:
            # SQS refuses a letter that was hidden for too long: it is back already, or will be in a moment.
            with suppress(ClientError):
                self._sqs.change_message_visibility(QueueUrl=self._url, ReceiptHandle=receipt, VisibilityTimeout=0)

    def receive(self, selection: Selection, limit: int) -> Iterator[tuple[Letter, str]]:
        """Each letter that is meant once, with its receipt handle; at most `limit`."""
        seen: set[str] = set()
        left = limit
        while left > 0:
            answer = self._sqs.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=RECEIVE_BATCH,
                VisibilityTimeout=_HIDE_SECONDS,
                WaitTimeSeconds=1,  # A short poll asks some servers only, and may find nothing where something is.
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            messages = answer.get("Messages", [])
            self._held |= {message["ReceiptHandle"] for message in messages}
            fresh = [message for message in messages if message["MessageId"] not in seen]
            seen |= {message["MessageId"] for message in fresh}
            for message in fresh:
                letter = letter_of(self._queue, message)
                if left > 0 and selection.takes(letter.queue, letter.message_id, letter.job_id, letter.error_type):
                    left -= 1
                    yield letter, message["ReceiptHandle"]
            if not messages:
                return

    def delete(self, receipt: str) -> None:
        self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=receipt)
        self._held.discard(receipt)


def letter_of(queue: str, message: dict[str, Any]) -> Letter:
    """A message of a dead-letter queue, as SQS hands it over, as a letter."""
    attributes = message.get("MessageAttributes", {})
    system = message.get("Attributes", {})
    about = chunk_message(queue, message["Body"])
    sent = datetime.fromtimestamp(int(system.get("SentTimestamp", 0)) / 1000, UTC)

    def text(name: str) -> str:
        return str(attributes.get(name, {}).get("StringValue", ""))

    return Letter(
        queue=queue,
        message_id=message["MessageId"],
        body=message["Body"],
        sent_at=sent.strftime("%Y-%m-%dT%H:%M:%SZ"),
        error_type=text(ERROR_TYPE),
        error_message=text(ERROR_MESSAGE),
        error_stage=text(ERROR_STAGE),
        group=system.get("MessageGroupId"),
        job_id=about.job_id if about else None,
    )

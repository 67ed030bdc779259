import pytest
from botocore.exceptions import ClientError

from haulier.client import deadletters
from haulier.client.deadletters import Moved, Redriven, letters, purge, redrive, show
from haulier.client.errors import NotFound, Refused, TimedOut
from haulier.client.moving import move_all
from haulier.client.redrive import Keep, Resend
from haulier.client.selection import Selection
from haulier.client.waiting import Patience
from haulier.contracts.messages import ChunkMessage
from tests.unit.client.fakes import JOB, OTHER

DLQ = "haulier-t-standard-dlq"


def body(job: str = JOB, run: int = 1, chunk: int = 0) -> str:
    return ChunkMessage(job_id=job, run=run, chunk=chunk).to_json()


@pytest.fixture
def retried(monkeypatch, stack):
    """Retries are noted; the job is in its next run afterwards, as the procedure leaves it."""
    noted: list[str] = []

    def retry(_connection, job_id):
        noted.append(job_id)
        return stack.job(job_id, status="ACCEPTED", run=2)

    monkeypatch.setattr(deadletters, "retry", retry)
    return noted


def test_letters_are_listed_oldest_first_with_their_reasons_and_given_back(stack):
    stack.sqs.hold(DLQ, body(), 2, error_type="source_changed", error_message="it changed", error_stage="read")
    stack.sqs.hold("haulier-t-intake-dlq", "{}", 1)
    found = letters(stack.connection)
    assert [(letter.queue, letter.error_type, letter.job_id) for letter in found] == [
        ("intake", "", None),
        ("standard", "source_changed", JOB),
    ]
    assert not stack.sqs.hidden


def test_a_look_ends_well_when_a_letter_was_held_for_too_long(stack, monkeypatch):
    def refused(**_: object) -> None:
        raise ClientError({"Error": {"Code": "MessageNotInflight"}}, "ChangeMessageVisibility")

    stack.sqs.hold(DLQ, body(), 1)
    monkeypatch.setattr(stack.sqs, "change_message_visibility", refused)
    assert len(letters(stack.connection)) == 1


def test_more_letters_than_one_receive_gives_are_all_listed(stack):
    for number in range(25):
        stack.sqs.hold(DLQ, body(), number)
    assert len(letters(stack.connection)) == 25
    assert len(letters(stack.connection, limit=7)) == 7


def test_a_letter_is_shown_by_the_beginning_of_its_id(stack):
    stack.sqs.hold(DLQ, body(), 17)
    assert show(stack.connection, "m1").message_id == "m17"
    with pytest.raises(NotFound, match="no letter"):
        show(stack.connection, "x")


def test_a_failed_job_is_retried_once_and_its_other_letters_go(stack, retried):
    stack.job(status="FAILED")
    for chunk in range(3):
        stack.sqs.hold(DLQ, body(chunk=chunk), chunk)
    done = list(redrive(stack.connection))
    assert retried == [JOB]
    assert [type(entry.decision).__name__ for entry in done] == ["Retry", "Discard", "Discard"]
    assert stack.sqs.queues[DLQ] == []


def test_a_job_that_failed_again_at_once_keeps_its_new_letter(stack, retried, monkeypatch):
    stack.job(status="FAILED")
    stack.sqs.hold(DLQ, body(), 1)
    stack.sqs.hold(DLQ, body(run=2), 2)
    monkeypatch.setattr(deadletters, "retry", lambda *_: stack.job(status="FAILED", run=2))
    decisions = [type(entry.decision).__name__ for entry in redrive(stack.connection)]
    assert decisions == ["Retry", "Keep"]
    assert [message["MessageId"] for message in stack.sqs.queues[DLQ]] == ["m2"]


def test_a_dry_run_says_the_same_and_changes_nothing(stack, retried):
    stack.job(status="FAILED")
    stack.job(OTHER, status="RUNNING")
    for number, text in enumerate([body(), body(chunk=1), body(OTHER), "nonsense"]):
        stack.sqs.hold(DLQ, text, number)
    planned = [type(entry.decision).__name__ for entry in redrive(stack.connection, dry_run=True)]
    assert planned == ["Retry", "Discard", "Resend", "Keep"]
    assert retried == []
    assert stack.sqs.sent == []
    assert not stack.sqs.hidden
    assert [type(entry.decision).__name__ for entry in redrive(stack.connection)] == planned


def test_an_open_jobs_letter_is_sent_before_it_is_deleted(stack, monkeypatch):
    stack.job(status="RUNNING", queue="bulk")
    stack.sqs.hold(DLQ, body(), 1)

    def refuse(**_):
        raise RuntimeError("the queue is away")

    monkeypatch.setattr(stack.sqs, "send_message", refuse)
    with pytest.raises(RuntimeError):
        list(redrive(stack.connection))
    assert len(stack.sqs.queues[DLQ]) == 1
    assert not stack.sqs.hidden
    monkeypatch.undo()
    list(redrive(stack.connection))
    (sent,) = stack.sqs.sent
    assert (sent["QueueUrl"], sent["MessageBody"], sent["MessageGroupId"]) == ("haulier-t-bulk", body(), "default")
    assert stack.sqs.queues[DLQ] == []


def test_only_the_letters_that_are_named_are_redriven(stack):
    stack.sqs.hold("haulier-t-intake-dlq", "{}", 1)
    stack.sqs.hold("haulier-t-intake-dlq", "{}", 2)
    acted = redrive(stack.connection, Selection(message_ids=("m2",)))
    assert [entry.letter.message_id for entry in acted] == ["m2"]
    assert len(stack.sqs.queues["haulier-t-intake-dlq"]) == 1
    assert not stack.sqs.hidden


@pytest.mark.parametrize(
    ("selection", "meant"),
    [
        (Selection(), ["m1", "m2", "m3"]),
        (Selection(jobs=(JOB[:5],)), ["m1", "m2"]),
        (Selection(reasons=("stalled", "source_gone")), ["m2", "m3"]),
        (Selection(jobs=(JOB,), reasons=("stalled",)), ["m2"]),
        (Selection(queues=("intake",)), []),
    ],
)
def test_letters_are_listed_and_purged_by_job_and_reason(stack, selection, meant):
    stack.sqs.hold(DLQ, body(), 1, error_type="source_changed")
    stack.sqs.hold(DLQ, body(), 2, error_type="stalled")
    stack.sqs.hold(DLQ, body(OTHER), 3, error_type="source_gone")
    assert [letter.message_id for letter in letters(stack.connection, selection)] == meant
    assert [letter.message_id for letter in purge(stack.connection, selection, dry_run=True)] == meant
    assert len(stack.sqs.queues[DLQ]) == 3
    assert [letter.message_id for letter in purge(stack.connection, selection)] == meant
    assert sorted({"m1", "m2", "m3"} - set(meant)) == [m["MessageId"] for m in stack.sqs.queues[DLQ]]
    assert not stack.sqs.hidden


def test_the_service_moves_a_whole_intake_queue_where_it_can(stack):
    stack.sqs.hold("haulier-t-intake-dlq", "{}", 1)
    stack.sqs.move_statuses = ["COMPLETED"]
    assert list(redrive(stack.connection)) == [Moved("intake", 1)]
    assert stack.sqs.sent == []


def test_letters_are_moved_by_hand_where_only_some_are_meant_or_the_service_cannot(stack):
    stack.sqs.hold("haulier-t-intake-dlq", "{}", 1, error_type="bad_event")
    stack.sqs.hold("haulier-t-intake-dlq", "{}", 2)
    assert all(isinstance(entry, Redriven) for entry in redrive(stack.connection, Selection(reasons=("bad_event",))))
    assert [message["MessageId"] for message in stack.sqs.queues["haulier-t-intake-dlq"]] == ["m2"]
    assert [type(entry) for entry in redrive(stack.connection)] == [Redriven]
    assert len(stack.sqs.sent) == 2


def test_a_redrive_ends_when_what_it_sends_again_comes_back_at_once(stack, monkeypatch):
    """Intake refuses an event it cannot read faster than the next letter is received."""
    stack.sqs.hold("haulier-t-intake-dlq", "nonsense", 1)
    send, numbers = stack.sqs.send_message, iter(range(2, 1000))

    def send_and_refuse(**params):
        stack.sqs.hold("haulier-t-intake-dlq", params["MessageBody"], next(numbers))
        return send(**params)

    monkeypatch.setattr(stack.sqs, "send_message", send_and_refuse)
    first, second = redrive(stack.connection, Selection(queues=("intake",), reasons=("",)))
    assert (type(first.decision), type(second.decision)) == (Resend, Keep)
    assert [message["MessageId"] for message in stack.sqs.queues["haulier-t-intake-dlq"]] == ["m2"]


def test_a_move_is_waited_for_and_its_failure_told(stack):
    slept: list[float] = []
    patience = Patience(timeout_seconds=3, monotonic=lambda: float(len(slept)), sleep=slept.append)
    stack.sqs.move_statuses = ["RUNNING", "RUNNING", "COMPLETED"]
    assert move_all(stack.connection, "intake", patience) == 0
    assert slept == [0.5, 0.5]
    stack.sqs.move_statuses = ["FAILED"]
    with pytest.raises(Refused, match="denied"):
        move_all(stack.connection, "intake", patience)
    stack.sqs.move_statuses = ["RUNNING"] * 9
    with pytest.raises(TimedOut, match="still being moved"):
        move_all(stack.connection, "intake", patience)


def test_a_letter_is_kept_and_the_others_go_on_when_its_job_changed_meanwhile(stack, monkeypatch):
    stack.job(status="FAILED")
    stack.job(OTHER, status="RUNNING")
    stack.sqs.hold(DLQ, body(), 1)
    stack.sqs.hold(DLQ, body(OTHER), 2)

    def refuse(*_):
        raise Refused("job is RUNNING")

    monkeypatch.setattr(deadletters, "retry", refuse)
    assert [type(entry.decision).__name__ for entry in redrive(stack.connection)] == ["Keep", "Resend"]
    assert [message["MessageId"] for message in stack.sqs.queues[DLQ]] == ["m1"]

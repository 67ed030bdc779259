import json

import pytest

from haulier.cli import invocation
from haulier.cli.app import app
from haulier.cli.exits import ExitCode
from haulier.contracts.events import JobError
from haulier.contracts.keys import dataset_key
from haulier.contracts.messages import ChunkMessage
from scripts import cli_docs
from tests.unit.cli.conftest import rows
from tests.unit.client.fakes import JOB, OTHER, refused

COMMANDS = [*[[name.name or name.callback.__name__] for name in app.registered_commands]]
GROUPS = [
    ["dlq", "list"],
    ["dlq", "show"],
    ["dlq", "redrive"],
    ["dlq", "purge"],
    ["datasets", "list"],
    ["datasets", "check"],
    ["datasets", "put"],
    ["datasets", "infer"],
]


@pytest.mark.parametrize("command", [[], *COMMANDS, *GROUPS], ids=" ".join)
def test_every_command_says_what_it_does(run, command):
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "Usage" in result.stdout


def test_the_page_of_the_docs_is_what_the_commands_say():
    page = cli_docs.render()
    for command in [*COMMANDS, *GROUPS]:
        assert f"## `haulier {' '.join(command)}" in page


def test_no_stack_is_told_with_what_to_do(run, monkeypatch):
    monkeypatch.setattr(invocation, "running_stack", lambda _: None)
    monkeypatch.delenv("HAULIER_ENVIRONMENT", raising=False)
    result = run("jobs")
    assert result.exit_code == ExitCode.USAGE
    assert "haulier up" in result.stderr
    assert "--env" in result.stderr
    assert "Traceback" not in result.output


def test_jobs_are_json_lines_where_stdout_is_no_terminal(stack, run):
    stack.job(JOB, status="SUCCEEDED", read=3)
    stack.job(OTHER, status="FAILED")
    assert {row["job_id"] for row in rows(run("jobs"))} == {JOB, OTHER}
    (row,) = rows(run("jobs", "--status", "failed"))
    assert (row["job_id"], row["state"]) == (OTHER, "FAILED")
    assert rows(run("--json", "jobs", "--limit", "1"))


def test_a_status_is_found_by_the_beginning_of_its_id(stack, run):
    stack.job(JOB, status="FAILED", error=JobError(stage="read", code="c", message="m").to_json())
    stack.run()
    stack.chunk()
    (row,) = rows(run("status", "ja", "--chunks"))
    assert row["error"] == {"stage": "read", "code": "c", "message": "m"}
    assert [part["chunk"] for part in row["chunk_rounds"]] == [0]


def test_a_job_that_is_not_there_exits_6_with_a_hint_and_no_data(stack, run):
    result = run("status", "jz")
    assert result.exit_code == ExitCode.NOT_FOUND
    assert result.stdout == ""
    assert result.stderr.splitlines()[0].startswith("error: there is no job jz")
    assert "hint:" in result.stderr


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("SUCCEEDED", ExitCode.OK),
        ("FAILED", ExitCode.JOB_FAILED),
        ("REJECTED", ExitCode.JOB_REJECTED),
        ("CANCELLED", ExitCode.JOB_CANCELLED),
    ],
)
def test_watch_exits_with_the_outcome(stack, run, state, code):
    stack.job(JOB, status=state)
    result = run("watch", JOB)
    assert result.exit_code == code
    assert rows(result)[0]["state"] == state


def test_an_error_nobody_foresaw_is_one_line(stack, run, monkeypatch):
    def broken(**_):
        raise refused("Query", "InternalServerError")

    monkeypatch.setattr(stack.dynamodb, "query", broken)
    result = run("jobs")
    assert result.exit_code == ExitCode.UNEXPECTED
    assert result.stderr.startswith("error: AWS: Query: InternalServerError")
    assert "Traceback" not in result.stderr
    monkeypatch.setenv("HAULIER_DEBUG", "1")
    assert run("jobs").exception.operation_name == "Query"


def test_what_destroys_is_not_done_where_nobody_can_be_asked(stack, run):
    stack.job(JOB, status="RUNNING")
    result = run("cancel", JOB)
    assert result.exit_code == ExitCode.NOT_ALLOWED
    assert "--yes" in result.stderr
    stack.sqs.hold("haulier-t-intake-dlq", "{}", 1)
    assert run("dlq", "redrive").exit_code == ExitCode.NOT_ALLOWED
    assert len(stack.sqs.queues["haulier-t-intake-dlq"]) == 1


def test_dead_letters_are_listed_shown_and_redriven(stack, run):
    stack.job(JOB, status="RUNNING")
    body = ChunkMessage(job_id=JOB, run=1, chunk=0).to_json()
    stack.sqs.hold("haulier-t-standard-dlq", body, 1)
    assert [row["error_type"] for row in rows(run("dlq", "list"))] == [""]
    assert rows(run("dlq", "list", "--queue", "intake")) == []
    assert rows(run("dlq", "show", "m1"))[0]["body"] == body
    (planned,) = rows(run("dlq", "redrive", "--dry-run"))
    assert (planned["decision"], planned["done"]) == ("resend", False)
    (done,) = rows(run("dlq", "redrive", "--yes"))
    assert (done["decision"], done["done"]) == ("resend", True)
    assert rows(run("dlq", "list")) == []


def test_dead_letters_are_purged_by_job_and_reason(stack, run):
    body = ChunkMessage(job_id=JOB, run=1, chunk=0).to_json()
    stack.sqs.hold("haulier-t-standard-dlq", body, 1, error_type="throttled")
    stack.sqs.hold("haulier-t-standard-dlq", "nonsense", 2, error_type="invalid_message")
    assert run("dlq", "purge", "--job", JOB).exit_code == ExitCode.NOT_ALLOWED
    assert [row["message_id"] for row in rows(run("dlq", "list", "--reason", "invalid_message"))] == ["m2"]
    assert [row["message_id"] for row in rows(run("dlq", "purge", "--job", JOB, "--dry-run"))] == ["m1"]
    assert [row["message_id"] for row in rows(run("dlq", "purge", "--job", JOB, "--yes"))] == ["m1"]
    assert [row["message_id"] for row in rows(run("dlq", "list"))] == ["m2"]


def test_a_submission_is_planned_without_asking_and_then_asked_once(stack, run):
    bucket = stack.connection.input_bucket
    stack.s3.objects[bucket, "incoming/a.csv"] = b"a\n1\n"
    (planned,) = rows(run("submit", f"s3://{bucket}/incoming/a.csv", "--dry-run"))
    assert stack.events.entries == []
    (asked,) = rows(run("submit", f"s3://{bucket}/incoming/a.csv"))
    assert (asked["job_id"], asked["asked"], planned["asked"]) == (planned["job_id"], True, False)
    assert len(stack.events.entries) == 1
    stack.job(asked["job_id"], status="SUCCEEDED")
    assert rows(run("submit", f"s3://{bucket}/incoming/a.csv"))[0]["state"] == "SUCCEEDED"
    assert len(stack.events.entries) == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["submit"], ExitCode.USAGE),
        (["submit", "s3://a-bucket/k", "--prefix", "p"], ExitCode.USAGE),
        (["submit", "nonsense"], ExitCode.USAGE),
        (["submit", "s3://a-bucket/k"], ExitCode.NOT_ALLOWED),
        (["submit", "--prefix", "none/"], ExitCode.NOT_FOUND),
        (["put", "none.csv"], ExitCode.NOT_FOUND),
        (["put"], ExitCode.USAGE),
        (["jobs", "--status", "sleeping"], ExitCode.USAGE),
        (["download", JOB, "--to", "x"], ExitCode.NOT_FOUND),
        (["datasets", "check", "none.yaml"], ExitCode.NOT_FOUND),
    ],
)
def test_a_wrong_use_has_its_exit_code(stack, run, arguments, code):
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert result.stdout == ""


def test_one_key_for_two_files_is_refused_before_anything_is_sent(stack, run, tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("a\n")
    result = run("put", str(tmp_path / "a.csv"), str(tmp_path / "b.csv"), "--key", "incoming/k")
    assert result.exit_code == ExitCode.USAGE
    assert not stack.s3.objects


@pytest.fixture
def embedded(stack, monkeypatch, tmp_path):
    """The stack in memory, taken for the embedded one."""
    from haulier.local import StackInfo

    known = StackInfo("http://127.0.0.1:1", "r", "t", "1", 1, str(tmp_path), "i", "o")
    monkeypatch.setattr(invocation, "running_stack", lambda _: known)
    return stack


@pytest.mark.parametrize("option", [["--key", "data/a.csv"], ["--prefix", "incoming"], ["--key", "/incoming/a.csv"]])
def test_a_key_that_starts_no_job_is_refused_before_anything_is_sent(embedded, run, tmp_path, option):
    (tmp_path / "a.csv").write_text("a\n")
    result = run("put", str(tmp_path / "a.csv"), *option)
    assert result.exit_code == ExitCode.USAGE
    assert not embedded.s3.objects


def test_a_deployed_stacks_key_outside_incoming_is_warned_of_and_the_wait_for_its_job_is_capped(stack, run, tmp_path):
    (tmp_path / "a.csv").write_text("a\n")
    result = run("put", str(tmp_path / "a.csv"), "--key", "data/a.csv", "--timeout", "0")
    assert result.exit_code == ExitCode.TIMEOUT
    assert "not under `incoming/`" in result.stderr
    assert "within 0 s" in result.stderr
    assert run("put", str(tmp_path / "a.csv"), "--key", "/a.csv").exit_code == ExitCode.USAGE


def test_a_stack_without_workers_is_refused(run):
    assert run("up", "--workers", "0").exit_code == ExitCode.USAGE


def test_a_dataset_nothing_comes_to_is_warned_of_on_stderr(stack, run, tmp_path):
    (tmp_path / "d.yaml").write_text("queue: bulk\n")
    result = run("datasets", "check", str(tmp_path / "d.yaml"))
    assert result.exit_code == ExitCode.OK
    assert "warning: dataset d has no `match`" in result.stderr
    assert [row["dataset"] for row in rows(result)] == ["d"]


def test_datasets_are_checked_stored_and_listed(stack, run, tmp_path):
    path = tmp_path / "flights.yaml"
    path.write_text("match:\n  - prefix: incoming/flights/\nqueue: fast\n")
    result = run("datasets", "put", str(path))
    assert result.exit_code == ExitCode.BAD_DATASET
    assert "line 3: queue" in result.stderr
    assert not stack.s3.objects
    path.write_text("match:\n  - prefix: incoming/flights/\n")
    assert run("datasets", "put", str(path)).exit_code == ExitCode.OK
    assert (stack.connection.input_bucket, dataset_key("flights")) in stack.s3.objects
    assert [row["dataset"] for row in rows(run("datasets", "list"))] == ["flights"]


def test_a_schema_is_written_as_yaml_when_a_file_is_looked_at(stack, run, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,code\n1,007\n")
    result = run("datasets", "infer", str(path))
    assert result.stdout == (
        "schema:\n  columns:\n    - {name: id, type: integer, exact: true}\n    - {name: code, type: string}\n"
    )
    assert "schema inferred from all 1 record" in result.stderr
    assert [row["type"] for row in rows(run("datasets", "infer", str(path), "--json"))] == ["integer", "string"]
    assert run("datasets", "infer", str(tmp_path / "none.csv")).exit_code == ExitCode.NOT_FOUND


def test_rejects_are_json_lines_and_their_number_is_talk(stack, run):
    stack.job(JOB, status="FAILED")
    result = run("rejects", JOB)
    assert result.stdout == ""
    assert result.stderr == "0 rejects\n"


def test_logs_of_the_embedded_stack_come_from_its_files_too(stack, run, monkeypatch, tmp_path):
    from haulier.local import StackInfo

    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "worker-0.log").write_text(f'{{"job_id":"{JOB}","event":"chunk.claimed"}}\nother\n')
    times = ("2026-11-21T09:00:02Z", "2026-11-21T09:00:00Z")
    for number, time in enumerate(times, 1):
        line = f'{{"job_id":"{JOB}","event":"e{number}","timestamp":"{time}"}}\n'
        (tmp_path / "logs" / f"worker-{number}.log").write_text(line)
    known = StackInfo("http://127.0.0.1:1", "r", "t", "1", 1, str(tmp_path), "i", "o")
    monkeypatch.setattr(invocation, "running_stack", lambda _: known)
    stack.logs = type("NoLogs", (), {"get_paginator": lambda *_: type("P", (), {"paginate": lambda *_, **__: []})()})()
    stack.job(JOB, status="FAILED")
    found = rows(run("--json", "logs", JOB))
    assert [row["source"] for row in found] == ["worker-0.log", "worker-2.log", "worker-1.log"]
    assert json.loads(found[0]["line"])["event"] == "chunk.claimed"
    assert [row["at_ms"] for row in found] == [None, 1795251600000, 1795251602000]
    assert run("logs", JOB).stdout.splitlines()[2].startswith("2026-11-21T09:00:02.000Z  worker-1.log: ")


def test_ctrl_c_during_up_says_that_nothing_runs(run, monkeypatch):
    from haulier import local

    def interrupted(**_):
        raise KeyboardInterrupt

    monkeypatch.setattr(local, "up", interrupted)
    result = run("up")
    assert result.exit_code == ExitCode.INTERRUPTED
    assert result.stderr == "stopped; nothing is left running\n"


@pytest.mark.parametrize(
    "arguments", [["jobs", "--nonsense"], ["--nonsense"], ["nonsense"], ["put"], ["jobs", "--limit", "x"], ["submit"]]
)
def test_a_wrong_command_line_is_one_line_and_a_hint(stack, run, arguments):
    result = run(*arguments)
    error, hint = result.stderr.splitlines()
    assert (result.exit_code, error[:7], hint[:7]) == (ExitCode.USAGE, "error: ", "hint:  ")
    assert "--help` shows" in hint


def test_retry_of_a_refused_job_names_the_way_to_another_one(stack, run):
    stack.job(JOB, status="REJECTED")
    result = run("retry", JOB)
    assert result.exit_code == ExitCode.NOT_ALLOWED
    assert "haulier submit s3://" in result.stderr
    assert "--cause" in result.stderr

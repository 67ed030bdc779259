"""Batches on the command line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from haulier.cli import render
from haulier.cli.exits import ExitCode
from haulier.cli.live import counts
from haulier.client.jobs import look
from haulier.contracts.batch import BatchMember, BatchProgress
from haulier.contracts.events import JobRequested
from haulier.contracts.keys import batch_results_key
from tests.unit.cli.conftest import rows
from tests.unit.client.fakes import JOB, NOW_MS, Stack

Run = Callable[..., Result]


def _asked(stack: Stack) -> JobRequested:
    return JobRequested.model_validate_json(stack.events.entries[-1]["Detail"])


def _batch(stack: Stack) -> None:
    progress = BatchProgress(listed=10, skipped=2, counted=1, tally={"FAILED": 1, "SUCCEEDED": 4}, ahead={"RUNNING": 3})
    stack.job(JOB, operation="batch", chunked=True, dataset="_batches", key="incoming/", progress=progress.to_json())
    line = BatchMember(key="k", job_id=JOB, run=1, state="FAILED", dataset="d", size=1)
    stack.s3.objects[stack.connection.output_bucket, batch_results_key(JOB, 1, 0)] = line.to_json().encode()


def test_a_prefix_is_planned_without_asking_and_then_asked_once(stack: Stack, run: Run) -> None:
    stack.s3.objects[stack.connection.input_bucket, "incoming/a.csv"] = b"x"
    (planned,) = rows(run("submit", "--prefix", "incoming/", "--dry-run"))
    assert stack.events.entries == []
    (asked,) = rows(run("submit", "--prefix", "incoming/"))
    assert (asked["job_id"], asked["asked"], planned["asked"]) == (planned["job_id"], True, False)
    stack.job(asked["job_id"], status="RUNNING")
    assert rows(run("submit", "--prefix", "incoming/"))[0]["state"] == "RUNNING"
    assert len(stack.events.entries) == 1


def test_keys_come_from_a_file_or_from_stdin(stack: Stack, run: Run, tmp_path: Path) -> None:
    listed = tmp_path / "keys.txt"
    listed.write_text('a b\r\n\n"c\\nd"\n', encoding="utf-8")
    (from_file,) = rows(run("submit", "--keys", str(listed)))
    assert _asked(stack).keys == ("a b", "c\nd")
    assert from_file["file"] == "2 objects"
    (from_stdin,) = rows(run("submit", "--keys", "-", "--dry-run", stdin="a b\n" + json.dumps("c\nd")))
    assert from_stdin["job_id"] == from_file["job_id"]
    assert run("submit", "--keys", "-", stdin='"broken').exit_code == ExitCode.USAGE
    assert run("submit", "--keys", "-", stdin="\n").exit_code == ExitCode.NOT_FOUND
    listed.write_bytes(b'\xef\xbb\xbfa b\n"c\\nd"')
    assert rows(run("submit", "--keys", str(listed), "--dry-run"))[0]["job_id"] == from_file["job_id"]
    assert run("submit", "--keys", str(listed), "--prefix", "p").exit_code == ExitCode.USAGE


@pytest.mark.parametrize("text", ["x" * 1025, '""', '"\\ud800"', b"\xff\xfea"], ids=range(4))
def test_what_is_no_key_is_told_before_anything_is_asked_for(stack: Stack, run: Run, text: str | bytes) -> None:
    assert run("submit", "--keys", "-", stdin=text).exit_code == ExitCode.USAGE
    assert run("submit", "--prefix", "").exit_code == ExitCode.USAGE
    assert stack.events.entries == []


def test_a_batch_s_status_shows_its_members_by_state(stack: Stack, run: Run) -> None:
    _batch(stack)
    (row,) = rows(run("status", JOB))
    assert row["members"] == {"FAILED": 1, "RUNNING": 3, "SUCCEEDED": 4, "WAITING": 2}
    assert row["skipped"] == 2
    facts = dict(render._facts(row))
    assert facts["members"] == "1 FAILED, 3 RUNNING, 4 SUCCEEDED, 2 WAITING"
    assert "10 members" in counts(look(stack.connection, JOB), NOW_MS)


def test_members_are_listed_by_state(stack: Stack, run: Run) -> None:
    _batch(stack)
    assert [row["key"] for row in rows(run("members", JOB, "--state", "failed"))] == ["k"]
    assert rows(run("members", JOB, "--state", "succeeded")) == []

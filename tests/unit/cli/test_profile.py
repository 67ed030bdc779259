"""What `haulier status` shows of a run's columns."""

import json

import pytest

from haulier.cli import render
from haulier.cli.rows import profile_rows
from haulier.contracts.keys import manifest_key
from haulier.contracts.manifest import Manifest
from haulier.contracts.profile import ColumnSummary, RunProfile
from haulier.contracts.source import Source
from tests.unit.cli.conftest import rows
from tests.unit.cli.test_render import shown
from tests.unit.client.fakes import JOB, refused

PROFILE = RunProfile(
    columns=(
        ColumnSummary(name="id", kind="integer", values=891_559, nulls=0, min=1, max=400_000, distinct=406_572),
        ColumnSummary(
            name="a_rather_long_name_of_a_column", kind="timestamp", values=3, nulls=891_556,
            min="2013-10-22T00:44:38.272000Z", max="2026-02-15T23:59:59.434000Z", distinct=2,
        ),
        ColumnSummary(
            name="note\nwith a line end", kind="string", values=2, nulls=1, min="[red]\n", max="é", distinct=2,
        ),
        ColumnSummary(name="ok", kind="boolean", values=1, nulls=0, min=False, max=True, distinct=1),
        ColumnSummary(name="nested", kind="nested", values=1, nulls=0),
    ),
    left_out=7,
    rejects={"id": {"bad_type": 2, "required": 1}, "dropped": {"pattern": 4}},
)  # fmt: skip
MANIFEST = Manifest(
    job_id=JOB, run=1, dataset="default", source=Source(bucket="b", key="k", size=1, etag="e"), format="jsonl",
    compression="none", accepted_at="", sealed_at="", engine_revision=1, bucket="out", read=0, written=0, rejected=0,
    filtered=0, reject_codes={}, input_bytes=0, output_bytes=0, chunks=(), profile=PROFILE,
)  # fmt: skip


def table(width: int) -> str:
    return shown(render.profile_table(profile_rows(PROFILE), PROFILE.left_out, width), width)


def test_a_profile_fits_in_80_columns():
    lines = table(80).splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert len(lines) == 1 + len(PROFILE.columns) + 1 + 1
    assert all(name in lines[0] for name in ("column", "type", "values", "nulls", "~distinct", "rejects", "min", "max"))
    assert lines[1].split() == ["id", "integer", "891k", "0", "406k", "3", "1", "400000"]
    assert lines[6].split() == ["dropped", "-", "-", "-", "-", "4", "-", "-"]
    assert lines[7] == "and 7 more columns that are not profiled"


def test_a_wide_terminal_gets_whole_numbers_and_texts():
    text = table(160)
    for part in (
        "891,559",
        "406,572",
        "a_rather_long_name_of_a_column",
        "2013-10-22T00:44:38.272000Z",
        "[red]·",
        "false",
    ):
        assert part in text


def test_a_status_holds_the_profile_of_a_job_that_succeeded(stack, run):
    stack.job(JOB, status="SUCCEEDED")
    stack.run()
    stack.s3.objects[stack.connection.output_bucket, manifest_key("default", JOB, 1)] = MANIFEST.to_json().encode()
    (row,) = rows(run("status", JOB))
    assert [column["name"] for column in row["profile"]][-1] == "dropped"
    assert row["profile"][0]["rejects"] == {"bad_type": 2, "required": 1}
    assert row["columns_left_out"] == 7


@pytest.mark.parametrize("status", ["RUNNING", "SUCCEEDED"])
def test_a_status_has_no_profile_when_there_is_no_manifest(stack, run, status):
    stack.job(JOB, status=status)
    stack.run()
    (row,) = rows(run("status", JOB))
    assert row["profile"] is None


def test_a_status_is_shown_when_the_manifest_cannot_be_read(stack, run, monkeypatch):
    stack.job(JOB, status="SUCCEEDED")
    stack.run()
    key = stack.connection.output_bucket, manifest_key("default", JOB, 1)
    stack.s3.objects[key] = json.dumps({"newer": 1}).encode()
    assert rows(run("status", JOB))[0]["profile"] is None

    def denied(**_):
        raise refused("GetObject", "AccessDenied")

    monkeypatch.setattr(stack.s3, "get_object", denied)
    assert rows(run("status", JOB))[0]["profile"] is None

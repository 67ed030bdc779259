"""What `haulier quality` shows of a stored report."""

import pytest

from haulier.cli.exits import ExitCode
from haulier.cli.quality import report_table
from haulier.contracts.keys import quality_key
from scripts.quality_picture import example
from tests.unit.cli.conftest import rows
from tests.unit.cli.test_render import shown
from tests.unit.client.fakes import NOW_MS, Stack

REPORT = example()
NEWEST = "2023-11-13"


def hold(stack: Stack, day: str) -> None:
    """A report of a day, and its page; the fakes' clock stands on 2023-11-14."""
    assert NOW_MS == 1_700_000_000_000
    objects = stack.s3.objects
    bucket = stack.connection.output_bucket
    objects[bucket, quality_key(day)] = REPORT.model_copy(update={"day": day}).to_json().encode()
    objects[bucket, quality_key(day, ".html")] = b"<!doctype html>"


def test_the_newest_report_is_shown_where_no_day_is_given(stack, run):
    for day in ("2023-11-11", NEWEST, "2023-11-12"):
        hold(stack, day)
    result = run("quality", "--json")
    (row,) = rows(result)
    assert row["day"] == NEWEST
    assert {one["dataset"] for one in row["anomalies"]} == {"clickstream", "customers", "orders"}
    assert f"reports/quality/{NEWEST}.html" in result.stderr


def test_the_report_of_a_day_is_shown(stack, run):
    for day in ("2023-01-01", NEWEST):
        hold(stack, day)
    (row,) = rows(run("quality", "--day", "2023-01-01"))
    assert row["day"] == "2023-01-01"


@pytest.mark.parametrize("arguments", [[], ["--day", "2023-11-01"]])
def test_a_report_that_is_not_there_is_told_with_what_to_do(stack, run, arguments):
    hold(stack, "2023-01-01")
    result = run("quality", *arguments)
    assert result.exit_code == ExitCode.NOT_FOUND
    assert "no quality report of" in result.stderr
    assert "once a day" in result.stderr


def test_a_day_that_is_none_is_a_wrong_command_line(stack, run):
    assert run("quality", "--day", "yesterday").exit_code == ExitCode.USAGE


def test_a_report_that_cannot_be_read_is_told(stack, run):
    stack.s3.objects[stack.connection.output_bucket, quality_key(NEWEST)] = b"{"
    result = run("quality", "--day", NEWEST)
    assert result.exit_code == ExitCode.DAMAGED
    assert "cannot be read" in result.stderr


@pytest.mark.parametrize("width", [80, 140])
def test_a_terminal_sees_what_is_unusual_and_every_dataset(width):
    text = shown(report_table(REPORT, width), width)
    for entry in REPORT.datasets:
        assert entry.dataset in text
    assert "unusual" in text
    assert "customers: 0 jobs instead of 4" in text
    assert ("median" in text) is (width == 140)
    assert max(map(len, text.splitlines())) <= width

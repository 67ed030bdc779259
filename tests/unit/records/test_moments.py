"""Dates and timestamps by formats and time zones: the moment that was meant, or a reject, never another moment."""

from datetime import UTC, datetime, timedelta, timezone

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haulier.client.expressions import expression_problems
from haulier.contracts.dataset import Column, Dataset
from haulier.jobs.strptime import misread
from tests.unit.records.test_pipeline import through
from worker.records import DatasetUnusable
from worker.records.cast import Caster

FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
moment_parts = st.datetimes(timezones=st.just(UTC))
zones = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(moment=moment_parts, zone=zones, digits=st.sampled_from([0, 3, 6, 9]))
@settings(max_examples=60, deadline=None)
def test_formats_read_the_moment_that_was_written_or_none_when_it_has_any_offset(moment, zone, digits):
    column = Column(name="c", type="timestamp", formats=("%d/%m/%Y %H:%M:%S%.f %z", "%Y%m%dT%H%M%S"))
    shown = f"{moment.microsecond:06d}000"[:digits]
    offset = f"{moment.replace(tzinfo=zone):%z}"
    point = "." if digits else ""
    text = f"{moment.day:02d}/{moment.month:02d}/{moment.year:04d} {moment:%H:%M:%S}{point}{shown} {offset}"
    typed, wrong = Caster(column)(pl.Series([text, f"{moment.year:04d}{moment:%m%dT%H%M%S}"], dtype=pl.String))
    whole = moment.replace(microsecond=int(shown.ljust(6, "0")[:6]))
    seconds = (whole - FIRST) - zone.utcoffset(None)
    if timedelta(0) <= seconds <= LAST - FIRST:
        assert (wrong, typed[0]) == ({}, FIRST + seconds)
    else:
        assert list(wrong) == [0]
    assert typed[1] == moment.replace(microsecond=0)


@pytest.mark.parametrize(
    ("kind", "format_", "text"),
    [
        ("date", "%Y-%m-%d", "+12345-01-01"),
        ("date", "%Y-%m-%d", "0000-01-01"),
        ("date", "%Y-%m-%d", "-0001-01-01"),
        ("date", "%Y-%m-%d", "2024-01-01 "),
        ("timestamp", "%Y-%m-%d %H:%M:%S", "0000-01-01 00:00:00"),
        ("timestamp", "%Y-%m-%d %H:%M %z", "9999-12-31 23:59 -0100"),
        ("timestamp", "%Y-%m-%d %H:%M %z", "0001-01-01 00:00 +0100"),
        ("timestamp", "%Y-%m-%d %H:%M:%S%.f", "2024-01-01 00:00:00.1234567"),
        ("timestamp", "%+", "2024-01-01T00:00:00.123456001Z"),
    ],
)
def test_formatted_value_is_a_reject_when_its_type_would_change_it(kind, format_, text):
    schema = {"columns": [{"name": "c", "type": kind, "formats": [format_]}]}
    outcome = through(f"c,d\n{text},1\n,2\n".encode(), "f.csv", schema=schema)
    assert (outcome.codes, outcome.tally.written) == (["bad_type"], 1)


@pytest.mark.parametrize(("format_", "right"), [("%S.%f", False), ("%9f", False), ("%Z", False), ("%-d %%f", True)])
@pytest.mark.parametrize("before", ["%Y-%m-%d %H:", "%%%Y", ""])
def test_format_is_refused_when_it_would_be_misread(before, format_, right):
    assert (misread(before + format_) is None) == right
    if not right:
        column = Column(name="c", type="timestamp", formats=(before + format_,))
        with pytest.raises(DatasetUnusable) as caught:
            Caster(column)
        assert caught.value.code == "bad_format"
        problems = expression_problems(Dataset.model_validate({"name": "d", "schema": {"columns": [column]}}))
        assert [place for place, _ in problems] == [("schema", "columns", 0, "formats", 0)]


CLOCKS = {
    "2024-07-01T12:00:00": "2024-07-01T10:00:00",
    "2024-01-01T12:00:00": "2024-01-01T11:00:00",
    "2024-03-31T01:59:59": "2024-03-31T00:59:59",
    "2024-03-31T02:30:00": None,
    "2024-03-31T03:00:00": "2024-03-31T01:00:00",
    "2024-10-27T01:59:59": "2024-10-26T23:59:59",
    "2024-10-27T02:30:00": None,
    "2024-10-27T03:00:00": "2024-10-27T02:00:00",
    "0001-01-01T00:00:00": None,
    "9999-12-31T23:59:59": "9999-12-31T22:59:59",
    "2024-07-01T12:00:00Z": "2024-07-01T12:00:00",
    "2024-10-27T02:30:00+02:00": "2024-10-27T00:30:00",
    "2024-07-01T12:00:00-0130": "2024-07-01T13:30:00",
}


@pytest.mark.parametrize(
    "formats", [None, ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%SZ")], ids=["ISO", "formats"]
)
def test_a_timestamp_is_by_the_clocks_of_its_zone_when_it_says_no_offset(formats):
    column = Column(name="c", type="timestamp", time_zone="Europe/Berlin", formats=formats)
    given_ = [text for text in CLOCKS if formats is None or not text.endswith("Z")]
    typed, wrong = Caster(column)(pl.Series(given_))
    expected = [CLOCKS[text] for text in given_]
    assert [value and f"{value:%Y-%m-%dT%H:%M:%S}".zfill(19) for value in typed.to_list()] == expected
    assert sorted(wrong) == [row for row, value in enumerate(expected) if value is None]
    short = Caster(Column(name="c", type="timestamp", time_zone="Asia/Kolkata"))
    assert [f"{value:%m-%dT%H:%M}" for value in short(pl.Series(["2024-01-02", "2024-01-02 03:00"]))[0].to_list()] == [
        "01-01T18:30",
        "01-01T21:30",
    ]


def test_limits_and_output_are_of_the_same_zone_when_a_column_has_one():
    column = {"name": "t", "type": "timestamp", "time_zone": "Europe/Berlin", "min": "2024-07-01T12:00:00"}
    data = b"t,n\n2024-07-01T12:00:00,1\n2024-07-01T11:59:59,2\n2024-07-01T10:00:00Z,3\n2024-07-01T09:59:59Z,4\n"
    outcome = through(data, "f.csv", schema={"columns": [column]})
    assert [(record["n"], record["t"]) for record in outcome.records] == [
        ("1", "2024-07-01T10:00:00Z"),
        ("3", "2024-07-01T10:00:00Z"),
    ]
    assert outcome.codes == ["out_of_range"] * 2


def test_dataset_is_refused_when_its_time_zone_is_none():
    with pytest.raises(DatasetUnusable) as caught:
        Caster(Column(name="c", type="timestamp", time_zone="Mars/Olympus"))
    assert caught.value.code == "bad_format"
    with pytest.raises(ValueError, match="time_zone is for type: timestamp"):
        Column(name="c", type="date", time_zone="UTC")

"""Which jobs a day's are, and what they add up to."""

from datetime import UTC, date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulier.contracts.quality import QualityReport
from haulier.contracts.states import FINAL, JobState
from haulier.jobs.attributes import encode_item
from haulier.jobs.calls import drive
from haulier.jobs.quality import NOTABLE_JOBS, Day, Tally, compose, ended_jobs, timing, yesterday
from haulier.jobs.times import iso, parse_iso
from tests.fakes.ended import DAY, ended

HOUR = 3_600_000
THE_DAY = Day.of(date.fromisoformat(DAY), UTC)


def tallied(*items: dict[str, Any], day: Day = THE_DAY) -> Tally:
    tally = Tally(day)
    for item in items:
        tally.add(item)
    return tally


def test_a_day_is_from_midnight_to_midnight_in_its_zone():
    assert (iso(THE_DAY.since_ms), iso(THE_DAY.until_ms)) == ("2026-11-20T00:00:00.000Z", "2026-11-21T00:00:00.000Z")
    in_berlin = Day.of(date(2026, 11, 20), ZoneInfo("Europe/Berlin"))
    assert iso(in_berlin.since_ms) == "2026-11-19T23:00:00.000Z"


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_a_day_on_which_the_clocks_change_is_shorter_or_longer(day, hours):
    changed = Day.of(date.fromisoformat(day), ZoneInfo("Europe/Berlin"))
    assert changed.until_ms - changed.since_ms == hours * HOUR


@pytest.mark.parametrize(
    ("now", "zone", "day"),
    [
        ("2026-11-21T02:00:00Z", "UTC", "2026-11-20"),
        ("2026-11-21T00:00:00Z", "UTC", "2026-11-20"),
        ("2026-11-20T23:59:59Z", "UTC", "2026-11-19"),
        ("2026-11-21T02:00:00Z", "America/New_York", "2026-11-19"),
        ("2026-11-20T23:30:00Z", "Europe/Berlin", "2026-11-20"),
    ],
)
def test_yesterday_is_the_last_day_that_is_over(now, zone, day):
    assert yesterday(parse_iso(now), ZoneInfo(zone)).isoformat() == day


@pytest.mark.parametrize(
    ("at", "counted"),
    [
        ("2026-11-19T23:59:59.999Z", 0),
        ("2026-11-20T00:00:00.000Z", 1),
        ("2026-11-20T23:59:59.999Z", 1),
        ("2026-11-21T00:00:00.000Z", 0),
    ],
)
def test_a_job_belongs_to_the_day_it_ended_on(at, counted):
    assert tallied(ended("a", at=at)).totals.jobs == counted


def test_the_end_counts_and_not_the_last_change():
    late = ended("a", updated_at="2026-11-21T01:00:00.000Z")
    early = ended("b", at="2026-11-19T12:00:00.000Z", updated_at="2026-11-20T01:00:00.000Z")
    assert tallied(late, early).totals.jobs == 1


def test_a_job_that_was_started_again_is_not_counted_until_it_ends_again():
    assert tallied(ended("a", state="RUNNING", finished_at=None)).totals.jobs == 0


def test_a_batch_is_counted_by_its_members():
    totals = tallied(ended("batch", operation="batch", read=5), ended("member", read=5)).totals
    assert (totals.jobs, totals.read) == (1, 5)


def test_figures_are_the_sums_of_a_datasets_jobs():
    tally = tallied(
        ended("a", read=100, written=90, rejected=8, filtered=2, input_bytes=1000, output_bytes=400,
              reject_codes={"bad_type": 5, "required": 3}),
        ended("b", read=100, written=98, rejected=2, filtered=0, input_bytes=1000, output_bytes=500,
              reject_codes={"bad_type": 2}),
        ended("c", state="FAILED", code="too_many_rejects", read=200, rejected=30, filtered=0, input_bytes=2000,
              reject_codes={"bad_type": 30}),
        ended("d", state="FAILED", code="source_gone"),
        ended("e", state="REJECTED", code="superseded"),
        ended("f", state="CANCELLED"),
        ended("g", dataset="orders", read=7, written=7, rejected=0),
    )  # fmt: skip
    assert list(tally.datasets) == ["flights", "orders"]
    figures = tally.datasets["flights"].figures
    assert figures.states == {"CANCELLED": 1, "FAILED": 2, "REJECTED": 1, "SUCCEEDED": 2}
    assert (figures.read, figures.written, figures.rejected, figures.filtered) == (400, 188, 40, 2)
    assert (figures.input_bytes, figures.output_bytes) == (4000, 900)
    assert (figures.reject_ratio, figures.failure_ratio) == (0.1, 0.5)
    assert figures.failures == {"source_gone": 1, "too_many_rejects": 1}
    assert figures.refusals == {"superseded": 1}
    assert figures.reject_codes == {"bad_type": 37, "required": 3}
    assert tally.totals.jobs == 7
    assert tally.totals.read == 407


def test_there_is_no_ratio_of_nothing():
    figures = tallied(ended("a", state="CANCELLED")).totals
    assert (figures.reject_ratio, figures.failure_ratio, figures.timing) == (None, None, None)


def test_a_record_nobody_can_read_is_named_and_costs_the_others_nothing():
    broken = [ended("x", error="{"), ended("y", status="DREAMING"), ended("z", accepted_at_ms=None)]
    tally = tallied(*broken, ended("a", read=3))
    assert sorted(tally.unreadable) == sorted(item["job_id"]["S"] for item in broken)
    assert tally.totals.read == 3
    report = compose("test", THE_DAY, "UTC", tally, [])
    assert (report.unreadable_jobs, len(report.unreadable)) == (3, 3)


@pytest.mark.parametrize(
    "damage",
    [
        {"read": "many"},
        {"rejected": -1},
        {"input_bytes": 1.5},
        {"output_bytes": 10**40},
        {"reject_codes": ["bad_type"]},
        {"reject_codes": {"bad_type": "all"}},
        {"accepted_at_ms": -(10**30)},
        {"finished_at": "noon"},
        {"dataset": 7},
    ],
)
def test_a_record_whose_numbers_are_none_is_named_and_costs_the_others_nothing(damage):
    tally = tallied(ended("x") | encode_item(damage), ended("a", read=3))
    assert (len(tally.unreadable), tally.totals.jobs, tally.totals.read) == (1, 1, 3)
    compose("test", THE_DAY, "UTC", tally, [])


@pytest.mark.parametrize(
    ("took", "expected"),
    [([7], (7, 7, 7)), ([1, 2], (1, 2, 2)), (range(1, 101), (50, 95, 100)), (range(1, 22), (11, 20, 21))],
)
def test_times_are_by_nearest_rank(took, expected):
    from array import array

    found = timing(array("q", took))
    assert found is not None
    assert (found.p50_ms, found.p95_ms, found.max_ms) == expected


def test_only_jobs_that_ran_have_a_time():
    figures = tallied(ended("a", took_ms=400), ended("b", state="REJECTED", took_ms=9000)).totals
    assert figures.timing is not None
    assert figures.timing.max_ms == 400


def test_the_slowest_and_those_that_rejected_most_are_named():
    items = [ended(f"j{at}", took_ms=at * 10, rejected=at % 7, read=10) for at in range(40)]
    entry = tallied(*items).datasets["flights"]
    assert [job.took_ms for job in entry.slowest] == [390, 380, 370, 360, 350]
    assert [job.rejected for job in entry.rejecters] == [6] * NOTABLE_JOBS
    assert entry.slowest[0].file == "s3://in/incoming/j39.csv"


@given(order=st.permutations(range(12)), equal=st.booleans())
def test_the_report_is_the_same_in_whatever_order_the_jobs_come(order, equal):
    items = [
        ended(f"j{at}", took_ms=5 if equal else at, rejected=3 if equal else at, read=9, dataset=f"d{at % 2}",
              reject_codes={"bad_type": 1, f"c{at % 3}": 2})
        for at in range(12)
    ]  # fmt: skip

    def bytes_of(items: list[dict[str, Any]]) -> str:
        return compose("test", THE_DAY, "UTC", tallied(*items), []).to_json()

    assert bytes_of([items[at] for at in order]) == bytes_of(items)


def test_a_report_is_read_by_this_release_and_by_a_former_one():
    report = compose("test", THE_DAY, "UTC", tallied(ended("a", read=3, rejected=1)), [])
    assert QualityReport.of(report.to_json().encode()) == report
    newer = report.to_json().replace('"version":1', '"version":1,"unheard":"of"', 1)
    assert QualityReport.of(newer.encode()) == report


def test_every_final_state_and_every_shard_is_asked_for_page_by_page():
    asked: list[dict[str, Any]] = []

    def answer(call: Any) -> Any:
        asked.append(call.params)
        first = "ExclusiveStartKey" not in call.params
        partition = call.params["ExpressionAttributeValues"][":partition"]["S"]
        more = {"LastEvaluatedKey": {"k": {"S": "1"}}} if first and partition == "FAILED#2" else {}
        return {"Items": [{"job_id": {"S": partition}}]} | more

    seen: list[Any] = []
    drive(ended_jobs("t", "by-status", THE_DAY, seen.append), answer)

    partitions = [params["ExpressionAttributeValues"][":partition"]["S"] for params in asked]
    assert sorted(set(partitions)) == sorted(f"{state}#{shard}" for state in FINAL for shard in range(4))
    assert partitions.count("FAILED#2") == 2
    assert len(seen) == len(asked) == 17
    assert asked[0]["ExpressionAttributeValues"][":until"] == {"S": "2026-11-20T23:59:59.999Z"}
    assert set(asked[0]["ExpressionAttributeNames"]) == set(asked[0]["ProjectionExpression"].split(", "))


@pytest.mark.parametrize("state", sorted(FINAL))
def test_what_is_asked_for_is_all_that_is_read(state: JobState):
    """A projection that leaves something out would read zeroes and tell nobody."""
    whole = ended("a", state=state, code="c", read=9, written=5, rejected=3, filtered=1, input_bytes=8, output_bytes=6,
                  reject_codes={"bad_type": 3})  # fmt: skip
    call = next(ended_jobs("t", "by-status", THE_DAY, lambda _: None))
    names = call.params["ExpressionAttributeNames"].values()
    projected = {name: value for name, value in whole.items() if name in names}
    assert tallied(projected).datasets == tallied(whole).datasets

"""What is unusual: more than three standard deviations from the last seven days that have the figure."""

from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulier.contracts.quality import DatasetQuality, Figures
from haulier.jobs.anomalies import (
    LOOKBACK_DAYS,
    Past,
    anomalies,
    anomaly,
    percent,
    ranked,
    size,
    trail,
    trails,
    with_silent,
)

WEEK = [10.0, 12.0, 11.0, 9.0, 10.0, 11.0, 13.0]
MEAN, SIGMA = fmean(WEEK), stdev(WEEK)


def unusual(value: float | None, series: list[float | None], figure: str = "jobs") -> bool:
    return anomaly("flights", value, trail(figure, series)) is not None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sigmas", "expected"), [(0.0, False), (2.99, False), (3.01, True), (-2.99, False), (-3.01, True)]
)
def test_more_than_three_standard_deviations_are_unusual(sigmas, expected):
    assert unusual(MEAN + sigmas * SIGMA, [*WEEK]) is expected


def test_exactly_three_are_not():
    # Mean 0 and a standard deviation of exactly 1.
    week = [-1.0, 1.0, -1.0, 1.0, -1.0, 1.0, 0.0]
    assert stdev(week) == 1.0
    assert not unusual(3.0, [*week])
    assert unusual(3.0000001, [*week])


@pytest.mark.parametrize("days", range(7))
def test_nothing_is_unusual_under_seven_days(days):
    assert not unusual(1_000_000.0, [None] * (LOOKBACK_DAYS - days) + WEEK[:days])


def test_a_day_without_the_figure_is_missing_and_not_zero():
    gaps: list[float | None] = []
    for value in WEEK:
        gaps += [value, None]
    assert trail("jobs", gaps) == trail("jobs", gaps).model_copy(update={"days": 7, "mean": MEAN, "sigma": SIGMA})
    assert not unusual(MEAN, gaps)


def test_only_the_last_seven_days_count():
    assert not unusual(MEAN, [1000.0] * 7 + WEEK)
    assert unusual(1000.0, [1000.0] * 7 + WEEK)


def test_there_is_nothing_to_say_of_a_figure_that_is_not_there():
    assert not unusual(None, [0.5] * 7, "reject_ratio")


@pytest.mark.parametrize(
    ("figure", "usual", "value", "expected"),
    [
        ("jobs", 24.0, 26.0, False),
        ("jobs", 24.0, 27.0, True),
        ("jobs", 24.0, 21.0, True),
        ("jobs", 24.0, 24.0, False),
        ("jobs", 0.0, 1.0, True),
        ("reject_ratio", 0.0, 0.0, False),
        ("reject_ratio", 0.0, 0.001, False),
        ("reject_ratio", 0.0, 0.0011, True),
        ("reject_ratio", 0.1, 0.109, False),
        ("reject_ratio", 0.1, 0.12, True),
    ],
)
def test_after_seven_equal_days_a_change_counts_from_a_tenth_on(figure, usual, value, expected):
    assert unusual(value, [usual] * 7, figure) is expected


@given(value=st.floats(0, 1), days=st.integers(7, 14))
def test_equal_days_have_no_deviation_however_their_sum_is_rounded(value, days):
    found = trail("reject_ratio", [value] * days)
    assert (found.mean, found.sigma) == (value, 0.0)
    assert anomaly("d", value, found) is None


@given(st.lists(st.none() | st.floats(0, 1e15), max_size=14), st.none() | st.floats(0, 1e15))
def test_whatever_is_told_is_by_the_rule_and_in_words(series, value):
    before = trail("read", series)
    found = anomaly("d", value, before)
    known = [one for one in series if one is not None][-7:]
    assert before.days == len(known)
    if found is not None:
        assert value is not None
        assert len(known) == 7
        assert abs(value - found.mean) > 3 * found.sigma
        assert (found.direction == "above") == (value > found.mean)
        assert found.told
        assert found.advice


def past(*days: dict[str, int] | None) -> list[Past]:
    """Days with that many jobs of each dataset."""
    return [
        Past(
            f"2026-11-{at + 1:02d}",
            None if day is None else {name: Figures(jobs=jobs, read=jobs * 10) for name, jobs in day.items()},
        )
        for at, day in enumerate(days)
    ]


def test_a_dataset_that_fell_silent_is_listed_and_told_of():
    before = past(*[{"orders": 20 + at % 2} for at in range(14)])
    entries = with_silent({}, before)
    assert list(entries) == ["orders"]
    entry = entries["orders"].model_copy(update={"trails": trails("orders", before)})
    (found,) = anomalies(entry)
    assert (found.figure, found.direction) == ("jobs", "below")
    assert "0 jobs instead of 20.6 (none at all)" in found.told


def test_a_dataset_that_was_silent_for_the_whole_look_back_is_listed_no_more():
    assert with_silent({}, past(*[{"orders": 0}] * 14)) == {}


def test_days_before_a_dataset_was_known_are_not_days_of_zero():
    before = past(*[{"orders": 5}] * 8, *[{"orders": 5, "new": 3}] * 6)
    (jobs,) = [one for one in trails("new", before) if one.figure == "jobs"]
    assert jobs.days == 6


def test_a_day_on_which_a_known_dataset_had_no_job_is_a_day_of_zero():
    before = past(
        *[{"orders": 5}] * 5, {"orders": 0}, {"orders": 0}, *[{"orders": 5}] * 5, {"orders": 0}, {"orders": 0}
    )
    (jobs,) = [one for one in trails("orders", before) if one.figure == "jobs"]
    assert jobs.series[-2:] == (0.0, 0.0)
    entry = DatasetQuality(dataset="orders", figures=Figures(jobs=5, read=50), trails=trails("orders", before))
    assert anomalies(entry) == []


def test_a_dataset_of_working_days_has_its_ratios_compared_all_the_same():
    figures = Figures(jobs=5, read=100, reject_ratio=0.01)
    days = [figures if at % 7 < 5 else Figures() for at in range(14)]
    before = [Past(f"2026-11-{at + 1:02d}", {"orders": one}) for at, one in enumerate(days)]
    worse = Figures(jobs=5, read=100, reject_ratio=0.2)
    entry = DatasetQuality(dataset="orders", figures=worse, trails=trails("orders", before))
    assert [one.figure for one in anomalies(entry)] == ["reject_ratio"]


def test_the_words_say_how_much_and_in_which_direction():
    week = [0.0030, 0.0032, 0.0031, 0.0029, 0.0030, 0.0031, 0.0033]
    found = anomaly("orders", 0.046, trail("reject_ratio", week))
    assert found is not None
    assert found.told == (
        "4.60 % of the records were rejected instead of 0.31 % (+4.29 percentage points),"
        " more than 100 standard deviations above the mean of 7 days"
    )
    assert "haulier rejects JOB" in found.advice
    fewer = anomaly("orders", 4.0, trail("jobs", [*WEEK]))
    assert fewer is not None
    assert fewer.told == "4 jobs instead of 10.9 (63 % fewer), 5.1 standard deviations below the mean of 7 days"
    same = anomaly("orders", 50.0, trail("jobs", [10.0] * 7))
    assert same is not None
    assert same.told == "50 jobs instead of 10 (5.0 times as many); each of the 7 days before had the same"


def test_what_was_always_the_same_comes_first_then_the_farthest():
    constant = anomaly("c", 50.0, trail("jobs", [10.0] * 7))
    near, far = (anomaly(name, value, trail("jobs", [*WEEK])) for name, value in (("n", 20.0), ("f", 90.0)))
    assert constant is not None
    assert near is not None
    assert far is not None
    assert [one.dataset for one in ranked([near, far, constant])] == ["c", "f", "n"]


@pytest.mark.parametrize(
    ("ratio", "text"), [(0.0, "0.00 %"), (0.00001, "< 0.01 %"), (0.0001, "0.01 %"), (1, "100.00 %")]
)
def test_what_is_not_zero_does_not_look_so(ratio, text):
    assert percent(ratio) == text


@pytest.mark.parametrize(("value", "text"), [(0, "0 B"), (1023, "1,023 B"), (1024, "1.0 KiB"), (5 << 40, "5.0 TiB")])
def test_sizes_have_the_largest_unit_that_fits(value, text):
    assert size(value) == text

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulier.cli import formats


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "-"), (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (31_053_850, "29.6 MiB"), (2**42, "4.0 TiB")],
)
def test_a_size_has_the_largest_unit_it_fills(value, shown):
    assert formats.size(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "-"),
        (0.421, "0.42 s"),
        (12.34, "12.3 s"),
        (59.94, "59.9 s"),
        (59.96, "1 m 00 s"),
        (185, "3 m 05 s"),
        (7620, "2 h 07 m"),
    ],
)
def test_a_duration_is_as_exact_as_it_is_short(seconds, shown):
    assert formats.duration(seconds) == shown


@pytest.mark.parametrize(("value", "shown"), [(None, "-"), (0.04, "0.0"), (41.26, "41.3"), (147.4, "147")])
def test_a_rate_has_three_digits_or_so(value, shown):
    assert formats.rate(value) == shown


@given(st.integers(0, 2**50), st.floats(0, 1e6))
def test_what_is_shown_fits_its_column(size, seconds):
    assert len(formats.size(size)) <= 10
    assert len(formats.duration(seconds)) <= 10


def test_times_are_cut_to_the_second():
    assert formats.moment("2026-11-21T09:30:00.125Z") == "2026-11-21 09:30:00"
    assert formats.moment(None) == "-"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (9999, "9999"), (10_000, "10k"), (999_999, "999k"), (12_345_678, "12.3M"), (123 * 10**9, "123G")],
)
def test_a_rounded_number_is_short(value, shown):
    assert formats.rounded(value) == shown

"""What the vectorised casts accept, the exact judgement accepts with the same value."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haulier.contracts.dataset import Column
from haulier.contracts.reject import RejectCode
from worker.records.cast import Caster
from worker.records.exact import judge

COLUMNS = [
    Column(name="c", type="integer"),
    Column(name="c", type="float"),
    Column(name="c", type="decimal", precision=5, scale=2),
    Column(name="c", type="decimal", precision=3, scale=3),
    Column(name="c", type="date"),
    Column(name="c", type="timestamp"),
]
numbers = st.text(alphabet="0123456789+-.eE _x", max_size=8)
digits = st.integers(0, 99)
moments = st.builds(
    lambda y, m, d, sep, h, mi, s, f, z: f"{y:04d}-{m:02d}-{d:02d}{sep}{h:02d}:{mi:02d}:{s:02d}{f}{z}",
    st.integers(1, 9999),
    st.integers(0, 13),
    st.integers(0, 32),
    st.sampled_from(["T", " ", "t"]),
    st.integers(0, 24),
    st.integers(0, 60),
    st.integers(0, 60),
    st.sampled_from(["", ".5", ".123456", ".1234567", "."]),
    st.sampled_from(["", "Z", "+02:00", "-1130", "z"]),
)
days = st.builds(
    lambda y, m, d: f"{y:04d}-{m:02d}-{d:02d}", st.integers(1, 9999), st.integers(0, 13), st.integers(0, 32)
)


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: f"{column.type}{column.scale or ''}")
@given(texts=st.lists(st.one_of(numbers, moments, days, st.none()), min_size=1, max_size=30))
@settings(max_examples=300, deadline=None)
def test_casts_agree_with_the_exact_judgement_when_texts_are_anything(column, texts):
    typed, wrong = Caster(column)(pl.Series(texts, dtype=pl.String))
    for row, text in enumerate(texts):
        if text is None:
            assert typed[row] is None
            assert row not in wrong
            continue
        judged = judge(column, text)
        assert (row in wrong) == (judged.code is not None), text
        if judged.code is None:
            assert typed[row] == judged.value, text


def test_formats_replace_iso_when_given():
    column = Column(name="c", type="date", formats=("%d.%m.%Y", "%Y%m%d"))
    typed, wrong = Caster(column)(pl.Series(["31.12.2024", "20240229", "2024-01-01"]))
    assert [str(value) for value in typed[:2]] == ["2024-12-31", "2024-02-29"]
    assert list(wrong) == [2]


def test_timestamps_are_utc_when_their_format_has_an_offset():
    column = Column(name="c", type="timestamp", formats=("%Y/%m/%d %H:%M %z", "%Y/%m/%d %H:%M"))
    typed, wrong = Caster(column)(pl.Series(["2024/01/01 00:00 +0200", "2024/01/01 00:00"]))
    assert wrong == {}
    assert [value.isoformat() for value in typed] == ["2023-12-31T22:00:00+00:00", "2024-01-01T00:00:00+00:00"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("123.45", "123.45"), ("999.99", "999.99"), ("-1e2", "-100.00"), ("100e-4", "0.01"), ("0e999", "0"),
        ("1." + "0" * 1_000_000, "1.00"), ("0" * 1_000_000 + "7.5", "7.50"), ("1" + "0" * 500 + "e-500", "1.00"),
        ("1000", None), ("999.991", None), ("999.999", None), ("0.001", None), ("1e-999", None), ("1e999", None),
        ("1" * 1_000_000, None), ("0." + "1" * 1_000_000, None),
    ],
    ids=lambda text: str(text)[:12],
)  # fmt: skip
def test_a_decimal_loses_no_digit_however_many_there_are(text, value):
    column = Column(name="c", type="decimal", precision=5, scale=2)
    judged = judge(column, text)
    assert (None if judged.value is None else format(judged.value, "f")) == value
    assert judged.code == (RejectCode.OUT_OF_RANGE if value is None else None)
    assert len(judged.message) < 1_000

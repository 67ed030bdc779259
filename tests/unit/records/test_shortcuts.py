"""Casts and JSON look at a whole block at once where they can: the answer must be that of looking at each value."""

import itertools
import json
import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulier.contracts.dataset import Column
from worker.records.cast import Caster
from worker.records.exact import judge
from worker.records.json_lines import json_lines
from worker.records.spans import arrow_texts, record_spans, text_bytes
from worker.records.validate import in_own_words

_OWN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9.]+Z")
_MOMENTS = ("2024-02-29T12:34:56.123Z", "0001-01-01T00:00:00Z", "9999-12-31 23:59:59.999999Z", "2024-01-01T00:00:00,5Z")


def _agrees(column: Column, texts: list[str]) -> None:
    typed, wrong = Caster(column)(pl.Series(texts, dtype=pl.String))
    for row, text in enumerate(texts):
        judged = judge(column, text)
        assert (row in wrong) == (judged.code is not None), text
        assert typed[row] == judged.value, text


def test_floats_equal_the_exact_ones_when_texts_are_signs_points_and_digits() -> None:
    _agrees(
        Column(name="f", type="float"), ["".join(x) for n in range(5) for x in itertools.product("+-.01", repeat=n)]
    )


@pytest.mark.parametrize("text", ["1e5", "inf", "nan", "1,5", "1/2", " 1", "1_0", "1e400", "٣"])
def test_floats_equal_the_exact_ones_when_one_of_them_has_other_characters(text: str) -> None:
    column = Column(name="f", type="float")
    typed, wrong = Caster(column)(pl.Series(["1.5", text, "-2"]))
    judged = judge(column, text)
    assert typed.to_list() == [1.5, judged.value, -2.0]
    assert set(wrong) == (set() if judged.code is None else {1})


@given(st.sampled_from(_MOMENTS), st.integers(0, 26), st.sampled_from(list("0123456789-:. TZ,+tz")), st.booleans())
def test_timestamps_equal_the_exact_ones_when_a_character_is_changed(text: str, at: int, new: str, more: bool) -> None:
    text = text[:at] + new + text[at + (not more) :]
    _agrees(Column(name="t", type="timestamp"), [text])
    _agrees(Column(name="t", type="timestamp"), [text, _MOMENTS[0]])


@pytest.mark.parametrize("text", ["0000-01-01T00:00:00Z", "2024-01-01T00:00:00.1234567Z", "2024-06-30T23:59:60Z"])
def test_timestamps_are_refused_when_one_among_many_cannot_be_kept(text: str) -> None:
    _agrees(Column(name="t", type="timestamp"), [_MOMENTS[0], text])


@given(st.lists(st.sampled_from([*_MOMENTS, "2024-01-01T00:00Z", "2024-01-01 00:00:00Z", "T,Z", None]), max_size=4))
def test_moments_keep_their_words_when_those_are_the_outputs_own(texts: list[str | None]) -> None:
    series = pl.Series(texts, dtype=pl.String)
    typed, _ = Caster(Column(name="t", type="timestamp"))(series)
    words = in_own_words(typed, series)
    for text, moment, word in zip(texts, typed, words, strict=True):
        if moment is None:
            assert word is None
        elif text is not None and _OWN.fullmatch(text):
            assert word == text
        else:
            assert word is not None
            assert word != text


@given(st.lists(st.dates().map(str) | st.sampled_from(["2024-02-29", "2023-02-29", "2024-13-45", "0000-01-01", "x"])))
def test_dates_equal_the_exact_ones_when_some_days_are_in_no_calendar(texts: list[str]) -> None:
    _agrees(Column(name="d", type="date"), texts)


@given(st.lists(st.none() | st.text(st.sampled_from('aé"\\\n\x00 '), max_size=4), min_size=1), st.integers(0, 3))
def test_texts_come_back_from_json_when_some_are_null_and_some_are_escaped(texts: list[str | None], skip: int) -> None:
    whole = pl.Series("t", texts, dtype=pl.String)
    for frame in (whole.to_frame(), whole.slice(skip).to_frame(), whole.set(whole == '"', None).to_frame()):
        lines = json_lines(frame).decode().splitlines() if frame.height else []
        assert [json.loads(line)["t"] for line in lines] == frame["t"].to_list()


def test_bytes_are_those_of_the_texts_alone_when_the_array_is_a_slice() -> None:
    texts = arrow_texts(pl.Series(["ab", "cde", "", "f"]))
    assert bytes(text_bytes(texts)) == b"abcdef"
    assert bytes(text_bytes(texts.slice(1, 2))) == b"cde"
    assert bytes(text_bytes(texts.slice(4))) == b""


@given(st.lists(st.sampled_from([b"a", b'"x"', b'"x\ny"', b'"q""\n"', b'""']), min_size=1, max_size=5))
def test_records_are_those_written_when_quoted_fields_hold_line_ends(records: list[bytes]) -> None:
    data = b"\n".join(records)
    starts, ends = record_spans(data, quote=ord('"'))
    assert [data[start:end] for start, end in zip(starts, ends, strict=True)] == records

"""What docs/records.md says a value may be, against a plain definition that shares no code with the worker."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from haulier.contracts.dataset import Column
from tests.unit.records.test_pipeline import through
from worker.records import DatasetUnusable
from worker.records.cast import Caster
from worker.records.validate import ColumnCheck

NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
MOMENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(Z|([+-])(\d\d)(?::?(\d\d))?)?)?", re.ASCII
)
DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def exists(year: int, month: int, day: int) -> bool:
    if not (1 <= year <= 9999 and 1 <= month <= 12):
        return False
    leap = month == 2 and (year % 400 == 0 or (year % 4 == 0 and year % 100 != 0))
    return 1 <= day <= DAYS[month - 1] + leap


def plain_moment(text: str) -> Any:
    found = MOMENT.fullmatch(text)
    if found is None:
        return "bad_type"
    year, month, day, hour, minute, second, digits, _, sign, ahead, past = found.groups()
    offset = 60 * int(ahead or 0) + int(past or 0)
    clock = int(hour or 0), int(minute or 0), int(second or 0)
    possible = clock[0] < 24 and clock[1] < 60 and clock[2] < 60 and int(ahead or 0) < 24 and int(past or 0) < 60
    if not possible or not exists(int(year), int(month), int(day)):
        return "bad_type"
    nanoseconds = int((digits or "0").ljust(9, "0"))
    if nanoseconds % 1000:
        return "out_of_range"
    since = date(int(year), int(month), int(day)).toordinal() - 1
    seconds = since * 86400 + clock[0] * 3600 + clock[1] * 60 + clock[2] - (-1 if sign == "-" else 1) * offset * 60
    if not 0 <= seconds < (date(9999, 12, 31).toordinal()) * 86400:
        return "out_of_range"
    return FIRST + timedelta(seconds=seconds, microseconds=nanoseconds // 1000)


def plain_value(column: Column, text: str) -> Any:
    """The value, or the code of its reject."""
    match column.type:
        case "integer":
            if not re.fullmatch("[+-]?[0-9]+", text):
                return "bad_type"
            return int(text) if -(2**63) <= int(text) <= 2**63 - 1 else "out_of_range"
        case "float":
            if not NUMBER.fullmatch(text):
                return "bad_type"
            return "out_of_range" if abs(float(text)) == float("inf") else float(text)
        case "decimal":
            if not NUMBER.fullmatch(text):
                return "bad_type"
            units = Fraction(text) * 10 ** (column.scale or 0)
            if units.denominator != 1 or abs(units) >= 10 ** (column.precision or 0):
                return "out_of_range"
            return Fraction(text)
        case "boolean":
            words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
            return words.get(text.lower() if text.isascii() else "", "bad_type")
        case "date":
            found = re.fullmatch("([0-9]{4})-([0-9]{2})-([0-9]{2})", text)
            if found is None or not exists(*(int(part) for part in found.groups())):
                return "bad_type"
            return date(*(int(part) for part in found.groups()))
        case _:
            return plain_moment(text)


COLUMNS = [
    Column(name="c", type="integer"),
    Column(name="c", type="float"),
    Column(name="c", type="decimal", precision=5, scale=2),
    Column(name="c", type="decimal", precision=38, scale=10),
    Column(name="c", type="decimal", precision=3, scale=3),
    Column(name="c", type="decimal", precision=38, scale=0),
    Column(name="c", type="boolean"),
    Column(name="c", type="date"),
    Column(name="c", type="timestamp"),
]
integers = st.one_of(
    st.integers(-(2**66), 2**66), st.sampled_from([2**63, 2**63 - 1, -(2**63), -(2**63) - 1]), st.integers(-20, 20)
).map(str)
fractions = st.builds(
    lambda sign, whole, part, power: f"{sign}{whole}{part}{power}",
    st.sampled_from(["", "-", "+", " "]),
    st.one_of(st.just(""), st.integers(0, 10**40).map(str), st.integers(0, 2000).map(str), st.just("000")),
    st.one_of(st.just(""), st.just("."), st.text("0123456789", max_size=20).map(lambda digits: "." + digits)),
    st.one_of(
        st.just(""), st.integers(-400, 400).map(lambda n: f"e{n}"), st.sampled_from(["E+2", "e-02", "e", "e1000"])
    ),
)
moments = st.builds(
    lambda y, m, d, sep, h, mi, s, f, z: f"{y:04d}-{m:02d}-{d:02d}{sep}{h:02d}:{mi:02d}{s}{f}{z}",
    st.one_of(st.sampled_from([0, 1, 1899, 1900, 2000, 2023, 2024, 9999]), st.integers(0, 9999)),
    st.one_of(st.integers(0, 13), st.just(2)),
    st.one_of(st.integers(0, 32), st.sampled_from([1, 28, 29, 30, 31])),
    st.sampled_from(["T", " ", "t", ""]),
    st.sampled_from([0, 9, 23, 24]),
    st.sampled_from([0, 59, 60]),
    st.sampled_from([":00", ":59", ":60", ""]),
    st.sampled_from(["", "", ".5", ",5", ".123456", ".1234560", ".1234567", ".123456789", ".1234567891", "."]),
    st.sampled_from(["", "Z", "z", "+02:00", "-1130", "+02", "+23:59", "+24:00", "+02:60", "-00:00", " UTC", "+2"]),
)
words = st.sampled_from(
    [
        "true",
        "FALSE",
        "Yes",
        "nO",
        "1",
        "0",
        "y",
        "on",
        "2",
        "inf",
        "-inf",
        "nan",
        "NaN",
        "Infinity",
        "null",
        "0x10",
        "1_000",
        "1,000",
        "1e400",
        "-1e400",
        "1e-400",
        "5e-324",
        "1d",
        "1f",
        "0.1e",
        "1.7976931348623157e308",
        "1.7976931348623159e308",
        "--1",
        "+-1",
        "\uff11\uff12",
        "\u0663",
        "\u22121",
        "\ufeff1",
        "YE\u017f",
        "20240101",
        "0000-01-01",
        "0001-01-01",
        "9999-12-31",
        "10000-01-01",
        "2024-02-30",
        "2024-2-3",
        "2024-W01-1",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59.999999-00:01",
        "0000-12-31T23:59:59Z",
        "2016-12-31T23:59:60Z",
    ]
) | st.sampled_from(["1 000", "1\u00a0", "1\x00", "1\n", "\n1", " 1", "", "\t"])
dates = moments.map(lambda text: text[:10])
anything = st.one_of(integers, fractions, moments, dates, words, st.text(max_size=6))


def same(typed: Any, expected: Any) -> bool:
    if isinstance(expected, Fraction):
        return isinstance(typed, Decimal) and Fraction(typed) == expected
    return type(typed) is type(expected) and typed == expected


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: f"{column.type}{column.precision or ''}")
@given(texts=st.lists(st.one_of(anything, st.none()), min_size=1, max_size=12))
@example(texts=["0000-01-01", "0000-02-29T00:00:00Z", "2024-01-01T00:00:00+02:60", "2024-01-01T00:00:00.1234567Z"])
@settings(max_examples=60, deadline=None)
def test_a_value_is_taken_or_rejected_as_the_plain_definition_says_when_texts_are_anything(column, texts):
    typed, wrong = Caster(column)(pl.Series(texts, dtype=pl.String))
    for row, (text, value) in enumerate(zip(texts, typed.to_list(), strict=True)):
        expected = None if text is None else plain_value(column, text)
        if isinstance(expected, str):
            code = wrong[row].code
            assert (value, code and code.value) == (None, expected), text
        else:
            assert row not in wrong, text
            assert same(value, expected), text


edges = st.one_of(
    st.integers(-3, 3), st.builds(lambda n, d: n + d, st.sampled_from([2**53, -(2**53), 2**62]), st.integers(-2, 2))
)
halves = st.one_of(
    edges, edges.map(float), st.integers(-6, 6).map(lambda n: n / 2), st.sampled_from([1e300, -1e300, 2**70])
)


@given(values=st.lists(edges, min_size=1, max_size=8), least=halves, greatest=halves)
@settings(max_examples=60, deadline=None)
def test_integers_keep_within_their_limits_when_a_float_could_not_tell_them_apart(values, least, greatest):
    if least > greatest:
        least, greatest = greatest, least
    column = Column(name="c", type="integer", min=least, max=greatest)
    if least >= 2**63 or greatest < -(2**63):
        with pytest.raises(DatasetUnusable, match="beyond 64 bits"):
            ColumnCheck(column, ())
        return
    check = ColumnCheck(column, ())
    _, wrong = check(pl.Series([str(value) for value in values]))
    assert sorted(wrong) == [row for row, value in enumerate(values) if not least <= value <= greatest]


def test_dataset_is_refused_when_a_float_limit_has_more_digits_than_a_float():
    with pytest.raises(DatasetUnusable) as caught:
        ColumnCheck(Column(name="c", type="float", max=10**400), ())
    assert caught.value.code == "bad_limit"


letters = st.text(alphabet="ab é𝄞\n", max_size=5)


@given(
    texts=st.lists(st.one_of(letters, st.sampled_from(["NA", "", "ab"])), min_size=1, max_size=10),
    low=st.integers(0, 3),
    high=st.integers(3, 5),
    required=st.booleans(),
    pattern=st.sampled_from([None, "a*b?", "[^a]+", ".{2}", "a|b|ab"]),
    enum=st.sampled_from([None, ("ab", "a", "é"), ("NA",)]),
)
@settings(max_examples=60, deadline=None)
def test_texts_are_held_to_their_rules_in_order_when_they_are_anything(texts, low, high, required, pattern, enum):
    column = Column(
        name="c", required=required, min_length=low, max_length=high, pattern=pattern, enum=enum
    )  # fmt: skip
    typed, wrong = ColumnCheck(column, ("", "NA"))(pl.Series(texts, dtype=pl.String))
    for row, text in enumerate(texts):
        if text in ("", "NA"):
            expected = "required" if required else None
        elif enum is not None and text not in enum:
            expected = "not_in_enum"
        elif not low <= len(text) <= high:
            expected = "length"
        else:
            expected = "pattern" if pattern is not None and not re.fullmatch(pattern, text) else None
        assert (wrong[row][0].value if row in wrong else None) == expected, text
        assert row in wrong or typed[row] == (None if text in ("", "NA") else text)


def test_pattern_is_refused_when_it_closes_what_it_did_not_open():
    with pytest.raises(DatasetUnusable) as caught:
        ColumnCheck(Column(name="c", pattern="a)|(?:b"), ())
    assert caught.value.code == "bad_pattern"


@pytest.mark.parametrize(
    ("rule", "value", "code"),
    [
        ({"type": "integer"}, "1.5", "bad_type"),
        ({"type": "float"}, "1e999", "out_of_range"),
        ({"type": "decimal", "precision": 4, "scale": 2}, "1.005", "out_of_range"),
        ({"type": "boolean"}, "maybe", "bad_type"),
        ({"type": "date"}, "0000-01-01", "bad_type"),
        ({"type": "timestamp", "max": "2024-01-01"}, "2024-01-01T00:00:00.000001Z", "out_of_range"),
        ({"enum": ["a", "b"]}, "c", "not_in_enum"),
        ({"max_length": 3}, "h\u00e9\U0001d11e!", "length"),
        ({"pattern": "[a-z]+"}, "abc\n", "pattern"),
    ],
)
@pytest.mark.parametrize("key", ["f.csv", "f.jsonl"])
def test_a_reject_has_the_column_the_code_the_value_and_the_text_when_a_value_does_not_fit(rule, value, code, key):
    schema = {"columns": [{"name": "n", "type": "integer"}, {"name": "c", **rule}]}
    record = json.dumps({"n": "1", "c": value}) if key == "f.jsonl" else f'1,"{value}"'
    data = (record + "\n").encode() if key == "f.jsonl" else f"n,c\n{record}\n".encode()
    (reject,) = through(data, key, schema=schema).rejects
    assert (reject.column, reject.code.value, reject.value, reject.raw) == ("c", code, value, record)
    assert (reject.stage.value, reject.offset) == ("validate", data.index(record.encode()))
    assert "c " in reject.message

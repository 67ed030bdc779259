"""JSON Lines built column by column are those a JSON writer makes row by row."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.records.json_lines import json_lines
from worker.records.parsed import RAW, REST

texts = st.text(
    alphabet=st.one_of(st.sampled_from('"\\\n\r\t\x00\x1f\x7f {},'), st.characters(blacklist_categories=["Cs"])),
    max_size=8,
)
plain = {
    "text": (texts, pl.String),
    "integer": (st.integers(-(2**63), 2**63 - 1), pl.Int64),
    "float": (st.floats(allow_nan=False, allow_infinity=False), pl.Float64),
    "boolean": (st.booleans(), pl.Boolean),
    "list": (st.lists(st.integers(0, 5), max_size=2), pl.List(pl.Int64)),
}


@given(st.data(), st.lists(st.sampled_from(list(plain)), min_size=1, max_size=5), st.integers(1, 5))
@settings(max_examples=300, deadline=None)
def test_values_are_read_back_as_they_were_when_a_frame_is_written(data, kinds, rows):
    columns, fixed = {}, {}
    for at, kind in enumerate(kinds):
        values, dtype = plain[kind]
        name = f"{at}{data.draw(texts)}"
        drawn = data.draw(st.lists(st.one_of(st.none(), values), min_size=rows, max_size=rows))
        columns[name] = pl.Series(drawn, dtype=dtype)
    if data.draw(st.booleans()):
        fixed = {"same": data.draw(texts)}
    frame = pl.DataFrame(columns).with_columns([pl.lit(value).alias(name) for name, value in fixed.items()])
    lines = json_lines(frame, fixed)
    assert [json.loads(line) for line in lines.decode().split("\n")[:-1]] == frame.to_dicts()
    assert lines.endswith(b"\n")


def test_nothing_is_written_when_there_are_no_rows():
    assert json_lines(pl.DataFrame(schema={"a": pl.String})) == b""


def test_values_have_the_form_of_their_type_when_they_are_no_json_type():
    frame = pl.DataFrame(
        {
            "day": [date(2026, 11, 21), None],
            "at": pl.Series([datetime(2026, 11, 21, 1, 2, 3, 400000, tzinfo=UTC), None]),
            "short": pl.Series([Decimal("1.50"), None], dtype=pl.Decimal(12, 2)),
            "long": pl.Series([Decimal("1.50"), None], dtype=pl.Decimal(38, 2)),
            "infinite": [float("inf"), 1.0],
        }
    )
    assert json_lines(frame).decode().splitlines() == [
        '{"day":"2026-11-21","at":"2026-11-21T01:02:03.400Z","short":1.5,"long":1.50,"infinite":null}',
        '{"day":null,"at":null,"short":null,"long":null,"infinite":1.0}',
    ]


def test_fields_that_came_as_json_go_out_as_they_came_when_columns_stand_beside_them():
    frame = pl.DataFrame({"a": ["1", "x"], RAW + "a": ["1.0", None], REST: ['"b":[1,2.50]', ""]})
    assert json_lines(frame) == b'{"a":1.0,"b":[1,2.50]}\n{"a":null}\n'


def test_a_record_is_whole_when_only_unlisted_fields_are_left():
    assert json_lines(pl.DataFrame({REST: ['"b":1', ""]})) == b'{"b":1}\n{}\n'

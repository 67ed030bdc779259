"""What is written: CSV that any reader takes for what it was, Parquet that readers can skip in, JSON with every digit;
and how much of a file is held on the way.
"""

import csv
import io
import json
from decimal import Decimal

import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haulier.contracts.dataset import Output
from haulier.jobs.peek import peek
from tests.unit.records.test_pipeline import dataset, through
from worker.records import DatasetUnusable, Encoder, Processed, Tally, cutter_for, output, read_from

texts = st.text(alphabet=" ,\";\t|\r\n'\\é𝄞=a0", max_size=6)


@given(
    names=st.lists(texts.filter(bool), min_size=1, max_size=3, unique=True),
    rows=st.lists(st.lists(texts, min_size=3, max_size=3), max_size=5),
    block=st.integers(1, 60),
)
@settings(max_examples=100, deadline=None)
def test_csv_is_read_back_as_the_values_it_was_when_they_are_anything(names, rows, block):
    rows = [row[: len(names)] for row in rows]
    data = "".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows).encode()
    outcome = through(
        data or b"\n", "f.jsonl", block=block, output={"format": "csv"},
        schema={"columns": [{"name": name} for name in names], "nulls": []}, format={"type": "jsonl"},
    )  # fmt: skip
    read = list(csv.reader(io.StringIO(outcome.payload.decode(), newline=""), strict=True))
    assert read == [[*names, "_extra"], *([*row, ""] for row in rows)]


@given(rows=st.lists(texts, max_size=6))
@settings(max_examples=60, deadline=None)
def test_a_csv_of_one_column_has_no_blank_line_when_values_are_empty(rows):
    body = io.StringIO(newline="")
    csv.writer(body, quoting=csv.QUOTE_ALL).writerows([["h"], *([row] for row in rows)])
    outcome = through(body.getvalue().encode(), "f.csv", output={"format": "csv"}, format={"delimiter": ","})
    assert list(csv.reader(io.StringIO(outcome.payload.decode(), newline=""))) == [
        ["h"],
        *([r] for r in rows),
    ]


def test_parquet_is_zstd_in_row_groups_of_the_size_meant_with_statistics_whatever_the_blocks(monkeypatch):
    monkeypatch.setattr(output, "ROW_GROUP_ROWS", 1000)
    data = b"n,s\n" + b"".join(b"%d,t%05d\n" % (n, n) for n in range(5000))
    schema = {"columns": [{"name": "n", "type": "integer"}]}
    outcome = through(data, "f.csv", block=700, schema=schema, output={"format": "parquet"})
    meta = pyarrow.parquet.ParquetFile(io.BytesIO(outcome.payload)).metadata
    groups = [meta.row_group(at) for at in range(meta.num_row_groups)]
    assert all(1000 <= group.num_rows < 1000 + 100 for group in groups[:-1])
    first = 0
    for group in groups:
        number, text = group.column(0), group.column(1)
        assert {number.compression, text.compression} == {"ZSTD"}
        assert (number.statistics.min, number.statistics.max) == (first, first + group.num_rows - 1)
        assert (text.statistics.min, text.statistics.null_count) == (f"t{first:05d}", 0)
        first += group.num_rows
    assert first == 5000


def test_row_groups_end_by_their_bytes_when_rows_are_wide():
    encoder = Encoder(Output(format="parquet"), schema=pyarrow.schema([("s", pyarrow.large_string())]))
    table = pyarrow.table({"s": pyarrow.array(["x" * (1 << 20)] * 8, pyarrow.large_string())})
    payload = b"".join(encoder.feed(Processed(table, b"", Tally())) for _ in range(10)) + encoder.finish()
    meta = pyarrow.parquet.ParquetFile(io.BytesIO(payload)).metadata
    rows = [meta.row_group(at).num_rows for at in range(meta.num_row_groups)]
    assert sum(rows) == 80
    assert set(rows[:-1]) == {-(-output.ROW_GROUP_BYTES // table.nbytes) * 8}


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("json", b"[" + b",\n".join(b'{"n": %d, "s": ["x", {"y": 1}]}' % n for n in range(9000)) + b"]"),
        ("json", b"[" + b" " * 300_000 + b'{"n": 1}' + b"\n" * 300_000 + b"]"),
        ("jsonl", b'{"n": 1, "s": "text"}\n' * 15_000),
        ("csv", b"a,b\n" + b'1,"two\n"\n' * 40_000),
    ],
    ids=["array", "array of white space", "lines", "csv"],
)
def test_no_more_than_a_block_is_held_when_a_file_streams_through(kind, data):
    reading = peek(data, key=f"f.{kind}", complete=True, compression="none", dataset=dataset())
    start = reading.body_start
    cutter = cutter_for(
        reading, start=0, end=len(data), given=start, max_record_bytes=1 << 20, block_bytes=8192
    )  # fmt: skip
    at, given_out, piece = read_from(reading, start=0, given=start), start, 4096
    while at < len(data) and not cutter.done:
        for block in cutter.feed(data[at : at + piece]):
            given_out = block.offset + len(block.data)
        at += piece
        assert len(held_by(cutter)) <= 3 * 8192
        # White space between values is passed over and is in no block.
        assert min(at, len(data)) - given_out <= 3 * 8192 or b" " * 300_000 in data


def held_by(thing: object, depth: int = 4) -> bytes:
    """All bytes a cutter's attributes keep."""
    if isinstance(thing, bytes | bytearray | memoryview):
        return bytes(thing)
    if depth == 0 or isinstance(thing, str | int):
        return b""
    if isinstance(thing, list | tuple):
        return b"".join(held_by(one, depth - 1) for one in thing)
    slots = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
    kept = [*getattr(thing, "__dict__", {}).values(), *(getattr(thing, name, None) for name in slots)]
    return b"".join(held_by(one, depth - 1) for one in kept)


@pytest.mark.parametrize("key", ["f.jsonl", "f.json"])
@pytest.mark.parametrize("config", [{}, {"schema": {"columns": [{"name": "b"}]}}], ids=["unread", "read"])
def test_a_record_is_too_deep_when_it_is_nested_beyond_the_parser(key, config):
    deep = b"[" * 1500 + b"]" * 1500
    outcome = through(b'{"b": "1"}\n{"a": ' + deep + b'}\n{"b": "2"}\n', key, **config)
    assert (outcome.codes, [record["b"] for record in outcome.records]) == (["too_deep"], ["1", "2"])


def test_a_repeated_key_goes_through_when_nobody_reads_and_its_last_value_counts_when_somebody_does():
    data = b'{"a": 1, "b": 2.50, "a": 3, "b": 4.50}\n'
    assert through(data, "f.jsonl").payload == data
    assert through(data, "f.jsonl", schema={"columns": [{"name": "a"}]}).payload == b'{"a":"3","b":4.50}\n'
    given_way = through(b'{"a": 1, "_job_id": 0, "a": 3}\n', "f.jsonl", enrich=["_job_id"])
    assert given_way.payload == b'{"a":3,"_job_id":"j1"}\n'


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "+1", "01", "1.", ".5", "0x1"])
@pytest.mark.parametrize(
    "config", [{}, {"schema": {"columns": [{"name": "a", "type": "float"}]}}], ids=["unread", "read"]
)
def test_a_record_is_no_json_when_a_number_is_none_of_json(number, config):
    outcome = through(b'{"a": %b}\n{"a": 1}\n' % number.encode(), "f.jsonl", **config)
    assert (outcome.codes, outcome.tally.written) == (["bad_json"], 1)


def test_records_begin_with_the_first_line_when_there_is_no_header():
    data = b'1,"a\nb"\n2\n3,c,d\n\n4,e'
    named = through(data, "f.csv", format={"header": False, "columns": ["n", "s"], "delimiter": ","})
    numbered = through(data, "f.csv", format={"header": False, "delimiter": ","})
    assert named.records == [{"n": "1", "s": "a\nb"}, {"n": "4", "s": "e"}]
    assert numbered.records == [{"column_1": "1", "column_2": "a\nb"}, {"column_1": "4", "column_2": "e"}]
    assert named.codes == numbered.codes == ["too_few_fields", "too_many_fields"]


def test_columns_of_one_name_or_none_are_told_apart_when_a_header_repeats_itself():
    outcome = through(b"a,,a,a_2\n1,2,3,4\n", "f.csv")
    assert outcome.records == [{"a": "1", "column_2": "2", "a_3": "3", "a_2": "4"}]


@pytest.mark.parametrize("fmt", ["jsonl", "csv", "parquet"])
@pytest.mark.parametrize("expression", ["e - d", "INTERVAL '2 days'", "CAST(n AS HUGEINT)"])
def test_dataset_is_refused_when_a_derived_column_has_a_type_no_output_holds(fmt, expression):
    kinds = {"d": "date", "e": "date", "n": "integer"}
    schema = {"columns": [{"name": name, "type": kind} for name, kind in kinds.items()]}
    with pytest.raises(DatasetUnusable) as caught:
        through(
            b"d,e,n\n2024-01-01,2024-01-03,1\n", "f.csv",
            schema=schema, transforms=[{"derive": {"x": expression}}], output={"format": fmt},
        )  # fmt: skip
    assert caught.value.code == "bad_expression"


def test_record_is_a_reject_when_a_derived_date_lies_outside_the_years():
    schema = {"columns": [{"name": "d", "type": "date"}]}
    steps = [{"derive": {"x": "d + INTERVAL '2 years'"}}]
    outcome = through(b"d,n\n2024-01-01,1\n9999-12-31,2\n,3\n", "f.csv", schema=schema, transforms=steps)
    assert [record["x"] for record in outcome.records] == ["2026-01-01", None]
    assert [(reject.code.value, reject.column) for reject in outcome.rejects] == [("out_of_range", "x")]


def test_decimals_keep_every_digit_when_they_are_written():
    digits = "12345678901234567890123456789012345.678"
    schema = {"columns": [{"name": "d", "type": "decimal", "precision": 38, "scale": 3}]}
    for fmt in ("jsonl", "csv", "parquet"):
        payload = through(f"d,e\n{digits},1\n".encode(), "f.csv", schema=schema, output={"format": fmt}).payload
        if fmt == "parquet":
            assert pyarrow.parquet.read_table(io.BytesIO(payload))["d"].to_pylist() == [Decimal(digits)]
        else:
            assert digits.encode() in payload

"""Whole objects through reading, cutting, processing and encoding."""

import csv
import gzip
import io
import json
from decimal import Decimal

import pyarrow.parquet
import pytest
import zstandard
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from haulier.contracts.dataset import Dataset
from haulier.contracts.reject import Reject
from haulier.jobs.peek import peek
from worker.records import (
    BlockProcessor,
    DatasetUnusable,
    Encoder,
    Facts,
    Tally,
    cutter_for,
    read_from,
)

FACTS = Facts(job_id="j1", source="s3://in/incoming/x", accepted_at_ms=1_700_000_000_123)


class Outcome:
    def __init__(self, payload: bytes, rejects: bytes, tally: Tally) -> None:
        self.payload, self.tally = payload, tally
        self.rejects = [Reject.model_validate_json(line) for line in rejects.splitlines()]
        assert tally.read == tally.written + tally.rejected + tally.filtered
        assert tally.rejected == len(self.rejects) == sum(tally.reject_codes.values())

    @property
    def records(self) -> list[dict]:
        return [json.loads(line, parse_float=Decimal) for line in self.payload.splitlines()]

    @property
    def codes(self) -> list[str]:
        return [reject.code.value for reject in self.rejects]


def dataset(**config) -> Dataset:
    return Dataset.model_validate({"name": "d", "enrich": [], **config})


def through(data: bytes, key: str, *, block: int = 1 << 20, feed: int = 1 << 16, **config) -> Outcome:
    how = dataset(**config)
    reading = peek(data, key=key, complete=True, compression="none", dataset=how)
    processor = BlockProcessor(reading=reading, dataset=how, facts=FACTS)
    encoder = Encoder(how.output, header=processor.header, schema=processor.schema)
    cutter = cutter_for(
        reading,
        start=0,
        end=len(data),
        given=reading.body_start,
        max_record_bytes=processor.max_record_bytes,
        block_bytes=block,
    )
    at = read_from(reading, start=0, given=reading.body_start)
    blocks = []
    while at < len(data) and not cutter.done:
        blocks += cutter.feed(data[at : at + feed])
        at += feed
    blocks += [] if cutter.done else cutter.finish()
    payload, rejects, tally = b"", b"", Tally()
    for one in blocks:
        processed = processor.process(one)
        payload += encoder.feed(processed)
        rejects += processed.rejects
        tally += processed.tally
    return Outcome(payload + encoder.finish(), rejects, tally)


tokens = [
    b"a",
    b",",
    b",",
    b'"',
    b'",',
    b',"',
    b"\r",
    b"\n",
    b"\n",
    b"\r\n",
    b"\x00",
    "é".encode(),
    b"7",
    b"\xef\xbb\xbf",
]
headers = [("x", "y"), ("*", "^x$"), ("^.*$", "x"), ("^x$", "x"), ("x", "*")]


@given(
    st.sampled_from(headers),
    st.lists(st.sampled_from(tokens), max_size=60).map(b"".join),
    st.integers(1, 50),
    st.integers(1, 9),
)
@settings(max_examples=400, deadline=None)
def test_records_are_those_of_the_csv_module_when_the_file_is_hostile(header, body, block, feed):
    x, y = header
    data = f"{x},{y}\n".encode() + body
    assume(data.count(b"\x00") * 8 <= len(data))  # more of them are no text, and refused
    outcome = through(data, "f.csv", block=block, feed=feed, enrich=["_record_offset"])
    rows = list(csv.reader(io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", newline="")))[1:]
    rows = [row for row in rows if row]
    if "unterminated_quote" in outcome.codes:
        rows.pop()
    assert [[record[x], record[y]] for record in outcome.records] == [row for row in rows if len(row) == 2]
    assert outcome.tally.read == len(rows) + outcome.codes.count("unterminated_quote")
    offsets = [record["_record_offset"] for record in outcome.records]
    assert offsets == sorted(set(offsets))
    assert [reject.offset for reject in outcome.rejects] == sorted({reject.offset for reject in outcome.rejects})
    assert outcome.payload == through(data, "f.csv", enrich=["_record_offset"]).payload


def test_enrichment_follows_the_columns_when_all_of_it_is_asked_for():
    enrich = ["_processed_at", "_source_file", "_job_id", "_record_offset"]
    outcome = through(b"a\n1\n\n2\n", "f.csv", enrich=enrich)
    assert outcome.payload.splitlines()[1] == (
        b'{"a":"2","_processed_at":"2023-11-14T22:13:20.123Z","_source_file":"s3://in/incoming/x",'
        b'"_job_id":"j1","_record_offset":5}'
    )


SCHEMA = {
    "columns": [
        {"name": "id", "type": "integer", "required": True, "min": 1},
        {"name": "price", "type": "decimal", "precision": 6, "scale": 2},
        {"name": "big", "type": "decimal", "precision": 30, "scale": 3},
        {"name": "ok", "type": "boolean"},
        {"name": "day", "type": "date", "min": "2020-01-01"},
        {"name": "at", "type": "timestamp"},
        {"name": "kind", "enum": ["x", "y"]},
        {"name": "code", "pattern": "[A-Z]{2}", "max_length": 2},
    ]
}
HEADER = b"id,price,big,ok,day,at,kind,code,more\n"


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        (b"x,,,,,,,,", "id", "bad_type"),
        (b"0,,,,,,,,", "id", "out_of_range"),
        (b"9223372036854775808,,,,,,,,", "id", "out_of_range"),
        (b",1,,,,,,,", "id", "required"),
        (b"1,1.234,,,,,,,", "price", "out_of_range"),
        (b"1,12345,,,,,,,", "price", "out_of_range"),
        (b"1,1 ,,,,,,,", "price", "bad_type"),
        (b"1,,,maybe,,,,,", "ok", "bad_type"),
        (b"1,,,,2024-02-30,,,,", "day", "bad_type"),
        (b"1,,,,2019-12-31,,,,", "day", "out_of_range"),
        (b"1,,,,,2024-01-01T25:00:00Z,,,", "at", "bad_type"),
        (b"1,,,,,,z,,", "kind", "not_in_enum"),
        (b"1,,,,,,,ab,", "code", "pattern"),
        (b"1,x,,maybe,,,,,", "price", "bad_type"),
    ],
)
def test_first_wrong_column_gives_the_reject_when_a_value_does_not_fit(row, column, code):
    outcome = through(HEADER + b"7,,,,,,,,\n" + row + b"\n8,,,,,,,,\n", "f.csv", schema=SCHEMA)
    assert [record["id"] for record in outcome.records] == [7, 8]
    reject = outcome.rejects[0]
    assert (reject.column, reject.code.value, reject.stage.value) == (column, code, "validate")
    assert (reject.raw, reject.offset) == (row.decode(), len(HEADER) + len(b"7,,,,,,,,\n"))


def test_values_are_typed_exactly_when_the_schema_says_so():
    data = HEADER + b'2,12.5,123456789012345678901234567.125,YES,2024-02-29,2024-02-29 10:00:00+02:00,x,AB,"q ""x"""\n'
    (record,) = through(data, "f.csv", schema=SCHEMA).records
    assert record == {
        "id": 2,
        "price": Decimal("12.5"),
        "big": Decimal("123456789012345678901234567.125"),
        "ok": True,
        "day": "2024-02-29",
        "at": "2024-02-29T08:00:00Z",
        "kind": "x",
        "code": "AB",
        "more": 'q "x"',
    }


@pytest.mark.parametrize("compression", [None, "gzip", "zstd"])
@pytest.mark.parametrize("fmt", ["jsonl", "csv"])
def test_blocks_follow_one_another_in_an_object_when_compressed(fmt, compression):
    data = b"a,b\n" + b"".join(b"%d,x\n" % n for n in range(500))
    plain = through(data, "f.csv", output={"format": fmt}).payload
    packed = through(data, "f.csv", block=300, output={"format": fmt, "compression": compression}).payload
    if compression == "gzip":
        packed = gzip.decompress(packed)
    elif compression == "zstd":
        with zstandard.ZstdDecompressor().stream_reader(io.BytesIO(packed), read_across_frames=True) as stream:
            packed = stream.read()
    assert packed == plain
    assert plain.startswith(b'{"a":"0","b":"x"}\n' if fmt == "jsonl" else b"a,b\n0,x\n")


def test_parquet_has_one_schema_and_all_rows_when_blocks_differ():
    data = HEADER + b"1,1.10,,,,,,,\n" + b"2,,,true,2024-01-01,2024-01-01T00:00:00Z,,,z\nbad,,,,,,,,\n"
    outcome = through(data, "f.csv", block=12, schema=SCHEMA, output={"format": "parquet"})
    table = pyarrow.parquet.read_table(io.BytesIO(outcome.payload))
    assert table.column("id").to_pylist() == [1, 2]
    assert table.column("price").to_pylist() == [Decimal("1.10"), None]
    assert str(table.schema.field("at").type) == "timestamp[us, tz=UTC]"


def test_transforms_apply_in_order_when_several_are_declared():
    steps = [
        {"trim": ["name"]},
        {"rename": {"n": "count"}},
        {"cast": {"count": "integer"}},
        {"default": {"count": 0}},
        {"derive": {"twice": "count * 2"}},
        {"filter": "twice < 10"},
        {"drop": ["junk"]},
    ]
    data = b"name,n,junk\n a ,1,x\nb,9,x\nc,many,x\n"
    outcome = through(data, "f.csv", transforms=steps)
    assert outcome.records == [{"name": "a", "count": 1, "twice": 2}]
    assert (outcome.tally.filtered, outcome.codes) == (1, ["bad_type"])
    assert outcome.rejects[0].stage.value == "transform"


def test_record_is_a_reject_when_an_expression_fails_on_it():
    data = b"a\n2024\nx\n2025\n"
    outcome = through(data, "f.csv", transforms=[{"derive": {"n": "CAST(a AS INTEGER)"}}])
    assert [record["n"] for record in outcome.records] == [2024, 2025]
    assert [reject.offset for reject in outcome.rejects] == [7]


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ({"transforms": [{"filter": "a >"}]}, "bad_expression"),
        ({"transforms": [{"filter": "nope = 1"}]}, "bad_expression"),
        ({"transforms": [{"filter": "sum(a) > 1"}]}, "bad_expression"),
        ({"transforms": [{"derive": {"n": "row_number() over (order by a)"}}]}, "bad_expression"),
        ({"transforms": [{"derive": {"n": "now()"}}]}, "bad_expression"),
        ({"transforms": [{"derive": {"n": "(SELECT 1)"}}]}, "bad_expression"),
        ({"transforms": [{"derive": {"n": "current_date"}}]}, "bad_expression"),
        ({"transforms": [{"drop": ["nope"]}]}, "column_unknown"),
        ({"transforms": [{"rename": {"a": "b"}}]}, "column_taken"),
        ({"transforms": [{"drop": ["a", "b"]}]}, "no_columns"),
        ({"schema": {"columns": [{"name": "c", "required": True}]}}, "column_missing"),
        ({"schema": {"columns": [{"name": "a"}], "extra": "reject"}}, "extra_column"),
        ({"schema": {"columns": [{"name": "a", "pattern": "("}]}}, "bad_pattern"),
        ({"schema": {"columns": [{"name": "a", "type": "date", "min": "soon"}]}}, "bad_limit"),
    ],
)
def test_dataset_is_refused_when_it_cannot_be_applied(config, code):
    with pytest.raises(DatasetUnusable) as caught:
        through(b"a,b\n1,2\n", "f.csv", **config)
    assert caught.value.code == code


def test_json_becomes_a_table_only_by_a_schema():
    with pytest.raises(DatasetUnusable) as caught:
        through(b'{"a":1}\n', "f.jsonl", output={"format": "parquet"})
    assert caught.value.code == "schema_needed"


JSONL = (
    b'{"id": 12345678901234567890123, "p": 1.10, "n": {"x": [1.0, null]}}\n'
    b"\n"
    b'[1]\n{"id": NaN}\n{"a": "\xff"}\n  {} \r\n{"id": 1e400}\n'
)


def test_json_goes_through_undamaged_when_nothing_looks_inside():
    outcome = through(JSONL, "f.jsonl", enrich=["_job_id", "_record_offset"])
    assert outcome.payload.splitlines() == [
        b'{"id": 12345678901234567890123, "p": 1.10, "n": {"x": [1.0, null]},"_job_id":"j1","_record_offset":0}',
        b'{"_job_id":"j1","_record_offset":%d}' % JSONL.index(b"{}"),
    ]
    assert outcome.codes == ["not_an_object", "bad_json", "bad_encoding", "bad_json"]
    assert [reject.offset for reject in outcome.rejects] == [
        JSONL.index(start) for start in (b"[1]", b'{"id": N', b'{"a"', b'{"id": 1e4')
    ]


def test_field_gives_way_when_the_enrichment_has_its_name():
    outcome = through(b'{"_job_id": 5, "z": 1.10, "a": 2}\n', "f.jsonl", enrich=["_job_id"])
    assert outcome.payload == b'{"z":1.10,"a":2,"_job_id":"j1"}\n'


def test_json_is_checked_like_csv_when_a_schema_lists_its_fields():
    data = (
        b'{"id": 1, "price": 1.10, "big": 123456789012345678901234567.125, "more": {"k": [1.50]}}\n'
        b'{"id": "2", "ok": true, "at": "2024-01-01T00:00:00.5Z"}\n'
        b'{"id": 1.5}\n{"id": 3, "kind": {"a": 1}}\n{"id": 99999999999999999999}\n'
    )
    outcome = through(data, "f.jsonl", schema=SCHEMA)
    first, second = outcome.records
    assert (first["id"], first["price"], first["more"]) == (1, Decimal("1.10"), {"k": [Decimal("1.50")]})
    assert first["big"] == Decimal("123456789012345678901234567.125")
    assert (second["id"], second["ok"], second["at"]) == (2, True, "2024-01-01T00:00:00.5Z")
    assert outcome.codes == ["bad_type", "bad_type", "out_of_range"]


def test_unlisted_json_field_keeps_its_json_when_a_transform_names_it():
    data = b'{"a": 1.10, "b": {"c": [1]}, "d": "x"}\n{"a": 2, "d": "y"}\n'
    steps = [{"filter": "d = 'x'"}, {"rename": {"b": "bb"}}, {"derive": {"e": "upper(d)"}}]
    outcome = through(data, "f.jsonl", transforms=steps)
    assert outcome.records == [{"d": "x", "bb": {"c": [1]}, "e": "X", "a": Decimal("1.10")}]
    assert b"1.10" in outcome.payload
    assert outcome.tally.filtered == 1


def test_array_over_many_lines_becomes_a_line_an_element():
    data = b'[\n  {"a": 1.50,\n   "s": "x \\n  y"},\n  {"a": 2}\n]\n'
    outcome = through(data, "f.json", block=8, feed=3, enrich=["_record_offset"])
    assert (
        outcome.payload
        == b'{"a":1.50,"s":"x \\n  y","_record_offset":4}\n{"a": 2,"_record_offset":%d}\n' % data.index(b'{"a": 2')
    )


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_read_with_its_own_offsets_when_it_has_a_mark(codec):
    text = 'ä,b\n1,"x\ny"\n2,€𝄞\n3\n4,z\n'
    data = "\ufeff".encode(codec) + text.encode(codec)
    outcome = through(data, "f.csv", block=9, feed=3, enrich=["_record_offset"])
    assert [(r["ä"], r["b"]) for r in outcome.records] == [("1", "x\ny"), ("2", "€𝄞"), ("4", "z")]
    starts = ['1,"x', "2,€", "4,z"]
    assert [r["_record_offset"] for r in outcome.records] == [
        2 + len(text[: text.index(s)].encode(codec)) for s in starts
    ]
    assert outcome.rejects[0].offset == 2 + len(text[: text.index("3\n4")].encode(codec))


def test_half_a_character_is_a_bad_record_when_utf_16_ends_in_it():
    data = "\ufeffa\n1\n2".encode("utf-16-le") + b"\x41"
    outcome = through(data, "f.csv")
    assert [record["a"] for record in outcome.records] == ["1"]
    assert outcome.codes == ["bad_encoding"]


@pytest.mark.parametrize(("encoding", "text"), [("latin-1", "é\x81"), ("cp1252", "é€")])
def test_one_byte_encodings_are_decoded_when_configured(encoding, text):
    data = "näme,b\n".encode(encoding) + f'{text},"x, y"\n'.encode(encoding) + b"a\x81b,c\n"
    outcome = through(data, "f.csv", format={"encoding": encoding}, enrich=["_record_offset"])
    assert outcome.records[0] == {"näme": text, "b": "x, y", "_record_offset": 7}
    assert outcome.codes == (["bad_encoding"] if encoding == "cp1252" else [])


def test_long_record_is_the_same_reject_wherever_the_blocks_are_cut():
    data = b"a,b\n1,2\n3," + b"x" * 3000 + b"\n4,5\n"
    outcomes = [through(data, "f.csv", block=block, max_record_bytes=1024) for block in (1, 64, 10_000)]
    assert [outcome.codes for outcome in outcomes] == [["too_long"]] * 3
    assert len({outcome.payload for outcome in outcomes}) == 1
    assert len({outcome.rejects[0].model_dump_json() for outcome in outcomes}) == 1


def test_csv_output_quotes_what_it_must_when_values_hold_line_ends():
    data = b'a,b\n"x\r\ny","q""z"\n"l\rm",\n'
    payload = through(data, "f.csv", output={"format": "csv"}).payload
    rows = list(csv.reader(io.StringIO(payload.decode(), newline="")))
    assert rows == [["a", "b"], ["x\r\ny", 'q"z'], ["l\rm", ""]]

"""What was wrong once, a case each."""

import itertools
import json
from decimal import Decimal

import pytest

from tests.unit.records.test_pipeline import through
from worker.records import DatasetUnusable

PATTERNS = ["*", "^b$", "^.*$", "b"]


@pytest.mark.parametrize("fmt", ["jsonl", "csv"])
def test_columns_stay_themselves_when_their_names_are_patterns(fmt):
    columns = [
        {"name": name, "type": kind}
        for name, kind in zip(PATTERNS, ["decimal", "timestamp", "string", "integer"], strict=True)
    ]
    columns[0] |= {"precision": 30, "scale": 2}
    data = b"*,^b$,^.*$,b\n1.10,2024-01-01,x,4\n"
    outcome = through(data, "f.csv", schema={"columns": columns}, output={"format": fmt})
    if fmt == "csv":
        assert outcome.payload == b"*,^b$,^.*$,b\n1.10,2024-01-01T00:00:00Z,x,4\n"
    else:
        assert outcome.payload == b'{"*":1.10,"^b$":"2024-01-01T00:00:00Z","^.*$":"x","b":4}\n'


def test_transforms_touch_one_column_when_its_name_is_a_pattern():
    steps = [{"trim": ["^.*$"]}, {"default": {"*": "d"}}, {"rename": {"^.*$": "*2"}}, {"drop": ["^b$"]}]
    data = b"*,^b$,^.*$,b\n 1 ,2, 3 , 4 \n"
    assert through(data, "f.csv", transforms=steps).records == [{"*": " 1 ", "*2": "3", "b": " 4 "}]


def test_json_fields_stay_themselves_when_their_names_are_patterns():
    data = b'{"^b$": 1.0, "b": 2, "*": [3]}\n'
    outcome = through(data, "f.jsonl", schema={"columns": [{"name": "^b$"}]}, transforms=[{"drop": ["*"]}])
    assert outcome.payload == b'{"^b$":"1.0","b":2}\n'


@pytest.mark.parametrize("text", ["\"^b$\" = '1'", "\"*\" = '1'"])
def test_expression_is_refused_when_it_names_a_pattern(text):
    with pytest.raises(DatasetUnusable) as caught:
        through(b"*,^b$\n1,2\n", "f.csv", transforms=[{"filter": text}])
    assert caught.value.code == "bad_expression"


@pytest.mark.parametrize(
    "enrich",
    [
        order
        for size in range(5)
        for order in itertools.permutations(("_processed_at", "_source_file", "_job_id", "_record_offset"), size)
    ],
)
def test_lines_are_json_in_the_order_asked_for_when_enriched(enrich):
    outcome = through(b'{"a":1}\n{}\n', "f.jsonl", enrich=list(enrich))
    first, second = outcome.payload.splitlines()
    assert list(json.loads(first)) == ["a", *enrich]
    assert list(json.loads(second)) == list(enrich)


@pytest.mark.parametrize("text", ["0e-999", "0.E-44", "0e90", "-0e5", "0e0"])
def test_decimal_is_zero_when_it_is_written_with_any_exponent(text):
    schema = {"columns": [{"name": "d", "type": "decimal", "precision": 6, "scale": 2}]}
    assert through(f"d,e\n{text},1\n".encode(), "f.csv", schema=schema).records == [{"d": Decimal(0), "e": "1"}]


def test_decimals_are_exact_when_written_with_exponents():
    schema = {"columns": [{"name": "d", "type": "decimal", "precision": 38, "scale": 3}]}
    texts = ["1e34", "12345678901234567890123456789012345.678", "1230e-4", "+.5"]
    outcome = through(("d\n" + "\n".join(texts) + "\n").encode(), "f.csv", schema=schema)
    assert [record["d"] for record in outcome.records] == [Decimal(text) for text in texts]


@pytest.mark.parametrize("block", [1, 4, 8, 1000])
def test_mark_inside_the_file_is_text_when_a_block_begins_with_it(block):
    outcome = through("x,y\n1,2\n\ufeffa,b\n3,4\n".encode(), "f.csv", block=block)
    assert [record["x"] for record in outcome.records] == ["1", "\ufeffa", "3"]


def test_dates_are_written_as_iso_when_formats_read_them_otherwise():
    schema = {"columns": [{"name": "d", "type": "date", "formats": ["%d-%m-%Y"]}]}
    assert through(b"d,e\n01-02-2024,1\n", "f.csv", schema=schema).records == [{"d": "2024-02-01", "e": "1"}]


def test_records_keep_their_number_when_no_column_is_kept():
    config = {"schema": {"columns": [{"name": "z"}], "extra": "drop"}, "transforms": [{"derive": {"x": "'1'"}}]}
    outcome = through(b"a,b\n1,2\n3\n5,6\n", "f.csv", **config)
    assert outcome.payload == b'{"z":null,"x":"1"}\n' * 2
    assert (outcome.tally.filtered, outcome.codes) == (0, ["too_few_fields"])


def test_json_records_keep_their_number_when_no_field_is_kept():
    config = {"schema": {"extra": "drop"}, "transforms": [{"derive": {"x": "1"}}]}
    outcome = through(b'{"a":1}\n' * 3, "f.jsonl", **config)
    assert (outcome.payload, outcome.tally.filtered) == (b'{"x":1}\n' * 3, 0)


@pytest.mark.parametrize("config", [{}, {"schema": {"extra": "drop"}}])
def test_records_keep_their_number_when_all_columns_are_dropped_on_the_way(config):
    steps = [{"drop": ["a"]}] if not config else []
    outcome = through(
        b"a\n1\n2\n3\n", "f.csv", transforms=[*steps, {"derive": {"x": "7"}}, {"filter": "x = 7"}], **config
    )
    assert (outcome.payload, outcome.tally.filtered) == (b'{"x":7}\n' * 3, 0)


def test_deep_json_goes_through_when_a_field_gives_way():
    deep = "[" * 1000 + "]" * 1000
    data = f'{{"a":{deep},"s":"]}}\\"","_job_id":1}}\n{{"a":1}}\n'.encode()
    outcome = through(data, "f.jsonl", enrich=["_job_id"])
    assert outcome.payload == f'{{"a":{deep},"s":"]}}\\"","_job_id":"j1"}}\n{{"a":1,"_job_id":"j1"}}\n'.encode()
    assert through(data, "f.jsonl", schema={"columns": [{"name": "s"}]}).tally.written == 2


@pytest.mark.parametrize("block", [1, 8, 30, 1000])
@pytest.mark.parametrize("feed", [1, 7, 1000])
def test_offsets_are_those_of_the_object_when_an_array_is_utf_16(block, feed):
    texts = ['{"a":"é𝄞"}', '{"a":2}', '{"a":"€"}', "7", '{"a":4}']
    data = ("\ufeff[ " + " ,\n ".join(texts) + "]").encode("utf-16-le")
    outcome = through(data, "f.json", block=block, feed=feed, enrich=["_record_offset"])
    starts = [data.index(text.encode("utf-16-le")) for text in texts]
    assert [reject.offset for reject in outcome.rejects] == [starts.pop(3)]
    assert [record["_record_offset"] for record in outcome.records] == starts


@pytest.mark.parametrize("block", [100, 1 << 20])
@pytest.mark.parametrize("kind", ["csv", "json"])
def test_offsets_follow_when_a_utf_16_record_is_too_long(block, kind):
    long = "x" + "é" * 30_000
    text = f"a,b\n{long},1\n3,4\n" if kind == "csv" else f'[{{"a":"{long}"}}, {{"a":"3"}}]'
    data = ("\ufeff" + text).encode("utf-16-le")
    outcome = through(data, f"f.{kind}", block=block, feed=999, max_record_bytes=1024, enrich=["_record_offset"])
    assert (outcome.codes, outcome.tally.written) == (["too_long"], 1)
    last = text.index("3,4" if kind == "csv" else '{"a":"3')
    assert outcome.records[0]["_record_offset"] == len(("\ufeff" + text[:last]).encode("utf-16-le"))


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_fault_is_at_the_end_when_a_utf_16_array_is_not_closed(codec):
    data = '\ufeff[{"a":"é"},'.encode(codec)
    outcome = through(data, "f.json", feed=3)
    assert [(reject.code.value, reject.offset) for reject in outcome.rejects] == [("bad_json", len(data))]


def test_json_form_stays_when_a_default_or_a_trim_changes_nothing():
    steps = [{"default": {"n": 0, "s": "none"}}, {"trim": ["o", "s", "t"]}]
    data = b'{"n": 1.50, "o": {"k": " v "}, "s": null, "t": " x\\u00e9 "}\n{"n": null, "s": " ", "o": [1]}\n'
    outcome = through(data, "f.jsonl", transforms=steps)
    assert outcome.payload.decode() == (
        '{"n":1.50,"s":"none","o":{"k": " v "},"t":"xé"}\n{"n":0,"s":"","o":[1],"t":null}\n'
    )


def test_enrichment_wins_when_a_transform_names_a_field_of_its_name():
    data = b'{"_job_id": 5, "a": 1}\n'
    outcome = through(data, "f.jsonl", enrich=["_job_id"], transforms=[{"filter": "_job_id = '5'"}])
    assert outcome.records == [{"_job_id": "j1", "a": 1}]


def test_null_is_a_record_when_it_is_alone_in_a_csv_line():
    schema = {"columns": [{"name": "a"}], "nulls": ["-"]}
    outcome = through(b"a\nx\n-\ny\n", "f.csv", schema=schema, output={"format": "csv"})
    assert outcome.payload == b'a\nx\n""\ny\n'


@pytest.mark.parametrize(
    "line", [b'{"a":"' + b"x" * 1016 + b'"}', b'{"a":1}' + b" " * 2000, b" " * 2000, b'{"a":"' + b"x" * 1015 + b'"}']
)
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_json_line_is_too_long_or_not_wherever_blocks_are_cut(line, end):
    data = b'{"b":0}\n' + line + end + b'{"b":1}\n'
    outcomes = [through(data, "f.jsonl", block=block, max_record_bytes=1024) for block in (1, 1000, 1 << 20)]
    assert [outcome.codes for outcome in outcomes] == [["too_long"] if len(line + end) > 1024 else []] * 3
    assert len({outcome.payload for outcome in outcomes}) == 1
    assert len({tuple(reject.model_dump_json() for reject in outcome.rejects) for outcome in outcomes}) == 1


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_csv_reject_is_the_same_wherever_blocks_are_cut(end):
    data = b"a,b" + end + b"x" * 1021 + b",y" + end + b"1,2" + end
    outcomes = [through(data, "f.csv", block=block, max_record_bytes=1024) for block in (1, 1000, 1 << 20)]
    assert len({tuple(reject.model_dump_json() for reject in outcome.rejects) for outcome in outcomes}) == 1


@pytest.mark.parametrize(
    ("data", "key", "config", "code"),
    [
        (b"\x00row,a,bbbbbbbbbbbbb\n1,2,3\n", "f.csv", {}, "column_unusable"),
        (b"a,b\n1,2\n", "f.csv", {"transforms": [{"derive": {"\x00row": "1"}}]}, "column_unusable"),
        # Arrow ends a name at a NUL, and polars panics.
        ("a,x\x00y\n1,2\n".encode("utf-16"), "f.csv", {}, "column_unusable"),
        (b'{"a":1}\n', "f.jsonl", {"schema": {"columns": [{"name": "x\x00y"}]}}, "column_unusable"),
        (
            b'{"_extra":1,"b":2}\n',
            "f.jsonl",
            {"schema": {"columns": [{"name": "_extra"}]}, "output": {"format": "csv"}},
            "column_taken",
        ),
    ],
)
def test_dataset_is_refused_when_a_column_takes_a_name_of_the_pipeline(data, key, config, code):
    with pytest.raises(DatasetUnusable) as caught:
        through(data, key, **config)
    assert caught.value.code == code


@pytest.mark.parametrize("fmt", ["jsonl", "csv"])
def test_record_is_a_reject_when_a_derived_number_is_not_finite(fmt):
    columns = [{"name": "a", "type": "float"}, {"name": "b", "type": "float"}]
    steps = [{"derive": {"c": "a / b"}}]
    data = b"a,b\n1,0\n1,2\n0,0\n,1\n"
    outcome = through(data, "f.csv", schema={"columns": columns}, transforms=steps, output={"format": fmt})
    assert (outcome.codes, outcome.tally.written) == (["out_of_range"] * 2, 2)
    assert [(reject.offset, reject.column, reject.stage.value) for reject in outcome.rejects] == [
        (4, "c", "transform"),
        (12, "c", "transform"),
    ]


@pytest.mark.parametrize(("limit", "written"), [(1e16, 2), (1e22, 2), (1000, 1), (0.0001, 0), (1e37, 2)])
def test_decimal_limit_holds_when_it_is_written_with_an_exponent(limit, written):
    schema = {"columns": [{"name": "d", "type": "decimal", "precision": 20, "scale": 2, "max": limit}]}
    assert through(b"d\n5.00\n1234.5\n", "f.csv", schema=schema).tally.written == written


@pytest.mark.parametrize("limit", [1e300, 1e-50])
def test_dataset_is_refused_when_a_decimal_limit_has_too_many_digits(limit):
    schema = {"columns": [{"name": "d", "type": "decimal", "precision": 20, "scale": 2, "min": limit}]}
    with pytest.raises(DatasetUnusable) as caught:
        through(b"d\n5.00\n", "f.csv", schema=schema)
    assert caught.value.code == "bad_limit"

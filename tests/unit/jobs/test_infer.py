"""The rules of inference, and that the same bytes give the same schema."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haulier.contracts.dataset import Dataset
from haulier.contracts.limits import MAX_READING_BYTES
from haulier.contracts.run import Reading
from haulier.jobs.infer import with_inferred
from haulier.jobs.peek import PeekError, peek


def read(head: bytes, key: str = "f.csv", *, complete: bool = True, **config) -> Reading:
    config = {"schema": {"infer": True}, **config}
    dataset = Dataset.model_validate({"name": "d", **config})
    return peek(head, key=key, complete=complete, compression="none", dataset=dataset)


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["1", "-20", "0", ""], "integer"),
        (["999999999999999999", "-999999999999999999"], "integer"),
        (["1234567890123456789"], "string"),
        (["007", "12"], "string"),
        (["+5"], "string"),
        (["1 000"], "string"),
        (["1.5", "2"], "float"),
        (["1.50", "2.25"], "float"),
        (["-0", "-0.3", "2"], "float"),
        (["-0"], "float"),
        (["1.9", "1.10"], "string"),
        (["1e-07", "2.5E10"], "float"),
        (["7E10"], "string"),
        (["0.1234567890123456789"], "string"),
        (["123456789012345678", "1.5"], "string"),
        (["NaN"], "string"),
        (["true", "False"], "boolean"),
        (["yes", "no"], "string"),
        (["0", "1"], "integer"),
        (["true", "1"], "string"),
        (["2024-02-29", ""], "date"),
        (["2023-02-29"], "string"),
        (["01/02/2024"], "string"),
        (["2024-01-01T10:00:00Z", "2024-01-01 10:00:00.5+02:00"], "timestamp"),
        (["2024-01-01T10:00:00", "2024-01-01 10:00:00.123456"], "timestamp"),
        (["2024-01-01T10:00:00Z", "2024-01-01T10:00:00"], "string"),
        (["2024-01-01T10:00:00.123456789Z"], "string"),
        (["2024-01-01", "2024-01-01T10:00:00"], "string"),
        (["1", "x"], "string"),
        (["", ""], "string"),
        ([], "string"),
    ],
)
def test_a_column_is_what_all_its_values_are_when_delimited_text_is_read(texts, kind):
    assert read(b"n,c\n" + "".join(f"x,{text}\n" for text in texts).encode()).inferred == {"n": "string", "c": kind}


@pytest.mark.parametrize(
    ("values", "types"),
    [
        ("1 -2 null", {"c": "integer"}),
        ("1 2.5", {"c": "float"}),
        ("1.10 1.9 1E5", {"c": "float"}),
        ("1234567890123456789", {"c": "string"}),
        ('"1" "2"', {"c": "string"}),
        ('1 "x"', {"c": "string"}),
        ('"2024-01-01"', {"c": "date"}),
        ('"2024-01-01T00:00:00Z"', {"c": "timestamp"}),
        ("true false", {"c": "boolean"}),
        ('"true"', {"c": "string"}),
        ('{"a":1}', {}),
        ("1 [1]", {}),
        ("null", {}),
        ("NaN", {}),
    ],
)
@pytest.mark.parametrize("key", ["f.jsonl", "f.json"])
def test_a_field_is_what_all_its_values_are_when_json_is_read(values, types, key):
    records = [f'{{"c":{value}}}' for value in values.split(" ")]
    data = "\n".join(records) + "\n" if key == "f.jsonl" else f"[{', '.join(records)}]"
    assert read(data.encode(), key, format={"type": key[2:]}).inferred == types


def test_nulls_are_no_values_when_the_schema_names_them():
    schema = {"infer": True, "nulls": ["NA", "-"]}
    assert read(b"a,b\n1,-\nNA,2\n", schema=schema).inferred == {"a": "integer", "b": "integer"}
    assert read(b'{"a":"-"}\n{"a":5}\n', "f.jsonl", schema=schema).inferred == {"a": "integer"}


def test_records_that_will_be_rejects_say_nothing_when_types_are_inferred():
    assert read(b'a,b\n1,2\nx\ny,z,w\n\xff,\xff\n3,4\n5,"6\n').inferred == {"a": "integer", "b": "integer"}
    assert read(b'{"a":1}\nnot json\n["x"]\n{"a":NaN}\n', "f.jsonl").inferred == {"a": "integer"}


@pytest.mark.parametrize(
    "record",
    [
        b'{"a":NaN}', b'{"a":-Infinity}', b'{"a":1e999}', b'{"a":' + b"9" * 309 + b"}", b'{"a":"x\xff"}',
        b'{"a":"\\ud800"}', b'{"a":"\\uDC00\\ud800"}', b'{"\\ud83dx":1,"a":"x"}', b'{"a":"' + b"x" * 2000 + b'"}',
    ],
)  # fmt: skip
def test_a_json_record_says_nothing_when_the_worker_will_refuse_it(record):
    # The records on both sides of it are heard.
    limit = {"max_record_bytes": 1024}
    wanted = {"a": "integer", "b": "integer"}
    assert read(b'{"a":1}\n' + record + b'\n{"b":1}\n', "f.jsonl", **limit).inferred == wanted
    assert read(b'[{"a":1},' + record + b',{"b":1}]', "f.json", **limit).inferred == wanted


def test_a_json_record_is_heard_when_its_escapes_are_whole():
    record = b'{"a":"\\ud83d\\ude00","b":"\\\\ud800"}'
    assert read(record, "f.jsonl").inferred == {"a": "string", "b": "string"}


def test_a_delimited_record_says_nothing_when_it_is_longer_than_the_dataset_allows():
    data = b"a\n1\n" + b"x" * 2000 + b"\n"
    assert read(data, max_record_bytes=1024).inferred == {"a": "integer"}
    assert read(data).inferred == {"a": "string"}


def test_a_field_is_left_as_it_is_when_no_column_can_have_its_name():
    assert read(b'{"x\\u0000y":1,"\\u0000":1,"":1,"a":2}\n', "f.jsonl").inferred == {"a": "integer"}


def test_the_last_record_says_nothing_when_it_may_be_cut_off():
    assert read(b"a,b\n1,2\n3,4x", complete=False).inferred == {"a": "integer", "b": "integer"}
    assert read(b"a,b\n1,2\n3,4x", complete=True).inferred == {"a": "integer", "b": "string"}
    assert read(b'[{"a":1},{"a":"x', "f.json", complete=False).inferred == {"a": "integer"}


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252", "latin-1", "utf-8-sig"])
def test_names_and_values_are_decoded_when_the_file_is_not_utf8(encoding):
    named = {"cp1252": "cp1252", "latin-1": "latin-1"}.get(encoding, "auto")
    data = "größe,n\n1,é\n".encode(encoding)
    assert read(data, format={"encoding": named}).inferred == {"größe": "integer", "n": "string"}
    data = '{"größe":1,"n":"é"}\n'.encode(encoding)
    assert read(data, "f.jsonl", format={"encoding": named}).inferred == {"größe": "integer", "n": "string"}


def test_leaves_are_inferred_when_records_are_flattened():
    data = b'{"id":1,"user":{"name":"Ann","born":"1990-01-01","tags":[]}}\n{"id":2,"user":null}\n'
    reading = read(data, "f.jsonl", transforms=[{"flatten": {}}])
    assert reading.inferred == {"id": "integer", "user.name": "string", "user.born": "date"}
    (remark,) = reading.remarks
    assert remark == (
        "schema inferred from all 2 records: id integer, user.name string, user.born date; left as they are (nested, "
        "or only nulls): user.tags, user"
    )


def test_given_and_added_columns_are_left_out_when_others_are_inferred():
    schema = {"infer": True, "columns": [{"name": "b", "type": "decimal", "precision": 9, "scale": 2}]}
    dataset = Dataset.model_validate({"name": "d", "schema": schema, "enrich": ["_job_id"]})
    reading = peek(b"a,b,_job_id\n1,2,3\n", key="f.csv", complete=True, compression="none", dataset=dataset)
    assert reading.inferred == {"a": "integer"}
    columns = with_inferred(dataset, reading).schema_.columns
    assert [(column.name, column.type, column.exact) for column in columns] == [
        ("b", "decimal", False),
        ("a", "integer", True),
    ]


def test_a_remark_says_so_when_few_records_were_seen():
    assert "so few may mislead" in read(b"a,b\n1,2\n3,4", complete=False).remarks[0]
    assert "so few" not in read(b"a,b\n1,2\n3,4").remarks[0]
    assert "so few" not in read(b"a,b\n" + b"1,2\n" * 101, complete=False).remarks[0]


def test_the_remark_stays_short_when_there_are_many_columns():
    header = ",".join(f"{'n' * 90}{n}" for n in range(500))
    (remark,) = read(f"{header}\n".encode()).remarks
    assert len(remark) < 1200
    assert remark.endswith("and 480 more (see the manifest)")


def test_the_file_is_refused_when_its_schema_would_not_fit_in_the_run():
    head = json.dumps({f"key {n:06}": n for n in range(20_000)}).encode()
    with pytest.raises(PeekError) as refused:
        read(head, "f.jsonl")
    assert refused.value.code == "schema_too_wide"
    assert f"{MAX_READING_BYTES // 1024} KiB" in str(refused.value)


@given(st.binary(max_size=200), st.booleans(), st.sampled_from(["csv", "jsonl", "json"]), st.booleans())
@settings(deadline=None)
def test_any_bytes_give_one_reading_that_can_be_stored(body, complete, kind, flatten):
    head = b'x,"y"\n' + body if kind == "csv" else b'{"a":1}\n' + body if kind == "jsonl" else b"[" + body
    config = {"format": {"type": kind}, "transforms": [{"flatten": {}}] if flatten else []}
    try:
        reading = read(head, f"f.{kind}", complete=complete, **config)
    except PeekError:
        return
    assert reading == read(head, f"f.{kind}", complete=complete, **config)
    assert Reading.model_validate_json(reading.to_json()) == reading


def test_a_reading_is_stored_when_a_field_is_half_a_character():
    reading = read(b'{"\\ud800":1,"a":"x"}\n{"a":2}\n', "f.jsonl")
    assert Reading.model_validate_json(reading.to_json()).inferred == {"a": "integer"}

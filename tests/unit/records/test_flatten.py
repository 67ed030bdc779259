"""Nested records flattened, held against a plain definition over parsed values, wherever blocks and chunks are cut."""

import io
import json
from itertools import pairwise

import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from haulier.contracts.dataset import Dataset, Flattening
from haulier.contracts.reject import Reject, RejectCode
from haulier.jobs.flatten import GROWTH, Unflattened, flattened
from haulier.jobs.infer import with_inferred
from haulier.jobs.peek import peek
from worker.records import BlockProcessor, DatasetUnusable, Encoder, Facts, cutter_for, read_from

FACTS = Facts(job_id="j1", source="s3://in/incoming/x", accepted_at_ms=0)


class Number(str):
    """A number's own text."""

    __slots__ = ()


def _loads(line: bytes | str):
    return json.loads(line, parse_float=Number, parse_int=Number)


def _dumps(value) -> str:
    """JSON with numbers as the texts they are."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {_dumps(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_dumps, value)) + " ]"
    return json.dumps(value)


def _written(data: bytes, key: str, cuts: list[int], block: int, **config) -> tuple[bytes, list[Reject]]:
    """The object through the record path, cut into chunks at `cuts` and into blocks of `block` bytes."""
    dataset = Dataset.model_validate({"name": "d", "enrich": [], **config})
    reading = peek(data, key=key, complete=True, compression="none", dataset=dataset)
    processor = BlockProcessor(reading=reading, dataset=with_inferred(dataset, reading), facts=FACTS)
    encoder = Encoder(dataset.output, header=processor.header, schema=processor.schema)
    edges = [0, *sorted({cut % (len(data) + 1) for cut in cuts} - {0, len(data)}), len(data)]
    payload, rejects, following = b"", b"", reading.body_start
    for start, end in pairwise(edges):
        given_start = reading.body_start if start == 0 else None
        cutter = cutter_for(
            reading, start=start, end=end, given=given_start, max_record_bytes=1 << 20, block_bytes=block
        )
        blocks = []
        if not cutter.done:
            blocks = cutter.feed(data[read_from(reading, start=start, given=given_start) :])
        blocks += [] if cutter.done else cutter.finish()
        if cutter.first is not None and cutter.first < end:
            assert cutter.first == following
            following = cutter.next
        for one in blocks:
            processed = processor.process(one)
            payload += encoder.feed(processed)
            rejects += processed.rejects
    return payload + encoder.finish(), [Reject.model_validate_json(line) for line in rejects.splitlines()]


keys = st.sampled_from(["a", "b", "c", "a.b", "b_c", "", "é", 'q"', "{", "x,y"])
numbers = st.sampled_from(["0", "-0", "1.10", "12345678901234567890123", "1E300", "0.1000000000000000055"]).map(Number)
leaves = st.none() | st.booleans() | numbers | st.text(max_size=4)
nested = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=3), max_leaves=12
)
records = st.lists(st.dictionaries(keys, nested, max_size=4), max_size=8)
ways = st.builds(
    Flattening,
    columns=st.none() | st.lists(keys, max_size=3).map(tuple),
    separator=st.sampled_from([".", "_", "__"]),
    max_depth=st.integers(1, 4),
)


def _plain(record: dict, how: Flattening, above: str = "", depth: int = 1) -> list[tuple[str, object]]:
    """The definition, as docs/datasets.md words it."""
    fields = []
    for key, value in record.items():
        wanted = depth > 1 or how.columns is None or key in how.columns
        if isinstance(value, dict) and value and wanted and depth <= how.max_depth:
            fields += _plain(value, how, above + key + how.separator, depth + 1)
        else:
            fields.append((above + key, value))
    return fields


def _twice(fields: list[tuple[str, object]]) -> bool:
    return len({name for name, _ in fields}) < len(fields)


@given(records, ways, st.lists(st.integers(0, 2000), max_size=3), st.integers(1, 80))
@settings(max_examples=120, deadline=None)
def test_lines_are_those_of_the_plain_definition_wherever_they_are_cut(values, how, cuts, block):
    data = "".join(_dumps(value) + "\n" for value in values).encode()
    payload, rejects = _written(
        data, "f.jsonl", cuts, block, format={"type": "jsonl"}, transforms=[{"flatten": how.model_dump()}]
    )
    expected = [_plain(value, how) for value in values]
    assert [list(_loads(line).items()) for line in payload.splitlines()] == [
        fields for fields in expected if not _twice(fields)
    ]
    assert [reject.code for reject in rejects] == [RejectCode.NAME_TAKEN for fields in expected if _twice(fields)]
    assert {type(line) for fields in expected for _, line in fields} <= {type(None), bool, Number, str, list, dict}


@given(records, ways, st.integers(1, 80), st.sampled_from(["keep", "drop", "reject"]))
@settings(max_examples=120, deadline=None)
def test_listed_leaves_are_columns_and_all_others_follow_extra(values, how, block, extra):
    listed = ["a", f"a{how.separator}b"]
    schema = {"columns": [{"name": name} for name in listed], "nulls": [], "extra": extra}
    data = "".join(_dumps(value) + "\n" for value in values).encode()
    config = {"format": {"type": "jsonl"}, "schema": schema, "transforms": [{"flatten": how.model_dump()}]}
    payload, rejects = _written(data, "f.jsonl", [], block, **config)
    expected = []
    for fields in (_plain(value, how) for value in values):
        others = {name: value for name, value in fields if name not in listed}
        held = {name: dict(fields).get(name) for name in listed}
        nests = any(isinstance(value, dict | list) for value in held.values())
        if _twice(fields) or nests or (others and extra == "reject"):
            continue
        texts = {name: value if isinstance(value, str | None) else json.dumps(value) for name, value in held.items()}
        expected.append({**texts, **(others if extra == "keep" else {})})
    assert [_loads(line) for line in payload.splitlines()] == expected
    assert len(rejects) == len(values) - len(expected)


@given(records, st.integers(1, 80))
@settings(max_examples=100, deadline=None)
def test_a_table_has_the_inferred_leaves_and_keeps_the_rest_when_records_differ(values, block):
    data = json.dumps(values, default=str).encode()
    config = {"format": {"type": "json"}, "schema": {"infer": True, "nulls": []}, "output": {"format": "parquet"}}
    config["transforms"] = [{"flatten": {}}]
    payload, rejects = _written(data, "f.json", [], block, **config)
    table = pyarrow.parquet.read_table(io.BytesIO(payload))
    kept = [fields for fields in (_plain(value, Flattening()) for value in values) if not _twice(fields)]
    assert table.num_rows + len(rejects) == len(values)
    assert table.num_rows == len(kept)
    for row, fields in zip(table.to_pylist(), kept, strict=True):
        others = json.loads(row.pop("_extra") or "{}")
        assert set(others) | {name for name, value in row.items() if value is not None} == {
            name for name, value in fields if value is not None or name in others
        }


@pytest.mark.parametrize("output", [{"format": "parquet"}, {"format": "csv"}])
def test_tables_are_refused_when_the_dataset_lists_no_leaf(output):
    config = {"name": "d", "transforms": [{"flatten": {"columns": ["user"]}}], "output": output}
    with pytest.raises(ValidationError, match=r"list them in schema\.columns \(user\.b for instance\)"):
        Dataset.model_validate(config | {"schema": {"columns": [{"name": "other.id"}]}})
    Dataset.model_validate(config | {"schema": {"columns": [{"name": "user.id"}]}})
    Dataset.model_validate(config | {"schema": {"infer": True}})


def test_flatten_is_refused_when_another_transform_comes_first():
    with pytest.raises(ValidationError, match="once and before all others"):
        Dataset.model_validate({"name": "d", "transforms": [{"drop": ["a"]}, {"flatten": {}}]})


def test_flatten_is_refused_when_the_file_is_delimited():
    with pytest.raises(DatasetUnusable, match="this file is csv"):
        _written(b"a,b\n1,2\n", "f.csv", [], 100, transforms=[{"flatten": {}}])


def test_leaves_are_there_for_later_transforms_when_no_schema_lists_them():
    data = b'{"user":{"name":" Ann ","id":12345678901234567890},"n":1}\n{"user":null,"n":2}\n'
    transforms = [
        {"flatten": {}},
        {"trim": ["user.name"]},
        {"rename": {"user.name": "name"}},
        {"filter": '"user.id" is not null'},
    ]
    payload, _ = _written(data, "f.jsonl", [], 10, transforms=transforms)
    assert _loads(payload) == {"name": "Ann", "user.id": Number("12345678901234567890"), "n": Number("1")}


def test_a_record_is_rejected_when_its_names_would_fill_the_memory():
    wide = {"k" * 1000: {str(n): n for n in range(1000)}}
    data = (json.dumps(wide) + "\n" + '{"a":{"b":1}}\n').encode()
    payload, rejects = _written(data, "f.jsonl", [], 1 << 20, transforms=[{"flatten": {}}])
    assert payload == b'{"a.b":1}\n'
    assert [reject.code for reject in rejects] == [RejectCode.TOO_LONG]
    with pytest.raises(Unflattened, match=f"more than {GROWTH} times"):
        flattened(wide, Flattening(), size=len(json.dumps(wide)))


def test_a_long_record_grows_by_no_more_than_the_longest_record(monkeypatch):
    monkeypatch.setattr("haulier.jobs.flatten.MAX_RECORD_BYTES", 1_000)
    few, many = ({"k" * 100: {str(n): n for n in range(count)}} for count in (10, 20))
    assert len(flattened(few, Flattening(), size=len(json.dumps(few)))) == 10
    with pytest.raises(Unflattened, match="too long"):
        flattened(many, Flattening(), size=len(json.dumps(many)))


def test_deep_objects_stay_json_when_they_lie_below_the_depth():
    deep = '{"a":' * 600 + "1" + "}" * 600
    payload, rejects = _written(deep.encode() + b"\n", "f.jsonl", [], 1 << 20, transforms=[{"flatten": {}}])
    (name,) = _loads(payload)
    assert (name, rejects) == (".".join("a" * 11), [])

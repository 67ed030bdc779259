"""Records nobody looks into go through the same, whether a block is taken at once or one record after another."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from worker.records.block import Block
from worker.records.json_splice import JsonSplicer

FIXED = {"_processed_at": "2026-11-21T00:00:00.000Z", "_source_file": "s3://b/k"}
LIMIT = 400

names = st.sampled_from(["a", "b", "_source_file", "_processed_at", 'q"', "é"])
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(alphabet='a"\\{}[],:\n é', max_size=6)
)
objects = st.dictionaries(
    names, st.one_of(leaves, st.lists(leaves, max_size=2), st.dictionaries(names, leaves, max_size=2)), max_size=4
)
odd = st.sampled_from(
    [b"", b" ", b"{}", b"{ }", b"[1]", b"1", b'{"a":NaN}', b'{"a":1', b'{"a":"\xff"}', b' {"a":1} ', b'{"a":1,"a":2}',
     b'{"\\u005fsource_file":1}', b'{"a":1}{"a":2}', b'"}"', b'{"a":\r1}', b'{"a":"' + b"x" * LIMIT + b'"}',
     b"[" * 2000]
)  # fmt: skip
texts = st.one_of(
    st.builds(lambda value, ascii_only: json.dumps(value, ensure_ascii=ascii_only).encode(), objects, st.booleans()),
    st.builds(lambda value: json.dumps(value, separators=(",", ":")).encode(), objects),
    odd,
)


def splicer(enrich: list[str], *, lines: bool, limit: int = 10**6) -> JsonSplicer:
    return JsonSplicer(lines=lines, enrich=enrich, fixed=FIXED, encoding="utf-8", limit=limit)


def told(found: tuple) -> tuple:
    text, read, written, places, rejects = found
    rows = list(range(read))
    return text, read, written, places.offsets(rows), [places.raw(row) for row in rows], rejects


@given(
    st.lists(texts, max_size=6),
    st.sampled_from([b"\n", b"\r\n", b"\n\n", b" \n"]),
    st.booleans(),
    st.sampled_from([[], ["_processed_at", "_source_file"], ["_source_file", "_record_offset"]]),
    st.sampled_from([LIMIT, 10**6]),
)
@settings(max_examples=400, deadline=None)
def test_lines_go_through_the_same_when_taken_at_once(records, end, ended, enrich, limit):
    data = end.join(records) + (end if ended else b"")
    made = splicer(enrich, lines=True, limit=limit)
    assert told(made.splice(Block(data, 7))) == told(made._one_by_one(Block(data, 7)))


@given(
    st.lists(st.one_of(texts, st.builds(lambda value: json.dumps(value, indent=1).encode(), objects)), max_size=6),
    st.sampled_from([b",", b", ", b",\n", b"\n,\n  ", b" ", b"", b",,"]),
    st.sampled_from([[], ["_processed_at", "_source_file"], ["_source_file", "_record_offset"]]),
)
@settings(max_examples=400, deadline=None)
def test_elements_go_through_the_same_when_taken_at_once(records, between, enrich):
    data = between.join(records).strip(b" \t\r\n,")
    made = splicer(enrich, lines=False)
    assert told(made.splice(Block(data, 7))) == told(made._one_by_one(Block(data, 7)))


def test_nested_objects_do_not_part_a_record_when_they_are_written_like_the_records():
    data = b'{"a":[{"b":1},{"b":2}]},{"a":[]}'
    text, read, *_ = splicer([], lines=False).splice(Block(data, 0))
    assert (text, read) == (b'{"a":[{"b":1},{"b":2}]}\n{"a":[]}\n', 2)

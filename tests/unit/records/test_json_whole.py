"""Records taken many at once are those that are taken one by one: what msgspec lets pass, orjson does too."""

import json

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.records import json_block, json_whole
from worker.records.block import Block
from worker.records.cut_json import JsonCutter
from worker.records.json_block import JsonReader
from worker.records.json_columns import as_values, texts_of
from worker.records.json_splice import JsonSplicer
from worker.records.json_whole import likely_boundary, may_be_wrong, taken, whole_lines, whole_values
from worker.records.structure import structure

marks = st.sampled_from(
    [b"{", b"}", b"[", b"]", b":", b",", b'"', b'"a"', b'"a":1', b"\\", b"\\u", b"d800", b"\\ud83d\\ude00", b"0", b"-",
     b"1", b".5", b"e5", b"E+400", b"e309", b"9" * 320, b"true", b"null", b"nul", b"NaN", b" ", b"\n", b"\r", b"\t",
     b"\x00", b"\x7f", b"\xff", b"\xc3\xa9", b"\xed\xa0\x80", b"\xc0\x80", b"\xef\xbb\xbf", b"{}", b"{ }", b"/*", b"'"]
)  # fmt: skip
scrawl = st.lists(marks, max_size=8).map(b"".join)
numbers = st.one_of(
    st.sampled_from(["-0", "0", "1.50", "1e5", "1E-7", "-0.0", "1e400", "9" * 320, "123456789012345678901234567890"]),
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
)
leaves = st.one_of(
    numbers,
    st.sampled_from(["true", "false", "null", '"null"', '""', '"\\u0061\\n"', '"\\ud83d\\ude00"', '"\\ud800"', '" "']),
    st.text(alphabet='ab"\\,{}[]:\n\u2028é\x7f', max_size=5).map(lambda text: json.dumps(text, ensure_ascii=False)),
)
nested = st.one_of(
    leaves,
    st.lists(leaves, max_size=2).map(lambda all_: f"[{', '.join(all_)}]"),
    leaves.map(lambda one: f'{{"a":{one}}}'),
)
names = st.sampled_from(["a", "\\u0061", "b", "c.d", "é"])
members = st.tuples(names, st.sampled_from([":", ": "]), nested).map(lambda part: f'"{part[0]}"{part[1]}{part[2]}')
objects = st.lists(members, max_size=4).map(lambda all_: "{" + ",".join(all_) + "}")
broken = st.sampled_from(
    [b"", b" ", b"\r", b"[1]", b"1", b'{"a":1', b'"b":2}', b'{"a":1},{"a":2}', b'{"a":"', b'{"a":"\xff"}', b' {"a":1} ',
     b'{"a":NaN}', b'{"a":[', b"]}", b'{"a":\r1}', b'{"a":1}{"a":2}', b'{"a":' + b"[" * 1100 + b"]" * 1100 + b"}"]
)  # fmt: skip
records = st.one_of(objects.map(str.encode), objects.map(str.encode), objects.map(str.encode), broken)


@pytest.fixture(params=[1, 40, 10**6])
def parted(request, monkeypatch):
    """Pieces so small that each of them is parted, and so large that none is."""
    monkeypatch.setattr(json_whole, "_FEW", request.param)
    monkeypatch.setattr(json_block, "_PROBE", 1)
    monkeypatch.setattr(json_whole.pieces, "__defaults__", (request.param,))


def _loads(text: bytes) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


@given(st.lists(scrawl, min_size=1, max_size=3).map(b",".join))
@settings(max_examples=600, deadline=None)
def test_values_are_sure_only_when_orjson_reads_them(text):
    raws = whole_values(text, sure=False)
    if raws is not None:
        assert _loads(b"[" + text + b"]")
        assert all(_loads(bytes(raw)) for raw in raws)
    elif _loads(b"[" + text + b"]"):
        assert may_be_wrong(text)


@given(st.lists(st.one_of(records, scrawl), max_size=5).map(b"\n".join))
@settings(max_examples=300, deadline=None)
def test_lines_are_sure_only_when_each_is_an_object(lines):
    count = whole_lines(lines, sure=False)
    if count is not None:
        found = [orjson.loads(line) for line in lines.removesuffix(b"\n").split(b"\n")]
        assert len(found) == count
        assert all(type(one) is dict for one in found)


@pytest.mark.parametrize(
    "lines",
    [
        b'{"a":1},{"b":2}\n{"a":[{"c":1}\n{"d":2}]}\n',
        b'{"a":[{"c":1}\n{"d":2}]}\n{"a":1},{"b":2}',
        b'{"a":1},{"b":2}\n{"a":1\n"b":{}}\n',
        b'{"a":1}\n[1]\n',
        b'{"a":1}\n\n{"a":1}\n',
        b"\n",
    ],
)
def test_lines_are_not_sure_when_the_faults_of_two_make_up_for_each_other(lines):
    assert whole_lines(lines, sure=True) is None


def test_a_field_gives_way_to_the_enrichment_when_its_name_is_spelled_with_escapes():
    splicer = JsonSplicer(lines=True, enrich=["_source_file"], fixed={"_source_file": "s"}, encoding="utf-8", limit=99)
    text, *_ = splicer.splice(Block(b'{"\\u005fsource_file":1,"\\"":2}\n', 0))
    assert text == b'{"\\"":2,"_source_file":"s"}\n'


@pytest.mark.parametrize("depth", [1000, 1023, 1024, 1025, 3000])
def test_the_depth_of_a_value_is_orjsons_when_it_is_sure(depth):
    text = b"[" * depth + b"]" * depth
    assert whole_values(text, sure=False) is None or _loads(text)


@pytest.mark.parametrize("number", ["1e400", "-1E+309", "9" * 320, "1" * 250 + "e99", "0." + "0" * 400 + "1e999"])
@pytest.mark.parametrize("at", range(0, 17, 4))
def test_a_number_is_doubtful_when_no_double_may_hold_it(number, at):
    assert may_be_wrong(b'{"' + b"x" * at + b'":' + number.encode() + b"}")


@pytest.mark.parametrize(
    "text", ['{"id":"1e400","at":"2026-11-21","n":12345.678e10,"b":12}', '{"x":"' + "5" * 400 + '"}']
)
def test_a_string_is_not_doubtful_when_it_looks_like_a_number(text):
    assert not may_be_wrong(text.encode())


@given(st.lists(st.sampled_from([b"a", b"bb", b"x", b"", b"longer than most"]), max_size=30), st.booleans())
def test_all_lines_are_taken_in_order_when_some_cannot_be_at_once(lines, ended):
    data = b"\n".join(lines) + (b"\n" if ended else b"")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(json_whole, "_FEW", 4)
        patched.setattr(json_whole.pieces, "__defaults__", (9,))
        found = [*taken(data, lambda piece: None if b"x" in piece else len(piece))]
    assert b"".join(piece for piece, _ in found) == data
    assert all(size == (None if b"x" in piece else len(piece)) for piece, size in found)


def _reader(listed, extra, *, lines, limit=1 << 20):
    return JsonReader(
        lines=lines,
        listed=listed,
        floats=frozenset(),
        named=(),
        extra=extra,
        taken=("b",),
        encoding="utf-8",
        limit=limit,
    )


def _told(parsed):
    rows = range(parsed.read)
    places = parsed.places
    return (
        parsed.frame.schema, parsed.frame.to_dicts(), parsed.read, parsed.rejects, places.offsets(rows),
        [places.raw(row) for row in rows],
    )  # fmt: skip


listed_ = st.sampled_from([("a",), ("a", "b"), ("c.d", "é", "a"), ("nothing",), ('q"', "a")])
extras = st.sampled_from(["keep", "drop", "reject"])


@pytest.mark.parametrize("extra", ["keep", "drop", "reject"])
def test_columns_are_the_same_when_most_records_have_fields_nobody_listed(extra):
    data = b"".join(b'{"a":%d,"x":"y"}\n' % n if n % 9 else b'{"a":"%d"}\n{"a":[%d]}\n' % (n, n) for n in range(3000))
    reader = _reader(("a",), extra, lines=True)
    assert _told(reader.parse(Block(data, 7))) == _told(reader._one_by_one(Block(data, 7)))


@pytest.mark.parametrize("lines", [True, False])
def test_columns_are_the_same_when_a_large_block_holds_odd_records_here_and_there(lines):
    odd = [b'{"a":"q\\"","b":null}', b'{"a":[1, 2]}', b"[1]", b'{"a":1.50,"x":{"y":[ 1 ]}}', b"{}"]
    all_ = [odd[n // 97 % 5] if n % 97 == 5 else b'{"a": %d, "b": "t%d"}' % (n, n) for n in range(20_000)]
    reader = _reader(("a", "b"), "keep", lines=lines)
    block = Block((b"\n" if lines else b",\n").join(all_), 7)
    assert _told(reader.parse(block)) == _told(reader._one_by_one(block))


@pytest.mark.usefixtures("parted")
class TestParted:
    @given(st.lists(records, max_size=8), st.sampled_from([b"\n", b"\r\n", b"\n\n"]), st.booleans(), listed_, extras)
    @settings(max_examples=120, deadline=None)
    def test_lines_give_the_same_columns_when_taken_at_once(self, all_, end, ended, listed, extra):
        block = Block(end.join(all_) + (end if ended else b""), 7)
        reader = _reader(listed, extra, lines=True)
        assert _told(reader.parse(block)) == _told(reader._one_by_one(block))

    @given(st.lists(records, max_size=8), st.sampled_from([b",", b",\n", b" , ", b"\n"]), listed_, extras)
    @settings(max_examples=120, deadline=None)
    def test_elements_give_the_same_columns_when_taken_at_once(self, all_, between, listed, extra):
        block = Block(between.join(all_).strip(b" \t\r\n,"), 7)
        reader = _reader(listed, extra, lines=False)
        assert _told(reader.parse(block)) == _told(reader._one_by_one(block))

    @given(
        st.lists(records, max_size=8),
        st.sampled_from([b"\n", b"\r\n", b",", b",\n", b" , "]),
        st.booleans(),
        st.sampled_from([[], ["_source_file", "_processed_at"]]),
    )
    @settings(max_examples=120, deadline=None)
    def test_records_go_through_the_same_when_taken_at_once(self, all_, between, lines, enrich):
        data = between.join(all_)
        block = Block(data if lines else data.strip(b" \t\r\n,"), 7)
        fixed = {"_source_file": "s3://b/k", "_processed_at": "now"}
        splicer = JsonSplicer(lines=lines, enrich=enrich, fixed=fixed, encoding="utf-8", limit=1 << 20)
        found, plain = splicer.splice(block), splicer._one_by_one(block)
        assert found[:3] + found[4:] == plain[:3] + plain[4:]
        rows = range(found[1])
        assert found[3].offsets(rows) == plain[3].offsets(rows)
        assert [found[3].raw(row) for row in rows] == [plain[3].raw(row) for row in rows]


@given(st.lists(st.none() | st.text(alphabet='nul"\\\n\x00 é', max_size=5), min_size=1, max_size=6))
def test_texts_are_what_they_were_when_they_have_been_values(texts):
    assert texts_of(as_values(texts), len(texts)).to_list() == texts


@given(
    st.lists(objects.map(str.encode), min_size=1, max_size=8),
    st.sampled_from([b",", b",\n", b" , "]),
    st.integers(0, 40),
)
@settings(max_examples=300, deadline=None)
def test_a_likely_boundary_is_one_when_the_text_goes_on(all_, between, less):
    data = between.join(all_)
    window = data[: len(data) - less] or data
    end = likely_boundary(window)
    if end >= 0:
        assert end in structure(window).boundaries.to_list()


def test_a_window_is_cut_at_the_last_whole_record_when_records_hold_objects():
    data = b",".join(b'{"n":%d,"in":{"a":[1]},"all":[{"b":1},{"b":2}]}' % n for n in range(40))
    cutter = JsonCutter(base=0, limit=10**6, block_bytes=500)
    blocks = cutter.feed(b"[" + data + b"]") + cutter.finish()
    assert [block.fault for block in blocks] == [None] * len(blocks)
    assert [one["n"] for block in blocks for one in orjson.loads(b"[" + block.data + b"]")] == [*range(40)]

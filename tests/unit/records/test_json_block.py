"""A record whose numbers may be read gives what its text gives."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haulier.contracts.dataset import Flattening
from worker.records.block import Block
from worker.records.json_block import JsonReader
from worker.records.json_text import is_plain
from worker.records.parsed import HIDDEN, RAW, REST

numbers = (
    st.integers(-(2**64), 2**66).map(str)
    | st.floats(allow_nan=False, allow_infinity=False).map(repr)
    | st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**12), max_value=10**12).map(str)
    | st.sampled_from(["-0", "0", "-0.0", "1.0", "1.00", "10.50", "0.00001", "0.0001", "1E5", "7e-2", "0.10", "100"])
)
keys = st.sampled_from(["a", "b", "a.b", "n"])
leaves = numbers | st.booleans().map(json.dumps) | st.text(max_size=5).map(json.dumps) | st.just("null")
white = st.sampled_from(["", " "])


def _object(inner):
    pairs = st.lists(st.tuples(keys, white, inner).map(lambda pair: f'"{pair[0]}":{pair[1]}{pair[2]}'), max_size=3)
    return pairs.map(lambda members: "{" + ",".join(members) + "}")


values = st.recursive(
    leaves,
    lambda inner: _object(inner) | st.lists(inner, max_size=2).map(lambda all_: f"[{','.join(all_)}]"),
    max_leaves=8,
)


def _read(data: bytes, **how):
    reader = JsonReader(
        lines=True, listed=how["listed"], floats=frozenset(), named=how["named"], extra=how["extra"], taken=("b",),
        encoding="utf-8", limit=1 << 20, flattening=how["flattening"],
    )  # fmt: skip
    parsed = reader.parse(Block(data, 0))
    rows = []
    for row in parsed.frame.to_dicts():
        shown = {}
        for name, value in row.items():
            as_json = name.startswith(RAW) and value is not None
            if name == REST or as_json:
                text = "{" + value + "}" if name == REST else value
                value = json.loads(text, parse_float=str, parse_int=str)  # noqa: PLW2901 - in its place
                value = list(value.items()) if isinstance(value, dict) else value  # noqa: PLW2901 - likewise
            elif not name.startswith(HIDDEN) and name in how["named"] and value and value[0] in "{[":
                value = json.loads(value, parse_float=str, parse_int=str)  # noqa: PLW2901 - likewise
            shown[name] = value
        rows.append(shown)
    return rows, [(reject.row, reject.code, reject.column, reject.message) for reject in parsed.rejects]


@given(
    st.lists(_object(values), max_size=6),
    st.sampled_from([(), ("a",), ("n", "a.b")]),
    st.sampled_from([(), ("b",), ("a.b",)]),
    st.sampled_from(["keep", "drop", "reject"]),
    st.none() | st.builds(Flattening, max_depth=st.integers(1, 3)),
)
@settings(max_examples=120, deadline=None)
def test_values_and_texts_give_the_same_columns(records, listed, named, extra, flattening):
    data = "".join(record + "\n" for record in records).encode()
    named = tuple(name for name in named if name not in listed) if extra == "keep" else ()
    how = {"listed": listed, "named": named, "extra": extra, "flattening": flattening}
    found = _read(data, **how)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(JsonReader, "_values", lambda *_: None)
        assert _read(data, **how) == found


@given(numbers, st.sampled_from(['{"a":%s}', '{"a": %s}', '{"a":[%s]}', '{"a":[1, %s ],"b":2}', '{"a":\t%s}']))
@settings(max_examples=500, deadline=None)
def test_a_plain_number_is_written_as_it_was_when_it_is_read(number, record):
    raw = record % number
    if is_plain(raw.encode()):
        assert json.dumps(json.loads(number)) == number


@pytest.mark.parametrize(
    "text",
    ['"2024-01-01T00:00:00Z"', '"3f2504e0-4f89-41d3-9a0c-0305e82c3301"', "1.5", "-12", "1234567890123456", "1.0"],
)
def test_what_is_common_is_plain(text):
    assert is_plain(b'{"a":%b,"b":"x"}' % text.encode())

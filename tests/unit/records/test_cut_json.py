"""A JSON array is cut into its elements, wherever the bytes are cut."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from haulier.contracts.reject import RejectCode
from haulier.contracts.run import Reading
from worker.records.block import Block
from worker.records.cutting import cutter_for
from worker.records.structure import JsonState, structure, value_spans

values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(alphabet='a"\\[]{},: \né', max_size=6)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text('k"\\[', max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)
sizes_ = st.lists(st.integers(1, 9), min_size=1, max_size=4)


def cut(data: bytes, sizes: list[int], block: int, limit: int = 10**6) -> list[Block]:
    cutter = cutter_for(
        Reading(type="json", splittable=False),
        start=0,
        end=len(data),
        given=0,
        max_record_bytes=limit,
        block_bytes=block,
    )
    blocks, at, n = [], 0, 0
    while at < len(data):
        blocks += cutter.feed(data[at : at + sizes[n % len(sizes)]])
        at += sizes[n % len(sizes)]
        n += 1
    blocks += cutter.finish()
    assert cutter.done
    assert (cutter.first, cutter.next) == (0, len(data))
    return blocks


def elements(blocks: list[Block]) -> list[tuple[int, bytes]]:
    return [
        (block.offset + start, block.data[start:end])
        for block in blocks
        if not block.fault
        for start, end in value_spans(block.data)
    ]


@given(st.lists(values, max_size=8), sizes_, st.integers(1, 60), st.sampled_from([None, 1, 3]))
@settings(max_examples=400, deadline=None)
def test_elements_are_those_of_the_array_when_cut_anywhere(array, sizes, block, indent):
    data = json.dumps(array, indent=indent, ensure_ascii=False).encode()
    blocks = cut(data, sizes, block)
    assert [block for block in blocks if block.fault] == []
    found = elements(blocks)
    assert [json.loads(text) for _, text in found] == array
    assert all(data[offset : offset + len(text)] == text for offset, text in found)


@given(
    st.lists(st.sampled_from(list('a"\\[]{},: \n1')), max_size=40).map("".join),
    sizes_,
    sizes_,
    st.integers(1, 30),
    st.integers(1, 20),
)
@settings(max_examples=600, deadline=None)
def test_blocks_are_the_same_when_broken_text_is_fed_in_other_sizes(text, one, other, block, limit):
    data = b"[" + text.encode()
    assert cut(data, one, block, limit) == cut(data, other, block, limit)


@given(st.binary(max_size=40).map(lambda raw: bytes(b'"\\[]{},a '[byte % 9] for byte in raw)), st.integers(0, 40))
@settings(max_examples=600, deadline=None)
def test_structure_is_the_same_when_scanned_in_two_pieces(data, at):
    at = min(at, len(data))
    whole = structure(data)
    if whole.under >= 0:
        return
    first = structure(data[:at])
    second = structure(data[at:], first.state)
    assert first.boundaries.to_list() + [at + end for end in second.boundaries] == whole.boundaries.to_list()
    assert second.state == whole.state


def test_escape_is_carried_over_when_a_piece_ends_in_a_backslash():
    assert structure(b'"a\\').state == JsonState(0, inside=True, escaped=True)
    assert structure(b'", 1', JsonState(0, inside=True, escaped=True)).state.inside


def test_array_cut_off_is_a_fault_when_the_object_ends_early():
    blocks = cut(b'[{"a":1},{"a":2', [4], 8)
    assert [text for _, text in elements(blocks)] == [b'{"a":1}']
    assert [(block.fault.code, block.offset, block.data) for block in blocks if block.fault] == [
        (RejectCode.BAD_JSON, 9, b'{"a":2')
    ]


def test_text_behind_the_array_is_one_fault_when_there_is_some():
    blocks = cut(b'[{"a":1}]\n {"b":2} {', [3], 100)
    assert [block.offset for block in blocks if block.fault] == [11]


def test_long_element_is_a_fault_and_is_not_held_when_beyond_the_limit():
    data = b'[{"a":1},{"b":"' + b"x" * 5000 + b'"},{"c":3}]'
    blocks = cut(data, [7], 64, 100)
    assert [text for _, text in elements(blocks)] == [b'{"a":1}', b'{"c":3}']
    fault = next(block for block in blocks if block.fault)
    assert (fault.fault.code, fault.offset, len(fault.data)) == (RejectCode.TOO_LONG, 9, 100)


def test_values_one_after_another_are_records_when_there_is_no_array():
    assert [text for _, text in elements(cut(b'{\n"a": 1}\n{"b": 2}\n', [5], 10))] == [b'{\n"a": 1}', b'{"b": 2}']

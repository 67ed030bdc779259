"""Chunks of delimited text: guessed, chained and redone, they hold exactly the records of Python's csv module."""

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haulier.contracts.run import Reading
from haulier.jobs.delimited import Dialect
from worker.records.block import Block, Cutter
from worker.records.cutting import cutter_for, read_from

COMMA = Dialect.of(",", '"')
hostile = st.lists(st.sampled_from([b"a", b",", b'"', b"\r", b"\n", b"\r\n", b";", b"\x00", b"\xff", b"bb"])).map(
    b"".join
)


def reading(columns: int = 2, body_start: int = 0) -> Reading:
    return Reading(
        type="csv", delimiter=",", quote='"', columns=tuple(f"c{n}" for n in range(columns)), body_start=body_start
    )


def by_csv(data: bytes) -> list[list[bytes]]:
    text = io.TextIOWrapper(io.BytesIO(data), encoding="latin-1", newline="")
    return [[field.encode("latin-1") for field in row] for row in csv.reader(text) if row]


def rows_of(blocks: list[Block]) -> list[tuple[int, list[bytes]]]:
    rows = []
    for block in blocks:
        assert block.fault is None
        at = 0
        while at < len(block.data):
            record = COMMA.record_at(block.data, at)
            if not record.blank:
                rows.append((block.offset + at, record.fields))
            at = record.next
    return rows


def run(cutter: Cutter, data: bytes, at: int, sizes: list[int]) -> list[Block]:
    blocks: list[Block] = []
    n = 0
    while at < len(data) and not cutter.done:
        size = sizes[n % len(sizes)]
        blocks += cutter.feed(data[at : at + size])
        at += size
        n += 1
    if not cutter.done:
        blocks += cutter.finish()
    assert cutter.done
    return blocks


def chunk(
    data: bytes, start: int, end: int | None, given_: int | None, sizes: list[int], block: int, limit: int = 10**6
):
    how = reading()
    cutter = cutter_for(how, start=start, end=end, given=given_, max_record_bytes=limit, block_bytes=block)
    blocks = run(cutter, data, read_from(how, start=start, given=given_), sizes)
    return cutter.first, cutter.next, blocks


sizes_ = st.lists(st.integers(1, 9), min_size=1, max_size=4)


@given(hostile, sizes_, st.integers(1, 40))
@settings(max_examples=600, deadline=None)
def test_rows_are_those_of_the_csv_module_when_one_chunk_is_the_object(data, sizes, block):
    first, following, blocks = chunk(data, 0, None, 0, sizes, block)
    assert [row for _, row in rows_of(blocks)] == by_csv(data)
    assert (first, following) == (0, len(data))
    assert b"".join(block.data for block in blocks) == data


@given(hostile, st.integers(1, 20), sizes_, sizes_, st.integers(1, 40), st.booleans())
@settings(max_examples=600, deadline=None)
def test_blocks_are_the_same_when_fed_in_other_sizes(data, start, one, other, block, known):
    start = min(start, len(data))
    end = min(start + 12, len(data))
    at = start if known else None
    assert chunk(data, start, end, at, one, block, 7) == chunk(data, start, end, at, other, block, 7)


@given(hostile, st.integers(1, 25), sizes_, st.integers(1, 40))
@settings(max_examples=1000, deadline=None)
def test_chained_chunks_equal_the_sequential_parse_when_redone_until_the_chain_holds(data, size, sizes, block):
    spans = [(at, min(at + size, len(data))) for at in range(0, len(data), size)]
    if not spans:
        return
    results = [chunk(data, s, e, 0 if s == 0 else None, sizes, block) for s, e in spans]
    for _ in range(len(spans) + 1):
        position, broken = 0, False
        for n, (start, end) in enumerate(spans):
            if position >= end:
                results[n] = (position, position, [])
            elif results[n][0] != position:
                results[n], broken = chunk(data, start, end, position, sizes, block), True
            position = results[n][1]
        if not broken:
            break
    assert position == len(data)
    rows = [row for _, _, blocks in results for row in rows_of(blocks)]
    assert rows == rows_of(chunk(data, 0, None, 0, [5], 10**6)[2])
    assert [row for _, row in rows] == by_csv(data)


@given(hostile, st.integers(1, 6), st.integers(1, 30), sizes_)
@settings(max_examples=400, deadline=None)
def test_long_records_become_faults_and_the_others_stay_when_the_limit_is_small(data, limit, block, sizes):
    _, following, blocks = chunk(data, 0, None, 0, sizes, block, limit)
    assert following == len(data)
    at, lines = 0, []
    while at < len(data):
        record = COMMA.record_at(data, at)
        lines.append((at, record.next - at))
        at = record.next
    faults = {block_.offset for block_ in blocks if block_.fault}
    assert faults <= {at for at, length in lines if length > limit}
    held = sum(len(block_.data) for block_ in blocks if not block_.fault)
    assert held == len(data) - sum(length for at, length in lines if at in faults)
    assert all(len(block_.data) <= max(block, limit) for block_ in blocks)


@pytest.mark.parametrize("end", [4096, 6000])
def test_next_is_unknown_when_the_record_across_the_end_is_longer_than_the_limit(end):
    data = b"a,b\n" * 1000 + b'x,"' + b"\n" * 50_000 + b'"\n'
    first, following, blocks = chunk(data, 0, end, 0, [1000], 512, 1000)
    assert first == 0
    assert following is None
    assert [block.offset for block in blocks if block.fault] == [4000]


def test_chunk_is_empty_when_no_line_starts_in_it():
    data = b'a,"' + b"x" * 9000 + b'"\nb,c\n'
    assert chunk(data, 4096, 8192, None, [777], 64) == (8192, 8192, [])


def test_chunk_is_empty_when_its_given_start_lies_behind_its_end():
    assert chunk(b"a,b\nc,d\n", 0, 3, 4, [1], 64) == (4, 4, [])


def test_guess_is_right_when_quoted_fields_hold_newlines_and_the_columns_tell():
    line = b'17,"first\nsecond, third\n",x\r\n'
    data = line * 4000
    how = reading(3)
    for start in range(4096, 4096 + 3 * len(line)):
        cutter = cutter_for(how, start=start, end=start + 4096, given=None)
        run(cutter, data, read_from(how, start=start, given=None), [4096])
        assert cutter.first == -(-start // len(line)) * len(line)

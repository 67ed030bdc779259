"""Front: skipping, decompressing in slices, and stopping when the cutter is done."""

import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haulier.contracts.run import Reading
from worker.flow.front import Front
from worker.records.cutting import cutter_for
from worker.records.decompress import Decompressor
from worker.records.expansion import Expansion

READING = Reading(type="jsonl")
DATA = b"".join(b'{"n":%d}\n' % n for n in range(2000))


def _cutter(**bounds: int | None):
    return cutter_for(READING, start=0, end=bounds.get("end"), given=0, block_bytes=4096)


def _joined(front: Front, pieces: list[bytes]) -> bytes:
    blocks = [block for blocks in front.feed(pieces) for block in blocks]
    if not front.done:
        blocks += front.finish()
    return b"".join(block.data for block in blocks)


@settings(deadline=None)
@given(st.lists(st.integers(1, 3000), min_size=1, max_size=20), st.sampled_from(["none", "gzip"]))
def test_the_blocks_hold_every_byte_once_when_pieces_have_any_size(sizes, compression):
    stored = gzip.compress(DATA) if compression == "gzip" else DATA
    pieces, at = [], 0
    for size in [*sizes, len(stored)]:
        pieces.append(stored[at : at + size])
        at += size
    front = Front(_cutter(), Decompressor("gzip", Expansion("x")) if compression == "gzip" else None, skip=0)
    assert _joined(front, [piece for piece in pieces if piece]) == DATA


@pytest.mark.parametrize("skip", [9, 18])
def test_the_header_is_left_out_when_it_is_to_be_skipped(skip):
    cutter = cutter_for(READING, start=0, end=None, given=skip, block_bytes=4096)
    assert _joined(Front(cutter, None, skip=skip), [DATA[:5], DATA[5:]]) == DATA[skip:]


def test_no_more_is_cut_when_the_chunk_is_complete():
    front = Front(_cutter(end=100), None, skip=0)
    pieces = [DATA[:2000], DATA[2000:]]
    blocks = [block for blocks in front.feed(pieces) for block in blocks]
    assert front.done
    assert sum(len(block.data) for block in blocks) < 120

"""A stream is read onwards by offsets, whatever pieces it comes in."""

from collections.abc import AsyncGenerator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.errors import BrokenStream
from worker.flow.forward import Forward

DATA = bytes(range(200))


async def _stream(sizes: list[int]) -> AsyncGenerator[bytes, None]:
    at = 0
    for size in [*sizes, len(DATA)]:
        if at < len(DATA):
            yield DATA[at : at + size]
            at += size


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 40), max_size=10),
    st.lists(st.tuples(st.integers(0, 60), st.sampled_from("ers")), max_size=8),
)
async def test_each_byte_is_given_once_in_its_place_when_pieces_and_steps_have_any_size(sizes, steps):
    forward = Forward(_stream(sizes))
    for size, how in steps:
        at, upto = forward.at, min(forward.at + size, len(DATA))
        if how == "e":
            assert await forward.exactly(upto - at) == DATA[at:upto]
        elif how == "r":
            assert b"".join([piece async for piece in forward.upto(upto)]) == DATA[at:upto]
        else:
            await forward.skip_to(upto)
        assert forward.at == upto


async def test_reading_goes_on_behind_what_was_given_out_when_somebody_stops_in_between():
    forward = Forward(_stream([10, 10]))
    pieces = forward.upto(15)
    assert await anext(pieces) == DATA[:10]
    await pieces.aclose()
    assert await forward.exactly(10) == DATA[10:20]


async def test_it_is_an_error_that_may_pass_when_the_stream_ends_too_soon():
    with pytest.raises(BrokenStream):
        await Forward(_stream([])).skip_to(len(DATA) + 1)

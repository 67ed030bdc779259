import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulier.contracts.limits import GIB, MAX_PARTS, MIB, MIN_PART_BYTES, TIB
from worker.flow.parts import MAX_RANGE_BYTES, Copied, JoinPart, Merged, TooManyParts, plan_parts

LEAST, LARGEST = 5, 40
"""The same arithmetic in bytes, so that every border is met often."""
PIECES = st.lists(st.integers(0, 130), max_size=40)
LEADS = st.integers(0, 12)


def _size(part: JoinPart, lead: int) -> int:
    if isinstance(part, Copied):
        return part.of.size
    return sum(one.size for one in part.of) + (lead if part.led else 0)


def _bytes(parts: list[JoinPart], lead: int) -> list[tuple[int, int]]:
    """Every byte as (piece, offset), the lead's as piece -1, in the order of the parts."""
    found: list[tuple[int, int]] = []
    for part in parts:
        if isinstance(part, Merged) and part.led:
            found += [(-1, at) for at in range(lead)]
        slices = (part.of,) if isinstance(part, Copied) else part.of
        found += [(one.piece, at) for one in slices for at in range(one.start, one.end)]
    return found


@given(sizes=PIECES, lead=LEADS)
def test_every_byte_is_there_once_and_in_order_when_pieces_are_joined(sizes: list[int], lead: int) -> None:
    parts = plan_parts(sizes, lead=lead, least=LEAST, ranges=(10, LARGEST))

    expected = [(-1, at) for at in range(lead)]
    expected += [(piece, at) for piece, size in enumerate(sizes) for at in range(size)]
    assert _bytes(parts, lead) == expected


@given(sizes=PIECES, lead=LEADS)
def test_every_part_is_one_s3_takes_when_pieces_are_joined(sizes: list[int], lead: int) -> None:
    parts = plan_parts(sizes, lead=lead, least=LEAST, ranges=(10, LARGEST))

    assert all(_size(part, lead) >= LEAST for part in parts[:-1])
    assert all(_size(part, lead) > 0 for part in parts)
    for part in parts:
        if isinstance(part, Copied):
            assert LEAST <= part.of.size <= LARGEST
            assert sizes[part.of.piece] >= LEAST
        else:
            assert _size(part, lead) < max(2 * LEAST, lead + 1)


@given(sizes=st.lists(st.integers(0, LARGEST), max_size=40), lead=LEADS)
def test_there_are_no_more_parts_than_pieces_when_no_piece_is_larger_than_a_range(sizes: list[int], lead: int) -> None:
    parts = plan_parts(sizes, lead=lead, least=LEAST, ranges=(LARGEST, LARGEST))

    assert len(parts) <= len(sizes) + (1 if lead else 0)


@given(sizes=st.lists(st.integers(0, 130), max_size=40), most=st.integers(1, 40))
def test_ranges_grow_or_it_is_refused_when_there_are_more_parts_than_s3_takes(sizes: list[int], most: int) -> None:
    try:
        parts = plan_parts(sizes, least=LEAST, ranges=(10, LARGEST), most=most)
    except TooManyParts:
        assert sum(-(-size // LARGEST) for size in sizes if size) > most
    else:
        assert len(parts) <= most


def test_pieces_are_copied_and_none_is_fetched_when_all_are_large() -> None:
    parts = plan_parts([MIN_PART_BYTES] * MAX_PARTS)

    assert len(parts) == MAX_PARTS
    assert all(isinstance(part, Copied) for part in parts)


def test_a_chunk_of_the_largest_object_s3_holds_is_one_part() -> None:
    """48.8 TiB in 10,000 chunks: only the largest ranges will do."""
    assert len(plan_parts([MAX_RANGE_BYTES] * MAX_PARTS)) == MAX_PARTS


def test_the_reason_is_told_when_one_object_cannot_hold_the_pieces() -> None:
    with pytest.raises(TooManyParts, match="S3 allows 10000"):
        plan_parts([49 * TIB])


def test_small_pieces_are_merged_with_the_beginning_of_the_next_large_one() -> None:
    parts = plan_parts([MIB, MIB, 100 * MIB, MIB], lead=10)

    assert [_size(part, 10) for part in parts] == [5 * MIB, 97 * MIB + 10, MIB]
    assert [type(part) for part in parts] == [Merged, Copied, Merged]


def test_a_rest_too_small_to_be_copied_is_merged_with_what_was_before_it() -> None:
    (merged, copied) = plan_parts([MIB, 7 * MIB, 6 * MIB])

    assert (_size(merged, 0), _size(copied, 0)) == (8 * MIB, 6 * MIB)


def test_a_large_piece_is_copied_in_ranges_of_one_size() -> None:
    parts = plan_parts([GIB + 1])

    assert sorted({_size(part, 0) for part in parts}) == [(GIB + 1) // 3, (GIB + 1) // 3 + 1]

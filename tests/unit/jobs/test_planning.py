import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulier.contracts.limits import GIB, MAX_CHUNKS, TIB
from haulier.contracts.run import Reading
from haulier.jobs.planning import chunk_range, known_start, plan_chunks

CSV = Reading(type="csv", delimiter=",", quote='"', body_start=10)


@given(size=st.integers(0, 50 * TIB), chunk_bytes=st.integers(4096, GIB))
def test_chunks_cover_the_object_without_gap_or_overlap(size, chunk_bytes):
    plan = plan_chunks(reading=CSV, size=size, chunk_bytes=chunk_bytes)
    assert 1 <= plan.chunks <= MAX_CHUNKS
    assert chunk_range(plan, 0)[0] == 0
    assert chunk_range(plan, plan.chunks - 1)[1] == size
    middle = plan.chunks // 2
    if middle:
        assert chunk_range(plan, middle - 1)[1] == chunk_range(plan, middle)[0]


@pytest.mark.parametrize("reading", [None, CSV.model_copy(update={"splittable": False})])
def test_what_cannot_be_cut_is_one_chunk(reading):
    plan = plan_chunks(reading=reading, size=10**12, chunk_bytes=4096)
    assert (plan.chunks, chunk_range(plan, 0)) == (1, (0, 10**12))


def test_a_chunk_the_plan_does_not_have_is_refused():
    plan = plan_chunks(reading=CSV, size=100, chunk_bytes=50)
    with pytest.raises(ValueError, match="2"):
        chunk_range(plan, 2)


def test_only_the_first_chunk_and_a_redo_know_where_they_start():
    plan = plan_chunks(reading=CSV, size=100, chunk_bytes=50)
    assert [known_start(plan, 0, None), known_start(plan, 1, None), known_start(plan, 1, 73)] == [10, None, 73]

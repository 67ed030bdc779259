"""The sketch on hashes of our own: what it says of how many values there are."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haulier.jobs.sketch import EMPTY, INDEX_BITS, REGISTERS, BadSketch, estimate, pack, union, unpack


def registers_of(values) -> bytes:
    registers = bytearray(REGISTERS)
    for value in values:
        number = int.from_bytes(hashlib.blake2b(str(value).encode(), digest_size=8).digest(), "big")
        rank = 64 - INDEX_BITS - (number >> INDEX_BITS).bit_length() + 1
        group = number % REGISTERS
        registers[group] = max(registers[group], rank)
    return bytes(registers)


@pytest.mark.parametrize("count", [0, 1, 2, 5, 10, 30])
def test_a_handful_of_values_is_counted_right(count):
    assert estimate(registers_of(range(count))) == count


@pytest.mark.parametrize("count", [100, 1_000, 3_000, 10_000, 100_000])
def test_the_estimate_is_within_four_standard_errors(count):
    assert estimate(registers_of(range(count))) == pytest.approx(count, rel=4 * 0.0325)


def test_estimates_are_not_biased_on_the_average_of_many():
    count, tries = 2_000, 60
    mean = sum(estimate(registers_of(f"{n}/{k}" for k in range(count))) for n in range(tries)) / tries
    assert mean == pytest.approx(count, rel=4 * 0.0325 / tries**0.5)


def test_the_union_is_the_sketch_of_all_values_when_some_are_in_both():
    one, other = range(700), range(300, 1_100)
    assert union(registers_of(one), registers_of(other)) == registers_of(range(1_100))
    assert union(EMPTY, registers_of(one)) == registers_of(one)


@given(st.binary(min_size=1, max_size=200), st.binary(min_size=1, max_size=200))
@settings(deadline=None)
def test_the_union_has_the_greater_rank_of_each_register(one, other):
    first, second = (bytes(rank % 56 for rank in some * REGISTERS)[:REGISTERS] for some in (one, other))
    assert union(first, second) == bytes(map(max, first, second)) == union(second, first)


def test_a_full_sketch_has_an_estimate():
    assert estimate(bytes([55]) * REGISTERS) > 10**18


@pytest.mark.parametrize("registers", [EMPTY, registers_of(range(5)), registers_of(range(50_000))])
def test_a_packed_sketch_is_unpacked_as_it_was(registers):
    assert unpack(pack(registers)) == registers


def test_a_packed_sketch_is_short():
    assert len(pack(registers_of(range(50_000)))) < 800
    assert len(pack(registers_of(range(5)))) < 100


@pytest.mark.parametrize("text", ["", "%", "AAAA", pack(bytes(1023)), pack(bytes(100_000_000)), pack(b"\x38" * 1024)])
def test_what_is_no_sketch_is_refused_and_never_expanded(text):
    with pytest.raises(BadSketch):
        unpack(text)

"""Profiles of chunks, added up."""

import itertools

from haulier.contracts.profile import BOUND_CHARS, ChunkProfile, ColumnProfile, ColumnSummary
from haulier.jobs.profile import ProfileSum
from haulier.jobs.sketch import EMPTY, REGISTERS, pack


def chunk(*columns: ColumnProfile, hashed: str = "h", **more) -> ChunkProfile:
    return ChunkProfile(hash=hashed, columns=columns, **more)


def column(kind="integer", low=None, high=None, values=1, nulls=0, registers=EMPTY) -> ColumnProfile:
    sketch = pack(registers) if registers is not None else None
    return ColumnProfile(name="c", kind=kind, values=values, nulls=nulls, min=low, max=high, sketch=sketch)


def summed(*profiles: ChunkProfile):
    total = ProfileSum()
    for profile in profiles:
        total.add(ChunkProfile.model_validate_json(profile.to_json()))
    return total.result()


def only(*columns: ColumnProfile) -> ColumnSummary:
    orders = [summed(*map(chunk, order)).columns for order in itertools.permutations(columns)]
    assert all(found == orders[0] for found in orders)
    (found,) = orders[0]
    return found


def test_counts_add_and_bounds_are_the_least_and_greatest():
    found = only(column(low=5, high=9, values=3, nulls=1), column(low=-2, high=7, values=4, nulls=2), column(values=0))
    assert (found.values, found.nulls, found.min, found.max) == (7, 3, -2, 9)


def test_decimals_are_compared_as_numbers_and_not_as_texts():
    found = only(
        column("decimal", "9.50", "9.50"), column("decimal", "10.00", "10.00"), column("decimal", "-1.00", "2.00")
    )
    assert (found.min, found.max) == ("-1.00", "10.00")


def test_a_text_that_was_cut_is_greater_than_what_is_left_of_it():
    whole = "a" * BOUND_CHARS
    found = only(column("string", whole, whole), column("string", whole + "…", whole + "…"))
    assert (found.min, found.max) == (whole, whole + "…")


def test_only_the_counts_are_known_when_a_column_is_of_two_kinds():
    found = only(column("string", "a", "b"), column("integer", 1, 2), column("string", "a", "b", nulls=1))
    assert (found.kind, found.values, found.nulls) == ("other", 3, 1)
    assert (found.min, found.max, found.distinct) == (None, None, None)


def test_dates_and_timestamps_are_shown_as_iso_8601():
    assert only(column("date", -1, 20_778)).min == "1969-12-31"
    moment = only(column("timestamp", 0, 1_000_001))
    assert (moment.min, moment.max) == ("1970-01-01T00:00:00Z", "1970-01-01T00:00:01.000001Z")


def test_a_moment_no_calendar_has_stays_a_number():
    assert only(column("timestamp", -(10**17), 10**18)).max == 10**18
    assert only(column("date", 10**9, 10**9)).max == 10**9


def test_two_booleans_are_counted_without_a_sketch():
    yes = column("boolean", low=True, high=True, registers=None)
    assert only(yes).distinct == 1
    assert only(yes, column("boolean", low=False, high=False, registers=None)).distinct == 2
    assert only(column("boolean", values=0, registers=None)).distinct == 0


def test_booleans_and_floats_come_back_as_what_they_were():
    found = only(column("boolean", low=False, high=False), column("boolean", low=True, high=True))
    assert (found.min, found.max) == (False, True)
    assert only(column("float", 1.0, 5e-324)).min.__class__ is float


def test_distinct_is_never_more_than_there_are_values():
    crowded = bytes([1]) * REGISTERS
    assert only(column(values=3, registers=crowded)).distinct == 3


def test_distinct_is_unknown_when_chunks_were_hashed_differently():
    found = summed(chunk(column(), hashed="one"), chunk(column(), hashed="other"))
    assert found.columns[0].distinct is None
    assert found.columns[0].values == 2


def test_distinct_is_unknown_when_values_are_not_told_apart():
    assert only(column("nested", registers=None), column("nested", registers=None)).distinct is None


def test_rejects_add_by_column_and_code():
    found = summed(
        chunk(rejects={"b": {"bad_type": 1}, "a": {"required": 2}}, left_out=3),
        chunk(rejects={"b": {"bad_type": 1, "pattern": 1}}, left_out=3),
    )
    assert found.rejects == {"a": {"required": 2}, "b": {"bad_type": 2, "pattern": 1}}
    assert list(found.rejects) == ["a", "b"]
    assert found.left_out == 3

"""The profile of an attempt: right, and the same wherever records are cut and in whatever order blocks come."""

import itertools
import json
import math
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haulier.contracts.dataset import Dataset
from haulier.contracts.profile import BOUND_CHARS, MAX_PROFILED_COLUMNS, PROFILE_BYTES, ChunkProfile, RunProfile
from haulier.contracts.reject import RejectCode, Stage
from haulier.jobs.peek import peek
from haulier.jobs.profile import ProfileSum
from haulier.jobs.sketch import REGISTERS, pack
from worker.records import BlockProcessor, Facts, cutter_for, read_from
from worker.records.profile import Profiler, hash_name, profiled
from worker.records.rejects import Rejection

FACTS = Facts(job_id="j1", source="s3://in/incoming/x", accepted_at_ms=1_700_000_000_123)


def profile_of(frames, rejects=(), *, added=(), listed=()) -> ChunkProfile:
    profiler = Profiler(frames[0].clear(), added=added, listed=listed)
    for frame in frames:
        profiler.add(frame, rejects)
    return profiler.result()


def run_of(*profiles: ChunkProfile) -> RunProfile:
    total = ProfileSum()
    for profile in profiles:
        total.add(ChunkProfile.model_validate_json(profile.to_json()))
    return total.result()


def column_of(values, dtype=None):
    (found,) = run_of(profile_of([pl.DataFrame({"c": pl.Series(values, dtype=dtype)})])).columns
    return found


texts = st.one_of(
    st.text(max_size=3), st.sampled_from(["a" * 64, "a" * 64 + "b", "a" * 63 + "\U0010ffff" * 3, "é" * 70, "…", ""])
)
rows = st.lists(
    st.tuples(
        st.none() | texts,
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.floats(width=64),
        st.none() | st.decimals(-(10**8), 10**8, places=2),
        st.none() | st.booleans(),
        st.none() | st.dates(),
        st.none() | st.datetimes(timezones=st.just(UTC)),
    ),
    max_size=60,
)
schema = {
    "text": pl.String,
    "integer": pl.Int64,
    "float": pl.Float64,
    "decimal": pl.Decimal(12, 2),
    "boolean": pl.Boolean,
    "date": pl.Date,
    "timestamp": pl.Datetime("us", "UTC"),
}


def expected(values: list, name: str) -> tuple:
    """(values, nulls, least, greatest) by Python's own comparison."""
    there = [value for value in values if value is not None]
    ordered = [value for value in there if not isinstance(value, float) or math.isfinite(value)]
    low, high = (min(ordered), max(ordered)) if ordered else (None, None)
    return len(there), len(values) - len(there), _shown(low, name), _shown(high, name)


def _shown(value, name):
    if value is None:
        return None
    if name == "text":
        return value if len(value) <= BOUND_CHARS else value[:BOUND_CHARS] + "…"
    if name == "decimal":
        return format(value.quantize(Decimal("0.01")), "f") if value else "0.00"
    if name == "timestamp":
        return value.isoformat().replace("+00:00", "Z")
    return value.isoformat() if name == "date" else value


@given(rows, st.lists(st.integers(0, 60), max_size=6), st.randoms())
@settings(max_examples=150, deadline=None)
def test_the_profile_is_the_same_when_records_are_cut_anywhere_and_merged_in_any_order(records, cuts, chance):
    frame = pl.DataFrame(records, schema=schema, orient="row")
    whole = profile_of([frame])
    edges = sorted({0, len(records), *(cut for cut in cuts if cut <= len(records))})
    pieces = [frame[start:end] for start, end in itertools.pairwise(edges)] or [frame]
    chance.shuffle(pieces)
    assert profile_of(pieces) == whole
    assert run_of(*(profile_of([piece]) for piece in pieces)) == run_of(whole)
    for at, column in enumerate(run_of(whole).columns):
        values = [record[at] for record in records]
        assert (column.values, column.nulls, column.min, column.max) == expected(values, column.name)


@given(st.integers(1, 40_000), st.integers(1, 5))
@settings(max_examples=20, deadline=None)
def test_the_distinct_count_is_near_when_there_are_many_values_and_repeats(count, repeats):
    frame = pl.DataFrame({"n": pl.int_range(count, eager=True), "t": pl.int_range(count, eager=True).cast(pl.String)})
    for column in run_of(profile_of([frame] * repeats)).columns:
        assert column.distinct == pytest.approx(count, rel=5 * 0.0325, abs=1)


@pytest.mark.parametrize(
    "values",
    [
        pl.int_range(0, 200_000, eager=True),
        pl.int_range(0, 200_000, eager=True) * 1024,
        pl.int_range(0, 200_000, eager=True).cast(pl.Int64) * 2**40,
        pl.int_range(0, 200_000, eager=True).cast(pl.Float64) / 4,
        pl.int_range(0, 200_000, eager=True).cast(pl.Int32).cast(pl.Date),
        pl.int_range(0, 200_000, eager=True).cast(pl.Datetime("us", "UTC")),
        (pl.int_range(0, 200_000, eager=True).cast(pl.Int64) * 3_600_000_000).cast(pl.Datetime("us", "UTC")),
        pl.int_range(0, 200_000, eager=True).cast(pl.Decimal(20, 2)),
        pl.Series([f"{n:020d}" for n in range(200_000)]),
        pl.Series([f"{n:06x}" for n in range(200_000)]),
    ],
    ids=["1", "1024", "2^40", "quarters", "days", "us", "hours", "decimals", "long", "hex"],
)
def test_the_hash_spreads_values_that_lie_in_a_row(values):
    assert column_of(values).distinct == pytest.approx(200_000, rel=4 * 0.0325)


def test_many_blocks_of_one_column_keep_what_only_the_whole_shows():
    shuffled = pl.int_range(0, 300_000, eager=True).sample(fraction=1, shuffle=True, seed=7)
    frame = pl.DataFrame({"c": shuffled})
    blocks = [frame.slice(at, 7_001) for at in range(0, 300_000, 7_001)]
    assert profile_of(blocks) == profile_of([frame])


def test_nan_and_infinity_are_values_and_no_bounds():
    found = column_of([math.inf, 2.5, math.nan, -math.inf])
    assert (found.values, found.min, found.max, found.distinct) == (4, 2.5, 2.5, 4)
    none = column_of([math.nan, math.inf])
    assert (none.values, none.min, none.max) == (2, None, None)


def test_a_zero_has_no_sign():
    found = column_of([-0.0, 0.0])
    assert (json.dumps(found.min), json.dumps(found.max), found.distinct) == ("0.0", "0.0", 1)


def test_texts_are_compared_by_code_point():
    found = column_of(["z", "é", "Z", "\U0001f600", "�"])
    assert (found.min, found.max) == ("Z", "\U0001f600")


def test_a_later_block_moves_a_bound_that_was_cut():
    blocks = [pl.DataFrame({"c": ["m" * 70]}), pl.DataFrame({"c": ["m" * 64, "m" * 63, "m" * 64 + "\U0001f600"]})]
    (found,) = run_of(profile_of(blocks)).columns
    assert (found.min, found.max) == ("m" * 63, "m" * 64 + "…")


def test_nested_values_are_counted_and_not_told_apart():
    frame = pl.DataFrame({"list": [[1], None, []], "struct": [{"a": 1}, {"a": 2}, None]})
    for column in run_of(profile_of([frame])).columns:
        assert (column.kind, column.values, column.nulls) == ("nested", 2, 1)
        assert (column.min, column.max, column.distinct) == (None, None, None)


def test_kinds_are_those_of_the_columns_types():
    frame = pl.DataFrame(
        {"a": [1], "b": [1.5], "c": ["x"], "d": [True], "e": [date(2026, 1, 1)],
         "f": [datetime(2026, 1, 1, tzinfo=UTC)], "g": [Decimal("1.5")], "h": [None], "i": [b"x"]},
    )  # fmt: skip
    kinds = [column.kind for column in profile_of([frame]).columns]
    assert kinds == ["integer", "float", "string", "boolean", "date", "timestamp", "decimal", "other", "other"]


def test_timestamps_of_other_units_are_microseconds():
    moment = datetime(2026, 11, 21, 12, tzinfo=UTC)
    for unit in ("ms", "us", "ns"):
        assert column_of([moment], pl.Datetime(unit)).min == "2026-11-21T12:00:00Z"


def test_names_are_never_patterns():
    names = ["*", "^.*$", "^x$", "x", ""]
    for kind in (
        ["a", None],
        [1, None],
        [1.5, None],
        [date(2026, 1, 1), None],
        [datetime(2026, 1, 1, tzinfo=UTC), None],
    ):
        frame = pl.DataFrame(dict.fromkeys(names, pl.Series(kind)))
        found = run_of(profile_of([frame, frame])).columns
        assert [(column.name, column.values, column.nulls, column.distinct) for column in found] == [
            (name, 2, 2, 1) for name in names
        ]


def test_columns_beyond_the_limit_are_left_out_and_said():
    frame = pl.DataFrame({f"c{n}": [n] for n in range(MAX_PROFILED_COLUMNS + 5)})
    found = profile_of([frame])
    assert [column.name for column in found.columns] == [f"c{n}" for n in range(MAX_PROFILED_COLUMNS)]
    assert found.left_out == 5


def test_a_profile_is_never_longer_than_its_bound():
    names = [chr(1) * 300 + str(n) for n in range(MAX_PROFILED_COLUMNS)]
    chosen = profiled(names)
    value = pl.Series([chr(1) * 70] + [f"{n}" for n in range(60_000)] + [chr(0x7F) * 70])
    frame = pl.DataFrame(dict.fromkeys(names, value))
    every = [Rejection(0, Stage.VALIDATE, code, "", name) for name in names for code in RejectCode]
    found = profile_of([frame], every, listed=names)
    assert 10 < len(chosen) == len(found.columns) < len(names)
    assert len(found.to_json().encode()) <= PROFILE_BYTES


def test_no_sketch_is_longer_than_what_is_reckoned_for_it():
    ranks = bytes((n * 2_654_435_761 >> 7) % 55 for n in range(REGISTERS))
    assert len(pack(ranks)) <= 1_100


def test_rejects_are_counted_for_columns_of_the_schema_and_the_output_only():
    rejects = [
        Rejection(0, Stage.VALIDATE, RejectCode.BAD_TYPE, "", "c"),
        Rejection(1, Stage.VALIDATE, RejectCode.BAD_TYPE, "", "c"),
        Rejection(2, Stage.VALIDATE, RejectCode.REQUIRED, "", "gone"),
        Rejection(3, Stage.VALIDATE, RejectCode.EXTRA_COLUMN, "", "any name at all"),
        Rejection(4, Stage.PARSE, RejectCode.TOO_FEW_FIELDS, ""),
    ]
    found = profile_of([pl.DataFrame({"c": [1]})], rejects, listed=["gone"])
    assert found.rejects == {"c": {"bad_type": 2}, "gone": {"required": 1}}


def test_enriched_columns_are_not_profiled():
    frame = pl.DataFrame({"c": [1], "_job_id": ["of the file's own"]})
    assert [column.name for column in profile_of([frame], added=("_job_id",)).columns] == ["c"]


def test_the_hash_is_the_one_this_engine_revision_was_made_with():
    """Another version of polars may hash otherwise: then raise contracts.run.ENGINE_REVISION and put the new name here,
    so that a run's chunks are hashed alike."""
    assert hash_name() == "polars-23ea5dad"


CONFIG = {
    "schema": {
        "columns": [
            {"name": "id", "type": "integer", "required": True},
            {"name": "price", "type": "decimal", "precision": 8, "scale": 2},
            {"name": "day", "type": "date"},
            {"name": "at", "type": "timestamp"},
        ]
    }
}
HEADER = b"id,price,day,at,note\n"
LINES = [
    b'1,10.00,2026-01-02,2026-01-02T03:04:05Z,"a ""quoted""\nnote"\n',
    b"2,9.50,2026-01-03,2026-01-02T03:04:05.0Z,\n",
    b"3,-0.01,,2026-01-02 05:04:05+02:00,x\n",
    b"x,1.00,2026-01-02,,y\n",
    b"4,1.00,2026-13-02,,z\n",
    b"5,1.00\n",
    b"6,,2026-01-01,2026-01-02T03:04:05.5Z,x\n",
]


def through(data: bytes, *, block: int, key: str = "f.csv", **config) -> BlockProcessor:
    dataset = Dataset.model_validate({"name": "d", **config})
    reading = peek(data, key=key, complete=True, compression="none", dataset=dataset)
    processor = BlockProcessor(reading=reading, dataset=dataset, facts=FACTS)
    cutter = cutter_for(
        reading, start=0, end=len(data), given=reading.body_start, max_record_bytes=1 << 20, block_bytes=block
    )
    blocks = cutter.feed(data[read_from(reading, start=0, given=reading.body_start) :])
    for one in blocks + ([] if cutter.done else cutter.finish()):
        processor.process(one)
    return processor


@pytest.mark.parametrize("output", ["jsonl", "csv", "parquet"])
@given(st.lists(st.sampled_from(LINES), max_size=25).map(b"".join), st.integers(1, 400))
@settings(max_examples=40, deadline=None)
def test_a_file_has_one_profile_whatever_the_block_size_and_the_output(output, body, block):
    found = through(HEADER + body, block=block, output={"format": output}, **CONFIG).profile()
    assert found == through(HEADER + body, block=1 << 20, output={"format": "parquet"}, **CONFIG).profile()


def test_timestamps_that_stay_as_they_are_written_are_told_apart_as_moments():
    found = {c.name: c for c in run_of(through(HEADER + b"".join(LINES), block=90, **CONFIG).profile()).columns}
    assert (found["at"].kind, found["at"].distinct) == ("timestamp", 2)
    assert (found["at"].min, found["at"].max) == ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.500000Z")
    assert (found["price"].min, found["price"].max, found["price"].nulls) == ("-0.01", "10.00", 1)
    assert (found["day"].min, found["day"].max, found["day"].distinct) == ("2026-01-01", "2026-01-03", 3)
    assert (found["note"].values, found["note"].nulls, found["note"].distinct) == (4, 0, 3)


def test_rejects_are_known_by_their_column():
    found = run_of(through(HEADER + b"".join(LINES), block=90, **CONFIG).profile())
    assert found.rejects == {"day": {"bad_type": 1}, "id": {"bad_type": 1}}


def test_the_output_s_columns_are_profiled_when_transforms_change_them():
    transforms = [
        {"rename": {"id": "key"}},
        {"drop": ["note"]},
        {"derive": {"twice": "key * 2"}},
        {"filter": "key > 1"},
    ]
    found = run_of(through(HEADER + b"".join(LINES), block=90, transforms=transforms, **CONFIG).profile())
    columns = {column.name: column for column in found.columns}
    assert list(columns) == ["key", "price", "day", "at", "twice"]
    assert (columns["twice"].min, columns["twice"].max, columns["key"].values) == (4, 12, 3)
    assert Counter(found.rejects["id"]) == {"bad_type": 1}


def test_json_that_goes_through_unread_has_no_profile():
    assert through(b'{"a": 1}\n', block=1 << 20, key="f.jsonl").profile() is None


def test_json_with_a_schema_has_a_profile_of_the_columns_it_lists():
    schema = {"columns": [{"name": "a", "type": "integer"}, {"name": "b"}]}
    data = b'{"a": 1, "b": "x", "c": {"d": 2}}\n{"a": null, "b": "y"}\n{"a": "no"}\n'
    found = run_of(through(data, block=20, key="f.jsonl", schema=schema).profile())
    assert [(column.name, column.values, column.nulls) for column in found.columns] == [("a", 1, 1), ("b", 2, 0)]
    assert found.rejects == {"a": {"bad_type": 1}}


def test_a_file_of_a_header_alone_has_a_profile_of_no_values():
    found = through(HEADER, block=90, **CONFIG).profile()
    assert (found.columns[0].name, found.columns[0].values, found.columns[0].min) == ("id", 0, None)
    assert len(found.columns) == 5

"""Random guesses, redone round by round until the chain holds: the result is the sequential parse, always."""

import csv
import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haulier.contracts.report import ChunkReport
from haulier.contracts.run import Plan, Reading
from haulier.jobs.items import ChunkItem
from haulier.jobs.planning import chunk_range, known_start, plan_chunks
from haulier.jobs.prove import Broken, Proven, Unfinished, prove

JOB = "j" + "a" * 26


def parse(data: bytes, position: int, stop: int) -> tuple[list[tuple[int, list[bytes]]], int]:
    """Byte by byte, the records whose line starts in [position, stop), and the first line start at or after stop."""
    records = []
    size = len(data)
    while position < size and position < stop:
        start, row, field, state, blank = position, [], bytearray(), "start", True
        while position < size:
            byte = data[position : position + 1]
            position += 1
            if state != "quoted" and byte in (b"\r", b"\n"):
                position += byte == b"\r" and data[position : position + 1] == b"\n"
                break
            blank = False
            if state == "quoted":
                state = "quote" if byte == b'"' else state
                field += b"" if byte == b'"' else byte
            elif byte == b",":
                row.append(bytes(field))
                field, state = bytearray(), "start"
            elif byte == b'"' and state in ("start", "quote"):
                field += b'"' if state == "quote" else b""
                state = "quoted"
            else:
                field += byte
                state = "bare"
        if not blank:
            records.append((start, [*row, bytes(field)]))
    return records, position


def by_the_csv_module(data: bytes) -> list[list[bytes]]:
    text = io.TextIOWrapper(io.BytesIO(data), encoding="latin-1", newline="")
    return [[value.encode("latin-1") for value in row] for row in csv.reader(text) if row]


def run_until_proven(data: bytes, chunk_bytes: int, guess, limit: int | None = None):
    """Plays workers and assembler; returns the records in order, and how many rounds it took."""
    reading = Reading(type="csv", delimiter=",", quote='"')
    plan = plan_chunks(reading=reading, size=len(data), chunk_bytes=chunk_bytes)
    items: dict[tuple[int, int], ChunkItem] = {}
    written: dict[tuple[int, int], list] = {}

    def work(chunk: int, round_: int, given: int | None, end: int | None) -> None:
        start, stop = chunk_range(plan, chunk)
        stop = max(stop, end or 0)
        known = known_start(plan, chunk, given)
        first = known if known is not None else guess(start, stop)
        records, following = parse(data, first, stop)
        if first >= stop:
            records, following = [], first
        over = limit is not None and following - stop > limit
        report = ChunkReport(
            first=first, next=None if over else following, read=len(records), written=len(records),
            rejected=0, filtered=0, input_bytes=0,
        )  # fmt: skip
        items[chunk, round_] = ChunkItem(
            job_id=JOB, run=1, chunk=chunk, round=round_, given=given, end=end, report=report
        )
        written[chunk, round_] = records

    for chunk in range(plan.chunks):
        work(chunk, 0, None, None)
    rounds = 0
    while isinstance(proof := prove(plan, items.values()), Broken):
        rounds += 1
        for redo in proof.redos:
            work(redo.chunk, redo.round, redo.given, redo.end)
    assert isinstance(proof, Proven)
    newest = dict(sorted(items))
    found = []
    for proven in proof.chunks:
        if proven.report is not None:
            found += written[proven.chunk, newest[proven.chunk]]
    return found, rounds


hostile = st.lists(st.sampled_from([b"a", b",", b'"', b"\r", b"\n", b"\n", b"b"]), max_size=60).map(b"".join)


@settings(max_examples=400, deadline=None)
@given(data=hostile, chunk_bytes=st.integers(1, 12), seed=st.integers())
def test_the_parallel_parse_equals_the_sequential_one_when_every_guess_is_random(data, chunk_bytes, seed):
    dice = random.Random(seed)
    found, _ = run_until_proven(
        data, chunk_bytes, lambda start, stop: dice.choice([start, dice.randint(start, stop), stop])
    )
    assert [row for _, row in found] == by_the_csv_module(data)


@settings(max_examples=200, deadline=None)
@given(data=hostile, chunk_bytes=st.integers(1, 6), limit=st.integers(0, 5), seed=st.integers())
def test_a_record_nobody_could_read_to_its_end_is_redone_as_a_growing_span(data, chunk_bytes, limit, seed):
    dice = random.Random(seed)
    found, _ = run_until_proven(data, chunk_bytes, dice.randint, limit=limit)
    assert [row for _, row in found] == by_the_csv_module(data)


def test_one_long_quoted_field_is_proven_in_few_rounds_whatever_was_guessed():
    data = b'h\n"' + b'a,"",b\n' * 5000 + b'"\nlast\n'
    found, rounds = run_until_proven(data, 7, lambda start, _: start)
    assert [row for _, row in found] == by_the_csv_module(data)
    assert rounds <= 3


@pytest.mark.parametrize("chunks", [100, 1000])
def test_the_rounds_grow_with_the_logarithm_of_the_chunks_when_every_guess_is_wrong(chunks):
    # A quote that never closes before each true line end: every start guessed is inside a record.
    data = (b'"' + b"x\n" * 9 + b'"\n') * chunks
    _, rounds = run_until_proven(data, 21, lambda start, stop: min(start + 1, stop))
    assert rounds <= 3 + 14


def test_what_is_not_committed_is_named_with_its_newest_round():
    plan = Plan(reading=Reading(type="jsonl"), size=20, chunk_bytes=10, chunks=2)
    report = ChunkReport(first=0, next=10, read=0, written=0, rejected=0, filtered=0, input_bytes=0)
    done = ChunkItem(job_id=JOB, run=1, chunk=0, round=0, report=report)
    redo = ChunkItem(job_id=JOB, run=1, chunk=1, round=2, given=10)
    assert prove(plan, [done, redo]) == Unfinished(((1, 2),))
    assert prove(plan, []) == Unfinished(((0, 0), (1, 0)))


def test_a_source_that_ends_before_its_size_is_not_proven():
    plan = Plan(reading=Reading(type="jsonl"), size=20, chunk_bytes=20, chunks=1)
    report = ChunkReport(first=0, next=15, read=0, written=0, rejected=0, filtered=0, input_bytes=0)
    assert isinstance(prove(plan, [ChunkItem(job_id=JOB, run=1, chunk=0, round=0, report=report)]), Broken)


def test_a_stream_that_cannot_be_cut_is_proven_by_its_commit():
    plan = plan_chunks(reading=None, size=20, chunk_bytes=4)
    report = ChunkReport(first=0, next=900, read=0, written=0, rejected=0, filtered=0, input_bytes=900)
    proof = prove(plan, [ChunkItem(job_id=JOB, run=1, chunk=0, round=0, report=report)])
    assert isinstance(proof, Proven)
    assert proof.chunks[0].next == 900

"""What of a run is joined, when, and how the manifest lists it."""

import pytest

from haulier.contracts.dataset import Dataset
from haulier.contracts.report import ChunkReport, OutputObject
from haulier.contracts.run import Plan, Reading, RunPin
from haulier.contracts.source import Source
from haulier.jobs.items import ChunkItem, RunItem
from haulier.jobs.join import header_is_written, join_index, pieces_of, published
from haulier.jobs.prove import Proven, ProvenChunk, Unfinished

JOINED = OutputObject(key="joined", bytes=30, records=6, etag="e-1")


def a_run(layout: str = "single", *, plan: Plan | None) -> RunItem:
    dataset = Dataset.model_validate({"name": "d", "output": {"layout": layout}})
    source = Source(bucket="b", key="k", size=20, etag="e")
    pin = RunPin(
        source=source, dataset=dataset, accepted_at_ms=0, chunked=True, queue="bulk", threshold_bytes=1, chunk_bytes=10
    )
    return RunItem("j", 1, pin, plan)


PLAN = Plan(reading=Reading(type="jsonl"), size=20, chunk_bytes=10, chunks=2)


def a_report(*keys: str, read: int = 3) -> ChunkReport:
    outputs = tuple(OutputObject(key=key, bytes=10, records=read, etag=key) for key in keys)
    return ChunkReport(
        first=0, next=10, read=read, written=read if keys else 0, rejected=0, filtered=0 if keys else read,
        input_bytes=10, outputs=outputs,
    )  # fmt: skip


def a_proof(*reports: ChunkReport | None) -> Proven:
    return Proven(tuple(ProvenChunk(at, at * 10, at * 10 + 10, report) for at, report in enumerate(reports)))


def the_join(report: ChunkReport | None, chunk: int = 2) -> ChunkItem:
    return ChunkItem(job_id="j", run=1, chunk=chunk, round=0, report=report)


@pytest.mark.parametrize(
    ("layout", "plan", "index"),
    [
        ("single", PLAN, 2),
        ("chunks", PLAN, None),
        ("single", None, None),
        ("single", PLAN.model_copy(update={"chunks": 1}), None),
    ],
)
def test_the_join_goes_by_the_number_after_the_last_chunk(layout, plan, index):
    assert join_index(a_run(layout, plan=plan)) == index


def test_the_join_is_asked_for_when_the_chunks_are_proven_and_it_is_not_committed():
    proof = a_proof(a_report("a"), a_report("b"))
    assert published(a_run(plan=PLAN), proof, []) == Unfinished(((2, 0),))
    assert published(a_run(plan=PLAN), proof, [the_join(None)]) == Unfinished(((2, 0),))


def test_the_joined_object_is_listed_after_the_chunks_and_counted_nowhere_twice():
    join = ChunkReport(first=20, next=20, read=0, written=0, rejected=0, filtered=0, input_bytes=0, outputs=(JOINED,))
    first, second = a_report("a"), a_report("b")

    listed = published(a_run(plan=PLAN), a_proof(first, second), [the_join(first, 0), the_join(join)])

    assert isinstance(listed, Proven)
    *chunks, last = listed.chunks
    assert [chunk.report for chunk in chunks] == [one.model_copy(update={"outputs": ()}) for one in (first, second)]
    assert last == ProvenChunk(2, 20, 20, join)


@pytest.mark.parametrize("layout", ["single", "chunks"])
def test_the_chunks_are_listed_as_they_are_when_there_is_nothing_to_join(layout):
    proof = a_proof(a_report(), None) if layout == "single" else a_proof(a_report("a"), a_report("b"))
    assert published(a_run(layout, plan=PLAN), proof, []) is proof


def test_the_pieces_are_the_outputs_of_chunks_that_own_records_in_order():
    proof = a_proof(a_report("a", "b"), None, a_report(), a_report("c"))
    assert [piece.key for piece in pieces_of(proof)] == ["a", "b", "c"]


@pytest.mark.parametrize(("first", "written"), [(a_report("a"), True), (a_report(), False), (None, False)])
def test_the_header_is_written_when_the_first_chunk_wrote_a_record(first, written):
    assert header_is_written(a_proof(first, a_report("b"))) is written

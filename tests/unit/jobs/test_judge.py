import pytest

from haulier.contracts.report import ChunkReport, OutputObject
from haulier.jobs.judge import add_up, judge
from haulier.jobs.prove import ProvenChunk


def proven(read: int, rejected: int, filtered: int = 0, chunk: int = 0) -> ProvenChunk:
    written = read - rejected - filtered
    report = ChunkReport(
        first=0,
        next=1,
        read=read,
        written=written,
        rejected=rejected,
        filtered=filtered,
        input_bytes=7,
        reject_codes={"bad_type": rejected} if rejected else {},
        outputs=(OutputObject(key="o", bytes=5, records=written, etag="e"),) if written else (),
        rejects=OutputObject(key="r", bytes=5, records=rejected, etag="e") if rejected else None,
    )
    return ProvenChunk(chunk, 0, 1, report)


@pytest.mark.parametrize(
    ("read", "rejected", "ratio", "code"),
    [(10, 0, 0.0, None), (10, 1, 0.0, "too_many_rejects"), (10, 1, 0.1, None), (10, 2, 0.1, "too_many_rejects"),
     (10, 10, 1.0, None), (0, 0, 0.0, None)],
)  # fmt: skip
def test_a_run_fails_when_more_is_rejected_than_the_dataset_allows(read, rejected, ratio, code):
    chunks = [proven(read, rejected)]
    error = judge(chunks, add_up(chunks), ratio)
    assert (error.code if error else None) == code


def test_the_ratio_is_judged_over_the_run_and_not_over_a_chunk():
    chunks = [proven(1, 1), proven(99, 0, chunk=1)]
    assert judge(chunks, add_up(chunks), 0.01) is None


def test_a_record_without_a_fate_fails_the_run():
    chunk = proven(10, 1)
    short = ProvenChunk(3, 0, 1, chunk.report.model_copy(update={"read": 11}))
    error = judge([short], add_up([short]), 1.0)
    assert error is not None
    assert (error.code, "chunk 3" in error.message) == ("unbalanced", True)


def test_counts_that_differ_from_the_objects_fail_the_run():
    chunk = proven(10, 1)
    wrong = ProvenChunk(0, 0, 1, chunk.report.model_copy(update={"rejects": None}))
    assert judge([wrong], add_up([wrong]), 1.0).code == "unbalanced"


def test_chunks_that_own_no_record_add_nothing():
    totals = add_up([ProvenChunk(0, 5, 5, None), proven(10, 1, 2, chunk=1)])
    assert (totals.read, totals.written, totals.rejected, totals.filtered) == (10, 7, 1, 2)
    assert totals.reject_codes == {"bad_type": 1}

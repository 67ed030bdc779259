"""What lies in the table while releases change."""

import json

from haulier.contracts.dataset import Dataset
from haulier.contracts.report import ChunkReport
from haulier.contracts.run import RunPin
from haulier.contracts.source import Source

PIN = RunPin(
    source=Source(bucket="b", key="k", size=3, etag="e"),
    dataset=Dataset(name="d"),
    accepted_at_ms=1,
    chunked=False,
    queue="standard",
    threshold_bytes=4096,
    chunk_bytes=4096,
)


def test_nothing_new_is_written_when_a_dataset_uses_nothing_new():
    written = json.loads(PIN.to_json())
    assert written["dataset"] == {"name": "d"}
    assert set(written) == {
        "source", "dataset", "accepted_at_ms", "chunked", "queue", "threshold_bytes", "chunk_bytes",
    }  # fmt: skip
    assert RunPin.model_validate_json(PIN.to_json()) == PIN


def test_a_report_is_read_as_it_was_when_its_fields_are_at_their_default():
    report = ChunkReport(first=0, next=0, read=0, written=0, rejected=0, filtered=0, input_bytes=0)
    assert ChunkReport.model_validate_json(report.to_json()) == report

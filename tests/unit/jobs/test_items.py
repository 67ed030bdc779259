"""Items this release cannot read: only our own errors come out, and a newer release's are told from damaged ones."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulier.contracts.dataset import DEFAULT_DATASET
from haulier.contracts.errors import InvalidRecord, NewerRecord
from haulier.contracts.run import RunPin
from haulier.contracts.source import Source
from haulier.jobs.attributes import encode_item
from haulier.jobs.items import ChunkItem, RunItem

PIN = RunPin(
    source=Source(bucket="b", key="k", size=1, etag="e"), dataset=DEFAULT_DATASET, accepted_at_ms=0, chunked=True,
    queue="bulk", threshold_bytes=1, chunk_bytes=1,
)  # fmt: skip


def run_of(pin: str) -> RunItem:
    return RunItem.of(encode_item({"job_id": "j", "sk": "r0001", "pin": pin}))


def test_a_pin_is_what_was_pinned() -> None:
    assert run_of(PIN.to_json()).pin == PIN


@pytest.mark.parametrize(
    "change", [{"schema_version": 2}, {"tomorrow": 1}, {"operation": "teleport"}, {"queue": "express"}]
)
def test_a_pin_with_things_we_do_not_know_is_of_a_newer_release(change: dict[str, object]) -> None:
    with pytest.raises(NewerRecord, match="pin of j r0001 cannot be read: a newer release wrote it"):
        run_of(json.dumps({**json.loads(PIN.to_json()), **change}))


@given(st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5).map(json.dumps))
def test_nothing_but_our_own_error_comes_out_of_any_text(text: str) -> None:
    with pytest.raises(InvalidRecord):
        run_of(text)
    with pytest.raises(InvalidRecord):
        ChunkItem.of(encode_item({"job_id": "j", "sk": "r0001#c00000#0", "report": text or "x"}))

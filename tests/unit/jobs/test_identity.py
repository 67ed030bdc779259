"""Which job an event or a request is."""

from datetime import UTC, datetime

import pytest

from haulier.contracts.ids import is_job_id
from haulier.contracts.source import Source
from haulier.jobs.identity import requested_job_id, source_of_head, storage_job_id

EVENT = {"bucket": "b", "key": "k", "version_id": None, "sequencer": "0055", "dataset": "default"}


def storage(**other) -> str:
    return storage_job_id(**(EVENT | other))


def test_a_second_delivery_of_an_event_is_the_same_job():
    assert is_job_id(storage())
    assert storage() == storage()
    assert storage(sequencer="00AB") == storage(sequencer="00ab")


@pytest.mark.parametrize(
    "other", [{"bucket": "c"}, {"key": "l"}, {"sequencer": "0056"}, {"dataset": "d"}, {"version_id": "v"}]
)
def test_another_object_write_or_dataset_is_another_job(other):
    assert storage(**other) != storage()


def test_a_version_names_the_content_whatever_the_sequencer():
    assert storage(version_id="v", sequencer="1") == storage(version_id="v", sequencer="2")


def test_the_version_null_names_nothing():
    assert storage(version_id="null") == storage()


def test_an_event_that_names_nothing_is_refused():
    with pytest.raises(ValueError, match="neither a version nor a sequencer"):
        storage(sequencer=None)


def test_a_request_without_a_cause_is_the_job_of_the_objects_own_event_where_there_are_versions():
    source = Source(bucket="b", key="k", size=1, etag="e", version_id="v")
    assert requested_job_id(source, "default", "") == storage(version_id="v")
    assert requested_job_id(source, "default", "again") != storage(version_id="v")


def test_without_versions_a_request_is_named_by_the_etag():
    first, second = (Source(bucket="b", key="k", size=1, etag=etag) for etag in "ef")
    assert requested_job_id(first, "default", "") != requested_job_id(second, "default", "")


def test_a_head_becomes_a_source():
    head = {"ContentLength": 3, "ETag": '"e-2"', "LastModified": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)}
    assert source_of_head("b", "k", head | {"VersionId": "null"}) == Source(
        bucket="b", key="k", size=3, etag="e-2", uploaded_at="2026-01-02T03:04:05Z"
    )
    assert source_of_head("b", "k", head | {"VersionId": "v"}).version_id == "v"

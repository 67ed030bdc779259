from typing import Any

import pytest

from haulier.contracts.dataset import DEFAULT_DATASET, Chunking, Dataset, Format, Output
from haulier.contracts.limits import ASSUMED_BYTES_PER_SECOND
from haulier.jobs.route import Route, may_be_cut, route

KIB = 1024


def routed(key: str, size: int = 10, dataset: Dataset = DEFAULT_DATASET, wanted: Any = None) -> Route:
    return route(key, size, dataset, wanted=wanted, threshold_bytes=100 * KIB, chunk_bytes=50 * KIB)


@pytest.mark.parametrize(
    ("key", "size", "dataset_queue", "wanted", "queue"),
    [
        ("incoming/a.csv", 10, None, None, "standard"),
        ("incoming/a.csv", 101 * KIB, None, None, "bulk"),
        ("incoming/priority/a.csv", 101 * KIB, None, None, "priority"),
        ("priority/a.csv", 10, None, None, "priority"),
        ("incoming/batch/a.csv", 10, None, None, "bulk"),
        ("incoming/my-priority/a.csv", 10, None, None, "standard"),
        ("incoming/priority", 10, None, None, "standard"),
        ("incoming/priority/a.csv", 10, "bulk", None, "bulk"),
        ("incoming/batch/a.csv", 10, "standard", "priority", "priority"),
    ],
)
def test_the_queue_is_chosen_when_request_dataset_and_key_speak(
    key: str, size: int, dataset_queue: Any, wanted: Any, queue: str
) -> None:
    assert routed(key, size, Dataset(name="d", queue=dataset_queue), wanted).queue == queue


@pytest.mark.parametrize(
    ("key", "dataset", "cut"),
    [
        ("a.csv", DEFAULT_DATASET, True),
        ("a.jsonl", DEFAULT_DATASET, True),
        ("a", DEFAULT_DATASET, True),
        ("a.json", DEFAULT_DATASET, False),
        ("a.json.gz", DEFAULT_DATASET, False),
        ("a.csv.gz", DEFAULT_DATASET, False),
        ("a.CSV.ZST", DEFAULT_DATASET, False),
        ("a.csv.gz", Dataset(name="d", format=Format(compression="none")), True),
        ("a.csv", Dataset(name="d", format=Format(compression="zstd")), False),
        ("a.csv", Dataset(name="d", format=Format(type="json")), False),
        ("a.json", Dataset(name="d", format=Format(type="jsonl")), True),
        ("a.csv", Dataset(name="d", format=Format(encoding="utf-16")), False),
        ("a.csv", Dataset(name="d", output=Output(layout="single")), True),
    ],
)
def test_an_object_is_cut_when_nothing_speaks_against_it(key: str, dataset: Dataset, cut: bool) -> None:
    assert may_be_cut(key, dataset) is cut
    assert routed(key, 101 * KIB, dataset).chunked is cut


@pytest.mark.parametrize(
    ("key", "seconds", "dataset_queue", "wanted", "queue"),
    [
        ("incoming/a.csv.gz", 61, None, None, "ondemand"),
        ("incoming/a.csv.gz", 60, None, None, "standard"),
        ("incoming/priority/a.csv.gz", 61, None, None, "ondemand"),
        ("incoming/a.csv.gz", 61, "bulk", None, "ondemand"),
        ("incoming/a.csv.gz", 61, None, "bulk", "bulk"),
        ("incoming/a.csv", 61, None, None, "bulk"),
        ("incoming/a.csv", 1, "ondemand", None, "ondemand"),
    ],
)
def test_what_one_worker_must_read_whole_goes_to_on_demand_workers_when_it_is_expected_to_take_long(
    key: str, seconds: int, dataset_queue: Any, wanted: Any, queue: str
) -> None:
    found = route(
        key,
        seconds * ASSUMED_BYTES_PER_SECOND,
        Dataset(name="d", queue=dataset_queue),
        wanted=wanted,
        threshold_bytes=100 * KIB,
        chunk_bytes=50 * KIB,
        ondemand_after_seconds=60,
    )
    assert found.queue == queue


@pytest.mark.parametrize(("size", "chunked"), [(8 * KIB, False), (8 * KIB + 1, True)])
def test_the_datasets_chunking_comes_first_when_it_has_one(size: int, chunked: bool) -> None:
    dataset = Dataset(name="d", chunking=Chunking(threshold_bytes=8 * KIB, chunk_bytes=4 * KIB))

    found = routed("a.csv", size, dataset)

    assert (found.chunked, found.threshold_bytes, found.chunk_bytes) == (chunked, 8 * KIB, 4 * KIB)

import pytest

from dispatcher.admit import admit
from haulier.contracts.dataset import DEFAULT_DATASET, Dataset, Format
from haulier.contracts.source import Source


def refused(key: str, *, size: int = 10, dataset: Dataset = DEFAULT_DATASET) -> str | None:
    source = Source(bucket="b", key=key, size=size, etag="e")
    error = admit(source, dataset, max_object_bytes=1000, excluded_suffixes=(".tmp", "_bak.csv"))
    if error is None:
        return None
    assert error.stage == "intake"
    assert key in error.message
    return error.code


@pytest.mark.parametrize(
    ("key", "size", "code"),
    [
        ("incoming/a.csv", 10, None),
        ("incoming/a.csv", 1000, None),
        ("incoming/a.csv", 1001, "too_large"),
        ("incoming/a.csv", 0, "empty"),
        ("incoming/a.tmp", 0, "excluded"),
        ("incoming/A.TMP", 10, "excluded"),
        ("incoming/a_bak.csv", 10, "excluded"),
        ("incoming/a.jsonl.gz", 10, None),
        ("incoming/no-extension", 10, None),
        ("incoming/a.never-heard-of", 10, None),
        ("incoming/a.parquet", 10, "unsupported_type"),
        ("incoming/a.PDF", 10, "unsupported_type"),
        ("incoming/a.7z", 10, "unsupported_type"),
    ],
)
def test_an_object_is_admitted_or_refused_when_it_arrives(key: str, size: int, code: str | None) -> None:
    assert refused(key, size=size) == code


def test_a_telling_extension_is_admitted_when_the_dataset_says_what_its_files_are() -> None:
    dataset = Dataset(name="d", format=Format(type="csv"))

    assert refused("incoming/export.bin", dataset=dataset) is None

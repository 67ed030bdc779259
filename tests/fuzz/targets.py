"""What is fuzzed: each target takes any bytes, and raises nothing but a defect."""

from collections.abc import Callable

from dispatcher.envelopes import open_envelope
from haulier.contracts.dataset import DEFAULT_DATASET, Dataset
from haulier.contracts.errors import InvalidDataset, InvalidMessage, NewerMessage
from haulier.contracts.messages import ChunkMessage, decode_message
from haulier.jobs.datasets import read_dataset
from haulier.jobs.peek import compression_of, peek
from haulier.jobs.refused import PeekError

_EDITIONS = [
    DEFAULT_DATASET,
    Dataset.model_validate({"name": "d", "format": {"header": False}, "schema": {"infer": True}}),
    Dataset.model_validate({"name": "d", "format": {"type": "json"}}),
]


def message(data: bytes) -> None:
    """A body on a work queue: read again as it was read, or refused."""
    try:
        read = decode_message(data.decode(errors="replace"))
    except (InvalidMessage, NewerMessage):
        return
    assert ChunkMessage.model_validate_json(read.to_json()) == read


def envelope(data: bytes) -> None:
    """A body on the intake queue: nothing is raised, and a body that is read to nothing says why or is none of ours."""
    opened = open_envelope(data.decode(errors="replace"))
    assert all(str(problem) for problem in opened.problems)


def dataset(data: bytes) -> None:
    """A dataset's YAML: pinned and read back as it is, or refused with what is wrong."""
    try:
        read = read_dataset("d", data.decode(errors="replace"))
    except InvalidDataset:
        return
    assert Dataset.model_validate_json(read.to_json()) == read


def head(data: bytes) -> None:
    """An object's first bytes: read the same twice, or refused with what to do."""
    for edition in _EDITIONS:
        for key in ("f.csv", "f.jsonl", "f"):
            try:
                found = compression_of(data, key=key, dataset=edition)
                if found != "none":
                    continue
                one, two = (peek(data, key=key, complete=True, compression="none", dataset=edition) for _ in range(2))
            except PeekError:
                continue
            assert one == two
            assert 0 <= one.body_start <= len(data)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "message": message,
    "envelope": envelope,
    "dataset": dataset,
    "head": head,
}

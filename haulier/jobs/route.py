"""Which queue a job's messages go to, and whether it is cut into chunks. Pure."""

from dataclasses import dataclass

from haulier.contracts.dataset import Dataset, QueueName
from haulier.jobs.peek import format_of_key

_COMPRESSED = (".gz", ".gzip", ".zst", ".zstd")
_WHOLE_ENCODINGS = ("utf-16",)
"""Encodings in which a line end cannot be found from anywhere in the bytes."""


@dataclass(frozen=True, slots=True)
class Route:
    """How a job goes to the workers.

    Attributes:
        queue: the work queue.
        chunked: whether it goes through the state machine.
        threshold_bytes: objects larger than this are cut.
        chunk_bytes: size of a chunk.
    """

    queue: QueueName
    chunked: bool
    threshold_bytes: int
    chunk_bytes: int


def route(
    key: str, size: int, dataset: Dataset, *, wanted: QueueName | None, threshold_bytes: int, chunk_bytes: int
) -> Route:
    """Decides both.

    Args:
        key: the object's key.
        size: its bytes.
        dataset: whose it is; its own chunking comes before the stack's.
        wanted: the queue a request asks for.
        threshold_bytes: the stack's.
        chunk_bytes: the stack's.
    """
    if dataset.chunking is not None:
        threshold_bytes, chunk_bytes = dataset.chunking.threshold_bytes, dataset.chunking.chunk_bytes
    chunked = size > threshold_bytes and may_be_cut(key, dataset)
    return Route(
        queue=wanted or dataset.queue or _queue_of_key(key) or ("bulk" if chunked else "standard"),
        chunked=chunked,
        threshold_bytes=threshold_bytes,
        chunk_bytes=chunk_bytes,
    )


def may_be_cut(key: str, dataset: Dataset) -> bool:
    """False where configuration or name say already that one worker must read the whole. Otherwise the planner's peek
    has the last word: a job that cannot be cut is then one chunk.
    """
    how = dataset.format
    if dataset.output.layout == "single" or how.encoding in _WHOLE_ENCODINGS:
        return False
    compressed = key.lower().endswith(_COMPRESSED) if how.compression == "auto" else how.compression != "none"
    kind = format_of_key(key) if how.type == "auto" else how.type
    return not compressed and kind != "json"


def _queue_of_key(key: str) -> QueueName | None:
    folders = f"/{key}"
    if "/priority/" in folders:
        return "priority"
    return "bulk" if "/batch/" in folders else None

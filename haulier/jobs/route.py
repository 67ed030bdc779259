"""Which queue a job's messages go to, and whether it is cut into chunks. Pure."""

from dataclasses import dataclass

from haulier.contracts.dataset import Dataset, QueueName
from haulier.contracts.limits import ONDEMAND_AFTER_SECONDS
from haulier.jobs.compression import compression_by_name
from haulier.jobs.ondemand import ONDEMAND, expected_seconds
from haulier.jobs.peek import format_of_key

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
    key: str,
    size: int,
    dataset: Dataset,
    *,
    wanted: QueueName | None,
    threshold_bytes: int,
    chunk_bytes: int,
    ondemand_after_seconds: float = ONDEMAND_AFTER_SECONDS,
) -> Route:
    """Decides both.

    Args:
        key: the object's key.
        size: its bytes.
        dataset: whose it is; its own chunking comes before the stack's.
        wanted: the queue a request asks for.
        threshold_bytes: the stack's.
        chunk_bytes: the stack's.
        ondemand_after_seconds: what one worker must read whole and is expected to take longer goes to the on-demand
            queue, unless the request says otherwise; neither dataset nor key can know an object's size.
    """
    if dataset.chunking is not None:
        threshold_bytes, chunk_bytes = dataset.chunking.threshold_bytes, dataset.chunking.chunk_bytes
    whole = not may_be_cut(key, dataset)
    chunked = size > threshold_bytes and not whole
    long = ONDEMAND if whole and expected_seconds(size) > ondemand_after_seconds else None
    return Route(
        queue=wanted or long or dataset.queue or _queue_of_key(key) or ("bulk" if chunked else "standard"),
        chunked=chunked,
        threshold_bytes=threshold_bytes,
        chunk_bytes=chunk_bytes,
    )


def may_be_cut(key: str, dataset: Dataset) -> bool:
    """False where configuration or name say already that one worker must read the whole. Otherwise the planner's peek
    has the last word: a job that cannot be cut is then one chunk.
    """
    how = dataset.format
    if how.encoding in _WHOLE_ENCODINGS:
        return False
    compressed = compression_by_name(key) is not None if how.compression == "auto" else how.compression != "none"
    kind = format_of_key(key) if how.type == "auto" else how.type
    return not compressed and kind != "json"


def _queue_of_key(key: str) -> QueueName | None:
    folders = f"/{key}"
    if "/priority/" in folders:
        return "priority"
    return "bulk" if "/batch/" in folders else None

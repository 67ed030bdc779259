"""Work that must not be interrupted for ever: which chunk goes to the queue that only on-demand workers serve. Pure.

A chunk that is a range of a large object takes seconds to do again, wherever it was interrupted. One that is all there
is of its object, or a join, or the rest of an object whose chain broke, starts from its first byte, however long it had
run; on Spot, or under frequent deployments, it might never end.
"""

from haulier.contracts.dataset import QueueName
from haulier.contracts.limits import ASSUMED_BYTES_PER_SECOND, RELEASES_BEFORE_ONDEMAND
from haulier.contracts.run import Plan
from haulier.jobs.items import ChunkItem, RunItem

ONDEMAND: QueueName = "ondemand"


def expected_seconds(size: int) -> float:
    """How long one worker is expected to take for an object it must read whole."""
    return size / ASSUMED_BYTES_PER_SECOND


def is_long(run: RunItem, chunk: ChunkItem) -> bool:
    """Whether the chunk has no bound: the only one of its run, its join, or a redo of a span."""
    return run.plan is None or run.plan.chunks == 1 or chunk.chunk >= run.plan.chunks or chunk.end is not None


def must_move(run: RunItem, chunk: ChunkItem, *, releases: int, queue: str) -> bool:
    """Whether a chunk that is released goes on in the on-demand queue.

    Args:
        run: its run.
        chunk: the chunk.
        releases: how often it was released, this release included.
        queue: the queue its message came from.
    """
    return queue != ONDEMAND and releases >= RELEASES_BEFORE_ONDEMAND and is_long(run, chunk)


def queue_of_plan(run: RunItem, plan: Plan, queue: str) -> str:
    """The queue of a run the planner looked at: it may have found that one worker must read the whole."""
    long = plan.chunks == 1 and expected_seconds(plan.size) > run.pin.stack_ondemand_after_seconds
    return ONDEMAND if long and run.pin.wanted_queue is None else queue

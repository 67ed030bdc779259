"""Chunks by arithmetic: planning 5 TB costs the same as 5 GB."""

from haulier.contracts.limits import MAX_CHUNKS
from haulier.contracts.run import Plan, Reading


def plan_chunks(*, reading: Reading | None, size: int, chunk_bytes: int) -> Plan:
    """Cuts an object into chunks.

    Args:
        reading: how it is read; None for a compressed object, which is one chunk.
        size: bytes of the object.
        chunk_bytes: size asked for; grows so that there are never more than MAX_CHUNKS.
    """
    if reading is None or not reading.splittable or size == 0:
        return Plan(reading=reading, size=size, chunk_bytes=max(size, 1), chunks=1)
    grown = max(chunk_bytes, -(-size // MAX_CHUNKS))
    return Plan(reading=reading, size=size, chunk_bytes=grown, chunks=-(-size // grown))


def chunk_range(plan: Plan, chunk: int) -> tuple[int, int]:
    """The chunk's `[start, end)` in bytes.

    Raises:
        ValueError: the plan has no such chunk.
    """
    if not 0 <= chunk < plan.chunks:
        raise ValueError(f"chunk {chunk} is not one of the plan's {plan.chunks}")
    start = chunk * plan.chunk_bytes
    return start, min(start + plan.chunk_bytes, plan.size)


def known_start(plan: Plan, chunk: int, given: int | None) -> int | None:
    """Where the chunk's first record is known to start: what a redo was given, or the body's start for chunk 0."""
    if given is not None:
        return given
    if chunk == 0:
        return plan.reading.body_start if plan.reading else 0
    return None

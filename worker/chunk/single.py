"""`layout: single` for an attempt: one header in all, and one object where the run has no join.

A run of one chunk is joined at once, by the attempt that wrote it and under its lease, if its output had to roll over
(above 293 GiB, see `flow.upload`). The pieces are deleted before the commit; what a crash leaves of them lies under an
attempt's name that no manifest lists, and the next attempt counts as a second one, so the seal sweeps.
"""

from collections.abc import Callable, Iterator
from itertools import chain, repeat

from haulier.contracts.report import OutputObject
from haulier.jobs.claim import Claimed
from haulier.jobs.join import join_index
from worker.errors import WorkerError
from worker.flow.join import Join
from worker.log import get_logger
from worker.ports import StoreParts, Target

_log = get_logger()


def headers(claimed: Claimed, header: bytes) -> Iterator[bytes]:
    """The header of each output an attempt opens: the same for every object, or, where all are to be one object, only
    for the first one of chunk 0.
    """
    if claimed.run.pin.dataset.output.layout != "single":
        return repeat(header)
    return chain([header if claimed.chunk.chunk == 0 else b""], repeat(b""))


def joins_at_once(claimed: Claimed, written: tuple[OutputObject, ...]) -> bool:
    """Whether the attempt must make one object of its outputs itself."""
    single = claimed.run.pin.dataset.output.layout == "single"
    return single and len(written) > 1 and join_index(claimed.run) is None


async def join_and_delete(
    join: Join, store: StoreParts, target: Target, written: tuple[OutputObject, ...], holds: Callable[[], bool]
) -> tuple[OutputObject, ...]:
    """The attempt's outputs as one; those it was made of are deleted."""
    joined = await join_or_discard(join, target, written, holds)
    try:
        for piece in written:
            await store.delete(piece.key)
    except Exception:
        await _discard(join, holds)
        raise
    return (joined,)


async def join_or_discard(
    join: Join, target: Target, pieces: tuple[OutputObject, ...], holds: Callable[[], bool], *, lead: bytes = b""
) -> OutputObject:
    """Joins, and leaves nothing behind on an error while the lease is held."""
    try:
        return await join.run(target, pieces, lead=lead)
    except Exception:
        await _discard(join, holds)
        raise


async def _discard(join: Join, holds: Callable[[], bool]) -> None:
    """Best effort: what cannot be deleted now is swept before `_SUCCESS`, or by the janitor."""
    if not holds():
        return
    try:
        await join.discard()
    except WorkerError as error:
        _log.warning("output.left", reason=str(error))

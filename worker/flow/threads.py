"""The threads CPU work runs in, shared by all chunks: the event loop only moves bytes.

Two, since parsing was no faster with three (shared measurements, section 3). What is small is done on the spot: a hop
to a thread and back costs more than it does.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from haulier.contracts.limits import KIB, MIB
from worker.errors import Unexpected

THREADS = 2
SMALL_BYTES = 64 * KIB
LARGE_BYTES = 16 * MIB
"""What is larger is parsed alone: a block is as long as its longest record, and takes some ten times its size in the
hands of the libraries. So the worker's peak is that of one record of the size limit, whatever else it reads."""

P = ParamSpec("P")
R = TypeVar("R")


def guarded(work: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Calls `work`. A library's panic is no `Exception` (pyo3's PanicException): let through, one chunk's bytes would
    take the worker down, and every other chunk in its hands.

    Raises:
        Unexpected: in a panic's place.
    """
    try:
        return work(*args, **kwargs)
    except (Exception, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as panic:
        raise Unexpected(f"{type(panic).__name__}: {panic}") from panic


class _Pool:
    """Threads that are replaced once one of them is left with a call nobody waits for any more: a library that hangs
    keeps its thread for ever, and with the last of them every other chunk would stall.
    """

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._name = name
        self._executor = self._fresh()

    def _fresh(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._count, thread_name_prefix=self._name)

    async def run(self, work: Callable[[], R]) -> R:
        executor = self._executor
        call = executor.submit(work)
        try:
            return await asyncio.wrap_future(call)
        except asyncio.CancelledError:
            # What others have queued there is still run, by the threads that are left.
            if call.running() and executor is self._executor:
                self._executor = self._fresh()
                executor.shutdown(wait=False)
            raise

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)


class Threads:
    """Parsing has its own threads, so that cutting the next block never queues behind parsed ones."""

    def __init__(self, count: int = THREADS) -> None:
        self._parsing = _Pool(count, "parse")
        self._other = _Pool(count, "bytes")
        self._alone = asyncio.Lock()

    async def parse_block(self, size: int, work: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """As `parse`; of blocks with more than LARGE_BYTES one at a time, over all chunks."""
        if size <= LARGE_BYTES:
            return await self.parse(work, *args, **kwargs)
        async with self._alone:
            return await self.parse(work, *args, **kwargs)

    async def parse(self, work: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs `work` in a parsing thread. A cancelled caller leaves it running to its end, its result dropped."""
        return await self._parsing.run(lambda: guarded(work, *args, **kwargs))

    async def run(self, size: int, work: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Runs `work` in one of the other threads, or on the spot if the `size` bytes it is about are few."""
        if size < SMALL_BYTES:
            return guarded(work, *args, **kwargs)
        return await self._other.run(lambda: guarded(work, *args, **kwargs))

    def close(self) -> None:
        """Waits for nothing: what still runs is of attempts that are over."""
        for pool in (self._parsing, self._other):
            pool.close()

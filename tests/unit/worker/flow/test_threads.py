import asyncio
import threading

import pytest

from worker.errors import Unexpected
from worker.flow.threads import LARGE_BYTES, SMALL_BYTES, Threads


class Panic(BaseException):
    """As pyo3's PanicException: no Exception."""


def panic() -> None:
    raise Panic("called `Option::unwrap()`")


async def test_a_panic_fails_its_chunk_and_not_the_worker():
    threads = Threads()
    for call in (threads.parse(panic), threads.run(0, panic), threads.run(SMALL_BYTES, panic)):
        with pytest.raises(Unexpected, match="Panic: called"):
            await call
    threads.close()


async def test_an_error_of_ours_stays_what_it_is():
    threads = Threads()

    def refuse() -> None:
        raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        await threads.parse(refuse)
    threads.close()


async def test_others_go_on_when_more_calls_hang_than_there_are_threads():
    threads, never = Threads(2), threading.Event()
    for hang in (threads.parse, lambda wait: threads.run(SMALL_BYTES, wait)):
        for _ in range(3):
            began = threading.Semaphore(0)

            def hangs(began: threading.Semaphore = began) -> None:
                began.release()
                never.wait()

            task = asyncio.ensure_future(hang(hangs))
            await asyncio.to_thread(began.acquire)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
    assert await threads.parse(lambda: 1) == 1
    assert await threads.run(SMALL_BYTES, lambda: 2) == 2
    never.set()
    threads.close()


@pytest.mark.parametrize(("size", "together"), [(LARGE_BYTES, 2), (LARGE_BYTES + 1, 1)])
async def test_blocks_are_parsed_one_at_a_time_when_they_are_large(size, together):
    threads = Threads()
    lock, meeting = threading.Lock(), threading.Barrier(together, timeout=30)
    running, most = 0, 0

    def parse() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        meeting.wait()
        with lock:
            running -= 1

    await asyncio.gather(threads.parse_block(size, parse), threads.parse_block(size, parse))
    assert most == together
    threads.close()

import pytest

from worker.errors import Unexpected
from worker.flow.threads import SMALL_BYTES, Threads


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

"""Wall clock and CPU of a stretch of work in this process."""

import time
from types import TracebackType
from typing import Self


class Stopwatch:
    """Started on entering, read after leaving.

    Attributes:
        seconds: wall clock.
        cpu_seconds: of all threads, user and system.
    """

    seconds = 0.0
    cpu_seconds = 0.0

    def __enter__(self) -> Self:
        self._cpu, self._wall = time.process_time(), time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds, self.cpu_seconds = time.perf_counter() - self._wall, time.process_time() - self._cpu

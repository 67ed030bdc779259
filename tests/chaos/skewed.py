"""A worker whose wall clock is wrong: `python -m tests.chaos.skewed MILLISECONDS`. Its monotonic clock is right.

It dies with whoever started it: nothing is left running when chaos itself is killed.
"""

import os
import signal
import sys
import threading
import time

from worker.__main__ import leave, main
from worker.clock import SystemClock


def die_with(parent: int) -> None:
    """Ends this process when its parent is another, which means that the one that started it is gone."""
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=die_with, args=(os.getppid(),), daemon=True).start()
    skew_ms = int(sys.argv[1])
    right = SystemClock.now_ms

    def wrong(self: SystemClock) -> int:
        return right(self) + skew_ms

    SystemClock.now_ms = wrong  # type: ignore[method-assign]
    leave(main([]))

"""Waits until all is over: every job has ended, was cleaned up after and told of, and nothing is in flight."""

import time
from collections.abc import Callable

from tests.chaos.pool import Pool
from tests.chaos.stack import WORK, Stack
from tests.chaos.verdict import FINAL

LOOK_SECONDS = 2.0


def settle(stack: Stack, pool: Pool, *, seconds: float, log: Callable[[str], None]) -> float:
    """Returns how long it took; gives up after `seconds` and leaves the rest to the verdict."""
    began = time.monotonic()
    said = ""
    while (passed := time.monotonic() - began) < seconds:
        pool.tick()
        waiting = unsettled(stack)
        if not waiting:
            return passed
        if waiting != said:
            log(f"{passed:5.0f} s: {waiting}")
            said = waiting
        time.sleep(LOOK_SECONDS)
    log(f"not quiet after {seconds:g} s: {said}")
    return seconds


def unsettled(stack: Stack) -> str:
    """What is still to come, in words; empty if nothing is."""
    jobs = [item for item in stack.items() if item["sk"] == "job"]
    found = {
        "open jobs": sum(job["status"] not in FINAL for job in jobs),
        "messages": sum(sum(stack.depth(stack.names.queue(queue)).values()) for queue in WORK),
        "executions": len(stack.executions()),
        "untold ends": sum(not job.get("announced") for job in jobs),
        "not cleaned": sum(not job.get("cleaned_at") for job in jobs),
        "uploads": len(stack.uploads()),
    }
    return ", ".join(f"{count} {name}" for name, count in found.items() if count)

"""The pool with real, tiny processes; time is given, nothing waits for it."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from haulier.local.backlog import Depth
from haulier.local.errors import StartFailed
from haulier.local.home import Home, take_lock
from haulier.local.stack import StackInfo
from haulier.local.workers import FIRST_PAUSE_SECONDS, IDLE_SECONDS, LONGEST_PAUSE_SECONDS, Workers

READY = "import os, pathlib, signal; pathlib.Path(os.environ['HAULIER_HEALTH_FILE']).touch(); signal.pause()"
BROKEN = "import sys; sys.exit('no module named worker')"
IDLE = Depth(waiting=0, in_flight=0)
INFO = StackInfo(
    endpoint_url="", region="", environment="", account="", pid=0, directory="", input_bucket="", output_bucket=""
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.prepare()
    return home


@pytest.fixture
def lock(home: Home) -> Iterator[int]:
    taken = take_lock(home.lock)
    assert taken is not None
    yield taken
    os.close(taken)


def pool(home: Home, lock: int, most: int, program: str = READY) -> Workers:
    return Workers(home, most=most, environment=dict(os.environ), lock=lock, command=(sys.executable, "-c", program))


def pids(workers: Workers) -> list[int]:
    return workers.described_in(INFO).workers


def kill(pid: int) -> None:
    """Kills a worker and waits until the system knows it, without taking its exit code from the pool."""
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


def test_as_many_workers_are_ready_as_were_asked_for(home: Home, lock: int):
    with pool(home, lock, 2) as workers:
        workers.wait_until_ready()
        running = pids(workers)
        assert len(set(running)) == 2
    for pid in running:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_worker_that_cannot_start_is_told_with_the_end_of_its_log(home: Home, lock: int):
    with pool(home, lock, 1, BROKEN) as workers, pytest.raises(StartFailed, match="worker 0 ended with code 1") as told:
        workers.wait_until_ready()
    assert "no module named worker" in told.value.hint


def test_a_killed_worker_is_replaced_after_a_short_pause(home: Home, lock: int):
    with pool(home, lock, 1) as workers:
        workers.wait_until_ready()
        (before,) = pids(workers)
        kill(before)
        now = time.monotonic()
        workers.tick(now, IDLE)
        assert pids(workers) == []
        workers.tick(now + FIRST_PAUSE_SECONDS, IDLE)
        (after,) = pids(workers)
        assert after != before


def test_a_worker_that_lived_long_is_replaced_at_once(home: Home, lock: int):
    with pool(home, lock, 1) as workers:
        workers.wait_until_ready()
        (before,) = pids(workers)
        kill(before)
        workers.tick(time.monotonic() + 3600, IDLE)
        assert pids(workers) != [before]
        assert len(pids(workers)) == 1


def test_a_worker_that_dies_again_and_again_is_given_longer_pauses(home: Home, lock: int):
    with pool(home, lock, 1) as workers:
        now = time.monotonic()
        pauses = []
        for _ in range(8):
            kill(pids(workers)[0])
            workers.tick(now, IDLE)
            pause = 0.0
            while not pids(workers):
                pause += 0.5
                workers.tick(now + pause, IDLE)
            pauses.append(pause)
            now += pause
        assert pauses == sorted(pauses)
        assert pauses[0] == FIRST_PAUSE_SECONDS
        assert pauses[-1] == LONGEST_PAUSE_SECONDS


def test_idle_workers_go_one_by_one_and_come_back_at_once(home: Home, lock: int):
    with pool(home, lock, 3) as workers:
        now = time.monotonic()
        workers.tick(now + IDLE_SECONDS / 2, IDLE)
        assert len(pids(workers)) == 3
        for left in (2, 1, 1):
            now += IDLE_SECONDS + 1
            workers.tick(now, IDLE)
            assert len(pids(workers)) == left
        workers.tick(now, Depth(waiting=100, in_flight=0))
        assert len(pids(workers)) == 3


def test_nobody_is_stopped_while_the_depth_is_not_known(home: Home, lock: int):
    with pool(home, lock, 2) as workers:
        workers.tick(time.monotonic() + 10 * IDLE_SECONDS, None)
        assert len(pids(workers)) == 2


def test_a_stack_without_workers_starts_none(home: Home, lock: int):
    with pool(home, lock, 0) as workers:
        workers.wait_until_ready()
        workers.tick(time.monotonic(), Depth(waiting=5, in_flight=0))
        assert pids(workers) == []

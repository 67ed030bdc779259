"""The worker processes: started as haulier.local starts them, with terms of their own, through the proxy."""

import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from haulier.contracts import environment as variables
from haulier.local.clone import repository
from haulier.local.errors import StartFailed
from haulier.local.processes import tail, terminate
from tests.chaos.schedule import HEALTHY, WorkerTerms

AGAIN_SECONDS = 0.3
READY_SECONDS = 60
GIVE_UP_SECONDS = 25
"""A worker that was asked to stop and has not: that is a violation, and it is killed."""

STOPPED = (0, 5, -signal.SIGTERM, -signal.SIGKILL)
"""Codes of a stop: all given back; something left behind, whose lease runs out; struck before it could listen; killed
while it stopped."""


@dataclass
class Place:
    """One worker's place.

    Attributes:
        process: what is in it now.
        following: terms of the next process in it.
        frozen: SIGSTOP was sent, SIGCONT was not.
        stop_by: when a stop that was asked for must have ended (monotonic).
        blow: what ended, or is ending, the present process.
    """

    process: subprocess.Popen[bytes] | None = None
    following: WorkerTerms = HEALTHY
    frozen: bool = False
    stop_by: float | None = None
    blow: str = ""
    free_at: float = 0.0


class Pool:
    """Workers, and what is done to them.

    Args:
        environments: of each worker, but for its terms; AWS_ENDPOINT_URL is the proxy's.
        logs: a directory for their logs and health files.
        first: terms of the first processes.

    Attributes:
        done: how often each blow was dealt.
        exits: how often each exit code was seen, by what had been done to the worker.
        problems: what no worker may do, in words.
    """

    def __init__(self, environments: list[dict[str, str]], logs: Path, first: list[WorkerTerms]) -> None:
        self._environments = environments
        self._logs = logs
        self._places = [Place(following=terms) for terms in first]
        self.done: Counter[str] = Counter()
        self.exits: Counter[str] = Counter()
        self.problems: list[str] = []

    def tick(self) -> None:
        """Looks who has ended, and fills empty places."""
        now = time.monotonic()
        for number, place in enumerate(self._places):
            self._reap(number, place, now)
            if place.process is None and now >= place.free_at:
                place.process = self._spawn(number, place.following)

    def wait_until_ready(self) -> None:
        """Starts all, and waits until each has touched its health file.

        Raises:
            StartFailed: one ended, or is not ready in time; the hint is the end of its log.
        """
        self.tick()
        deadline = time.monotonic() + READY_SECONDS
        for number, place in enumerate(self._places):
            while not self._file(number, "health").exists():
                if place.process is None or place.process.poll() is not None or time.monotonic() > deadline:
                    raise StartFailed(f"worker {number} did not start", tail(self._file(number, "log")))
                time.sleep(0.1)

    def kill(self, number: int, following: WorkerTerms) -> None:
        self._strike(number, "kill", following, signal.SIGKILL)

    def stop(self, number: int, following: WorkerTerms, *, hurry: bool = False) -> None:
        """SIGTERM; a second one right after it if `hurry`."""
        place = self._strike(number, "hurry" if hurry else "stop", following, signal.SIGTERM)
        if place is not None:
            place.stop_by = time.monotonic() + GIVE_UP_SECONDS
            if hurry and place.process is not None:
                time.sleep(0.2)
                place.process.send_signal(signal.SIGTERM)

    def freeze(self, number: int) -> int | None:
        """SIGSTOP; returns whom, None if there is nobody to freeze."""
        struck = self._up(number)
        if struck is None:
            return None
        place = self._places[struck]
        assert place.process is not None
        place.process.send_signal(signal.SIGSTOP)
        place.frozen = True
        self.done["freeze"] += 1
        return struck

    def wake(self, number: int) -> None:
        """SIGCONT, if it is frozen; the one that was may have been killed meanwhile."""
        place = self._places[number]
        if place.frozen and place.process is not None:
            place.process.send_signal(signal.SIGCONT)
            place.frozen = False
            self.done["wake"] += 1

    def calm(self) -> None:
        """Wakes the frozen; whoever is started from now on is healthy."""
        for number, place in enumerate(self._places):
            self.wake(number)
            place.following = HEALTHY

    def close(self) -> None:
        """Asks all to stop, in order, and notes who does not."""
        self.calm()
        for number, place in enumerate(self._places):
            if place.process is not None and place.process.poll() is None:
                place.blow = place.blow or "end"
                place.process.terminate()
                place.stop_by = place.stop_by or time.monotonic() + GIVE_UP_SECONDS
            self._reap(number, place, time.monotonic())
        while any(place.process is not None for place in self._places):
            time.sleep(0.1)
            for number, place in enumerate(self._places):
                self._reap(number, place, time.monotonic())

    def destroy(self) -> None:
        """Leaves nothing running, whatever happened."""
        for number in range(len(self._places)):
            self.wake(number)
        terminate([place.process for place in self._places if place.process is not None], seconds=2)

    def _strike(self, number: int, blow: str, following: WorkerTerms, sent: signal.Signals) -> Place | None:
        struck = self._up(number, frozen=sent is signal.SIGKILL)
        if struck is None:
            return None
        place = self._places[struck]
        assert place.process is not None
        place.following = following
        place.process.send_signal(sent)
        place.blow = blow
        self.done[blow] += 1
        return place

    def _up(self, number: int, *, frozen: bool = False) -> int | None:
        """The worker with that number, or the next that is up; one that only starts would learn nothing from a blow."""
        for step in range(len(self._places)):
            candidate = (number + step) % len(self._places)
            place = self._places[candidate]
            running = place.process is not None and place.process.poll() is None and place.stop_by is None
            if running and (frozen or not place.frozen) and self._file(candidate, "health").exists():
                return candidate
        return None

    def _reap(self, number: int, place: Place, now: float) -> None:
        process = place.process
        if process is None:
            return
        code = process.poll()
        if code is None:
            if place.stop_by is not None and now > place.stop_by and not place.frozen:
                self.problems.append(f"worker {number} (pid {process.pid}) did not stop within {GIVE_UP_SECONDS} s")
                process.kill()
                place.stop_by = None
            return
        self.exits[f"{place.blow or 'by itself'}: {code}"] += 1
        if not place.blow:
            self.problems.append(f"worker {number} (pid {process.pid}) ended by itself with code {code}")
        elif place.blow in ("stop", "hurry", "end") and code not in STOPPED:
            self.problems.append(f"worker {number} (pid {process.pid}) ended its stop with code {code}")
        place.process, place.frozen, place.stop_by, place.blow = None, False, None, ""
        place.free_at = now + AGAIN_SECONDS

    def _file(self, number: int, kind: str) -> Path:
        return self._logs / f"worker-{number}.{kind}"

    def _spawn(self, number: int, terms: WorkerTerms) -> subprocess.Popen[bytes]:
        settings = {
            variables.WORKER_SLOTS: str(terms.slots),
            variables.LEASE_SECONDS: str(terms.lease_seconds),
            variables.VISIBILITY_SECONDS: str(terms.lease_seconds),
            variables.HEARTBEAT_SECONDS: str(terms.heartbeat_seconds),
            variables.DRAIN_SECONDS: str(terms.drain_seconds),
            # Failures that chaos causes must not spend a good job; that they can be spent is tested in tests/faults.
            variables.MAX_ATTEMPTS: "1000",
            variables.HEALTH_FILE: str(self._file(number, "health")),
        }
        self._file(number, "health").unlink(missing_ok=True)
        with self._file(number, "log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.chaos.skewed", str(terms.skew_ms)],
                cwd=repository(),
                env={**self._environments[number], **settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

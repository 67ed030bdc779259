"""Plays the schedule: every act at its time, and what an act leaves for later after it."""

import heapq
import itertools
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from queue import SimpleQueue

from botocore.exceptions import BotoCoreError, ClientError

from haulier.client import HaulierError
from tests.chaos.meddling import Meddling
from tests.chaos.pool import Pool
from tests.chaos.proxy import Ambush, Proxy
from tests.chaos.schedule import BLOWS, Act, Schedule

TICK_SECONDS = 0.05


class Driver:
    """Plays a schedule through pool, meddling and proxy.

    Args:
        schedule: what happens when.
        pool: the workers.
        meddling: users and the network.
        proxy: where ambushes are laid.
        record: a JSON Lines file of what was done when.

    Attributes:
        failed_acts: what could not be done, in words.
    """

    def __init__(self, schedule: Schedule, pool: Pool, meddling: Meddling, proxy: Proxy, record: Path) -> None:
        self._schedule = schedule
        self._proxy = proxy
        self._frozen: SimpleQueue[tuple[int, float]] = SimpleQueue()
        self._pool = pool
        self._meddling = meddling
        self._record = record
        self._order = itertools.count()
        self._due: list[tuple[float, int, str, Callable[[], object]]] = []
        self.failed_acts: list[str] = []

    def play(self) -> None:
        """Until the schedule's time is over; what is due later is done at once then, so that nothing stays frozen."""
        for act in self._schedule.acts:
            self._later(act.at, act.kind, partial(self._perform, act))
        began = time.monotonic()
        # A redrive reads queues for seconds; who is to be killed meanwhile must not wait for it.
        with self._record.open("w") as record, ThreadPoolExecutor(1) as self._aside:
            while (now := time.monotonic() - began) < self._schedule.seconds:
                self._pool.tick()
                while not self._frozen.empty():
                    worker, seconds = self._frozen.get()
                    self._later(now + seconds, "wake", partial(self._pool.wake, worker))
                if self._due and self._due[0][0] <= now:
                    planned, _, what, due = heapq.heappop(self._due)
                    self._try(what, due)
                    line = {"planned": planned, "began": round(now, 3), "ended": time.monotonic() - began, "what": what}
                    record.write(json.dumps(line) + "\n")
                else:
                    time.sleep(TICK_SECONDS)
            self._aside.shutdown(cancel_futures=True)
        for _, _, what, due in sorted(self._due):
            if what in ("wake", "again"):
                self._try(what, due)

    def _later(self, at: float, what: str, act: Callable[[], object]) -> None:
        heapq.heappush(self._due, (at, next(self._order), what, act))

    def _try(self, what: str, act: Callable[[], object]) -> None:
        try:
            act()
        except (ClientError, BotoCoreError, HaulierError) as error:
            # The emulator under load, or a message that is gone: the act fails, the run goes on and says so.
            self.failed_acts.append(f"{what}: {type(error).__name__}: {error}")
            sys.stderr.write(f"chaos: {self.failed_acts[-1]}\n")

    def _perform(self, act: Act) -> None:
        if act.kind == "put":
            self._meddling.put(act.cargo)
        elif act.kind in BLOWS:
            self._blow(act)
        elif act.kind == "resend":
            for n, (queue, body) in enumerate(self._meddling.copies(act.draw)):
                late = act.at + act.seconds * (n + 1) / 2
                self._later(late, "again", partial(self._meddling.send_again, queue, body))
        else:
            self._aside.submit(self._try, act.kind, partial(self._meddling.meddle, act))

    def _blow(self, act: Act) -> None:
        if act.ambush:
            self._proxy.lie_in_wait(Ambush(act.ambush, act.after, partial(self._strike, act)))
        else:
            self._strike(act, act.worker)

    def _strike(self, act: Act, worker: int) -> None:
        """Deals the blow; by the proxy's thread where it comes from an ambush."""
        match act.kind:
            case "kill":
                self._pool.kill(worker, act.terms)
            case "freeze":
                frozen = self._pool.freeze(worker)
                if frozen is not None:
                    self._frozen.put((frozen, act.seconds))
            case _:
                self._pool.stop(worker, act.terms, hurry=act.kind == "hurry")

"""The workers: started, started again when they die, and scaled by what waits in the queues."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from haulier.contracts import environment as variables
from haulier.contracts.names import Names
from haulier.jobs.scaling import ScalingPolicy, desired_workers
from haulier.local.backlog import Depth, queue_url
from haulier.local.clone import repository
from haulier.local.errors import StartFailed
from haulier.local.home import Home
from haulier.local.processes import tail, terminate
from haulier.local.stack import StackInfo
from haulier.local.synthesis import LEASE_SECONDS

SLOTS = 2
"""The least a worker may have, so that bulk work never holds all of them."""
READY_SECONDS = 30
STOP_SECONDS = 5
IDLE_SECONDS = 300
"""How long fewer workers must suffice until one is stopped: a worker takes seconds to start."""
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 15.0
SETTLED_SECONDS = 10.0
"""A worker that lived longer than this starts again without a pause."""


@dataclass
class Worker:
    """One place in the pool, and the process in it."""

    number: int
    process: subprocess.Popen[bytes]
    started: float
    log: Path
    health: Path


class Workers:
    """The pool. Stopped on leaving.

    Args:
        home: where logs and health files go.
        most: how many may run at once.
        environment: of every worker; HEALTH_FILE is added.
        lock: descriptor that every worker inherits, so that a stack is held while one lives.
        command: what a worker is; a test's own.
    """

    def __init__(
        self,
        home: Home,
        *,
        most: int,
        environment: Mapping[str, str],
        lock: int,
        command: Sequence[str] = (sys.executable, "-m", "worker"),
    ) -> None:
        self._command = list(command)
        self._home = home
        self._environment = environment
        self._lock = lock
        self._policy = ScalingPolicy(min_workers=min(1, most), max_workers=most, messages_per_worker=SLOTS)
        self._wanted = most
        self._running: dict[int, Worker] = {}
        self._pauses: dict[int, float] = {}
        self._not_before: dict[int, float] = {}
        self._busy_until = time.monotonic()

    def __enter__(self) -> Self:
        self._fill(time.monotonic())
        return self

    def __exit__(self, *_: object) -> None:
        terminate([worker.process for worker in self._running.values()], seconds=STOP_SECONDS)

    def described_in(self, info: StackInfo) -> StackInfo:
        """`info` with the process ids of now."""
        return replace(info, workers=[worker.process.pid for _, worker in sorted(self._running.items())])

    def wait_until_ready(self) -> None:
        """Until each worker has touched its health file.

        Raises:
            StartFailed: one died, or is not ready after half a minute; the hint is the end of its log.
        """
        deadline = time.monotonic() + READY_SECONDS
        for worker in self._running.values():
            while not worker.health.exists():
                if worker.process.poll() is not None:
                    raise StartFailed(
                        f"worker {worker.number} ended with code {worker.process.returncode}", tail(worker.log)
                    )
                if time.monotonic() > deadline:
                    raise StartFailed(f"worker {worker.number} is not ready after {READY_SECONDS} s", tail(worker.log))
                time.sleep(0.05)

    def tick(self, now: float, depth: Depth | None) -> None:
        """Replaces the dead, and grows or shrinks towards what the backlog asks for."""
        self._reap(now)
        if depth is not None:
            self._scale(now, depth)
        self._fill(now)

    def _reap(self, now: float) -> None:
        for number, worker in list(self._running.items()):
            if worker.process.poll() is None:
                continue
            del self._running[number]
            lived = now - worker.started
            pause = (
                0.0
                if lived > SETTLED_SECONDS
                else min(LONGEST_PAUSE_SECONDS, max(FIRST_PAUSE_SECONDS, 2 * self._pauses.get(number, 0.0)))
            )
            self._pauses[number] = pause
            self._not_before[number] = now + pause
            sys.stderr.write(f"worker {number} ended with code {worker.process.returncode}, again in {pause:.1f} s\n")
            sys.stderr.flush()

    def _scale(self, now: float, depth: Depth) -> None:
        wanted = desired_workers(depth.waiting, depth.in_flight, self._wanted, self._policy)
        if wanted >= self._wanted:
            self._wanted = wanted
            self._busy_until = now
        elif now - self._busy_until > IDLE_SECONDS:
            self._wanted = wanted
            self._busy_until = now
            surplus = [worker for number, worker in self._running.items() if number >= wanted]
            for worker in surplus:
                del self._running[worker.number]
            terminate([worker.process for worker in surplus], seconds=STOP_SECONDS)

    def _fill(self, now: float) -> None:
        for number in range(self._wanted):
            if number not in self._running and now >= self._not_before.get(number, 0.0):
                self._running[number] = self._spawn(number, now)

    def _spawn(self, number: int, now: float) -> Worker:
        path = self._home.logs / f"worker-{number}.log"
        health = self._home.health / f"worker-{number}"
        health.unlink(missing_ok=True)
        with path.open("ab") as log:
            process = subprocess.Popen(
                self._command,
                cwd=repository(),
                env={**self._environment, variables.HEALTH_FILE: str(health)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(self._lock,),
            )
        return Worker(number=number, process=process, started=now, log=path, health=health)


def worker_environment(info: StackInfo, home: Home) -> dict[str, str]:
    """What every worker is told; the same variables as a task on AWS has, with the short leases of a laptop."""
    names = Names(info.environment)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR") if name in os.environ}
    return kept | {
        "AWS_ENDPOINT_URL": info.endpoint_url,
        "AWS_DEFAULT_REGION": info.region,
        "AWS_CONFIG_FILE": str(home.aws_config),
        "AWS_SHARED_CREDENTIALS_FILE": str(home.temporary / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
        # The credential process is found whatever directory it is started in.
        "PYTHONPATH": str(repository()),
        # Fresh memory is the cost of moving bytes; glibc keeps what it has (shared measurements, section 2).
        "MALLOC_MMAP_THRESHOLD_": "1073741824",
        "MALLOC_TRIM_THRESHOLD_": "4294967296",
        variables.ENVIRONMENT: info.environment,
        variables.TABLE: names.table,
        variables.BUCKET_OWNER: info.account,
        variables.OUTPUT_BUCKET: info.output_bucket,
        variables.PRIORITY_QUEUE_URL: queue_url(info, names.queue("priority")),
        variables.STANDARD_QUEUE_URL: queue_url(info, names.queue("standard")),
        variables.BULK_QUEUE_URL: queue_url(info, names.queue("bulk")),
        variables.ONDEMAND_QUEUE_URL: queue_url(info, names.queue("ondemand")),
        variables.PRIORITY_DLQ_URL: queue_url(info, names.dlq("priority")),
        variables.STANDARD_DLQ_URL: queue_url(info, names.dlq("standard")),
        variables.BULK_DLQ_URL: queue_url(info, names.dlq("bulk")),
        variables.ONDEMAND_DLQ_URL: queue_url(info, names.dlq("ondemand")),
        variables.WORKER_SLOTS: str(SLOTS),
        variables.LEASE_SECONDS: str(LEASE_SECONDS),
        variables.VISIBILITY_SECONDS: str(LEASE_SECONDS),
        variables.HEARTBEAT_SECONDS: "4",
        variables.DRAIN_SECONDS: "10",
        variables.LOG_FORMAT: "json",
    }

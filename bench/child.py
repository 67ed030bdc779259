"""A way in a process of its own, its memory watched from outside twenty times a second."""

import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from bench.job import Answer, Job
from bench.ways.registry import OURS, way

SAMPLES_A_SECOND = 20
_REPOSITORY = Path(__file__).resolve().parents[1]
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
MALLOC = {"MALLOC_MMAP_THRESHOLD_": "1073741824", "MALLOC_TRIM_THRESHOLD_": "4294967296"}
"""As `haulier.local.workers` gives them to every worker; the other ways run as they come."""


class WayFailed(Exception):
    """The way ended with an error. The text is the last line it said; all of it went to standard error."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of one way.

    Attributes:
        answer: its own account.
        anon_bytes: greatest anonymous memory seen (RssAnon of /proc/PID/status).
        rss_bytes: greatest resident memory, by the kernel (VmHWM).
    """

    answer: Answer
    anon_bytes: int
    rss_bytes: int


class Child:
    """A way that was started. `wait` gives what it came to."""

    def __init__(self, job: Job) -> None:
        self._job = job
        environment = {**os.environ, **_ENVIRONMENT, **(MALLOC if job.way in OURS else {})}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench", "way", job.to_json()],
            cwd=_REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.anon = self.rss = 0
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def wait(self) -> Measured:
        """Raises: WayFailed."""
        try:
            out, said = self._process.communicate()
        finally:
            self._ended.set()
            self._watcher.join()
        if self._process.returncode:
            sys.stderr.write(said)
            raise WayFailed(f"{self._job.recipe.key}: {(said.splitlines() or ['it said nothing'])[-1]}")
        return Measured(Answer.from_json(out.splitlines()[-1]), self.anon, self.rss)

    def stop(self) -> None:
        """Ends it if it still runs: the one beside it failed, or nobody waits any more."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _watch(self) -> None:
        status = Path(f"/proc/{self._process.pid}/status")
        while not self._ended.wait(1 / SAMPLES_A_SECOND):
            try:
                found = memory_of(status.read_text())
            except OSError:
                return
            self.anon, self.rss = max(self.anon, found[0]), max(self.rss, found[1])


def memory_of(status: str) -> tuple[int, int]:
    """Anonymous memory now and resident memory at most, in bytes, from a /proc/PID/status."""
    values = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)

    def in_bytes(name: str) -> int:
        return int(values.get(name, "0 kB").split()[0]) * 1024

    return in_bytes("RssAnon"), in_bytes("VmHWM")


def main(job: Job) -> int:
    """The child: its answer on standard output."""
    # A library that prints must not end up in the answer: the last line is ours.
    print(way(job.way)(job).to_json(), flush=True)
    return 0

"""What users and an unreliable network do while the workers die: the same message again, an old event, a cancel too
late. Each takes a draw that picks among what there is.
"""

import itertools
import json
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

from haulier.client import Client
from haulier.client.errors import HaulierError
from tests.chaos.cargo import Cargo, load
from tests.chaos.proxy import Proxy
from tests.chaos.schedule import Act, Schedule
from tests.chaos.stack import Stack
from tests.chaos.verdict import Put

T = TypeVar("T")
OPEN = ("ACCEPTED", "QUEUED", "RUNNING", "SEALED")
OVER = ("SUCCEEDED", "FAILED", "CANCELLED")
REPLACEABLE = ("small", "cut", "guesses", "large")
"""Kinds whose key also fits the small file that replaces it."""


class Meddling:
    """Attributes:
    puts: every object that was put, in order.
    cancelled: jobs of which a cancel was asked for.
    done: how often each thing was really done.
    """

    def __init__(self, stack: Stack, client: Client, proxy: Proxy, schedule: Schedule) -> None:
        self._stack = stack
        self._client = client
        self._proxy = proxy
        self._seed = schedule.seed
        self._numbers = itertools.count()
        self.puts: list[Put] = []
        self.cancelled: set[str] = set()
        self.done: Counter[str] = Counter()
        self._by_kind: dict[str, Callable[[Act], bool]] = {
            "same_event": self._same_event,
            "older_event": self._older_event,
            "unreadable": self._unreadable,
            "cancel": self._cancel,
            "cancel_and_retry": self._cancel_and_retry,
            "retry": self._retry,
            "redrive": self._redrive,
            "overwrite": self._overwrite,
            "delete": self._delete,
        }

    def put(self, kind: str) -> None:
        cargo = load(self._seed, next(self._numbers), kind)
        self._put(cargo.key, cargo)

    def meddle(self, act: Act) -> None:
        if self._by_kind[act.kind](act):
            self.done[act.kind] += 1

    def send_again(self, queue: str, body: str) -> None:
        """A copy of a message that some worker received, whatever has become of its job since."""
        self._stack.sqs.send_message(QueueUrl=queue, MessageBody=body)
        self.done["resend"] += 1

    def copies(self, draw: float) -> list[tuple[str, str]]:
        """Some of the messages workers received, in another order."""
        seen = list(self._proxy.seen)
        wanted = 1 + int(draw * 5)
        return [seen[int((draw * (n + 1) * 7919) % 1 * len(seen))] for n in range(wanted)] if seen else []

    def _put(self, key: str, cargo: Cargo) -> None:
        etag = self._stack.put(key, cargo.body)
        self.puts.append(
            Put(key, etag, cargo.kind, partial(_body, self._seed, cargo.number, cargo.kind), set(cargo.ends))
        )

    def _jobs(self, *states: str) -> list[dict[str, Any]]:
        jobs = [item for item in self._stack.items() if item["sk"] == "job" and item["status"] in states]
        return sorted(jobs, key=lambda job: (job["key"], job["job_id"]))

    def _same_event(self, act: Act) -> bool:
        job = _pick([job for job in self._jobs(*OPEN, *OVER) if job.get("sequencer")], act.draw)
        if job is None:
            return False
        for _ in range(2):
            self._send_event(job, job["sequencer"])
        return True

    def _older_event(self, act: Act) -> bool:
        job = _pick([job for job in self._jobs(*OPEN, *OVER) if job.get("sequencer")], act.draw)
        if job is None:
            return False
        self._send_event(job, f"{int(act.draw * 0xFFFF):04x}".rjust(16, "0"))
        return True

    def _send_event(self, job: dict[str, Any], sequencer: str) -> None:
        described = {"key": job["key"], "size": job["size"], "etag": job["etag"], "sequencer": sequencer}
        detail = {"version": "0", "bucket": {"name": job["bucket"]}, "object": described, "reason": "PutObject"}
        body = {"version": "0", "id": "e", "source": "aws.s3", "detail-type": "Object Created", "detail": detail}
        self._stack.send(self._stack.names.queue("intake"), json.dumps(body))

    def _unreadable(self, act: Act) -> bool:
        names = self._stack.names
        self._stack.send(names.queue("standard"), f"nonsense {act.draw}")
        stranger = {"version": 1, "job_id": "j" + "a" * 26, "run": 1, "chunk": 0}
        self._stack.send(names.queue("bulk"), json.dumps(stranger))
        self._stack.send(names.queue("intake"), f'{{"nonsense": {act.draw}}}')
        return True

    def _cancel(self, act: Act) -> bool:
        job = _pick(self._jobs(*OPEN), act.draw)
        return job is not None and self._cancelled(job["job_id"])

    def _cancelled(self, job_id: str) -> bool:
        self.cancelled.add(job_id)
        return _tried(lambda: self._client.cancel(job_id))

    def _cancel_and_retry(self, act: Act) -> bool:
        """Run 2 begins while workers of run 1 still work."""
        job = _pick([job for job in self._jobs("RUNNING") if job.get("chunked")], act.draw)
        if job is None or not self._cancelled(job["job_id"]):
            return False
        return _tried(lambda: self._client.retry(job["job_id"]))

    def _retry(self, act: Act) -> bool:
        job = _pick(self._jobs(*OVER), act.draw)
        return job is not None and _tried(lambda: self._client.retry(job["job_id"]))

    def _redrive(self, act: Act) -> bool:
        return _tried(self._client.redrive)

    def _overwrite(self, act: Act) -> bool:
        victim = _pick(self._standing(), act.draw)
        if victim is None:
            return False
        self._spoil(victim.key, "source_changed")
        cargo = load(self._seed, next(self._numbers), "small")
        self._put(victim.key, cargo)
        return True

    def _delete(self, act: Act) -> bool:
        victim = _pick(self._standing(), act.draw)
        if victim is None:
            return False
        self._spoil(victim.key, "source_gone")
        self._stack.delete(victim.key)
        victim.deleted = True
        return True

    def _standing(self) -> list[Put]:
        """The newest of the objects that may be replaced: their jobs are probably not over."""
        newest = {put.key: put for put in self.puts if put.kind in REPLACEABLE}
        return [put for put in list(newest.values())[-6:] if not put.deleted]

    def _spoil(self, key: str, code: str) -> None:
        for put in self.puts:
            if put.key == key:
                put.ends |= {("FAILED", code), ("REJECTED", "superseded")}


def _body(seed: int, number: int, kind: str) -> bytes:
    return load(seed, number, kind).body


def _pick(among: Sequence[T], draw: float) -> T | None:
    return among[int(draw * len(among))] if among else None


def _tried(act: Callable[[], object]) -> bool:
    """Whether it was allowed; the job may have moved on since it was looked at."""
    try:
        act()
    except HaulierError:
        return False
    return True

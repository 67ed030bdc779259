"""Reads everything that is left, and keeps what a person needs to find out why."""

import json
import shutil
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.chaos.meddling import Meddling
from tests.chaos.pool import Pool
from tests.chaos.stack import WORK, Stack
from tests.chaos.verdict import Evidence

NEVER = frozenset({"work.crashed", "duty.died"})
"""Events no worker may log: a bug was caught at the last edge."""


def gather(stack: Stack, pool: Pool, meddling: Meddling, log_problems: list[str]) -> Evidence:
    """Everything the verdict needs. The dead-letter and results queues are emptied by it."""
    names = stack.names
    letters = [{**letter, "queue": queue} for queue in WORK for letter in stack.drain(names.dlq(queue))]
    return Evidence(
        puts=meddling.puts,
        cancelled=meddling.cancelled,
        items=stack.items(),
        keys=[key for prefix in ("processed/", "rejected/", "temp/") for key in stack.listing(prefix)],
        read=stack.get,
        uploads=stack.uploads(),
        depths={queue: stack.depth(names.queue(queue)) for queue in WORK},
        executions=stack.executions(),
        letters=letters,
        told=[json.loads(message["Body"]) for message in stack.drain(names.results_queue)],
        problems=[*pool.problems, *log_problems],
        now_ms=time.time_ns() // 1_000_000,
    )


def read_logs(logs: Path) -> tuple[Counter[str], list[str]]:
    """How often each event was logged by the workers, and lines no worker may write."""
    events: Counter[str] = Counter()
    problems: list[str] = []
    for path in sorted(logs.glob("worker-*.log")):
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            try:
                entry: Mapping[str, Any] = json.loads(line)
            except ValueError:
                # A line a kill cut off is no complaint; a traceback is.
                if "Error" in line or "Traceback" in line or "Unclosed" in line:
                    problems.append(f"{path.name}:{number}: {line[:300]}")
                continue
            events[entry.get("event", "?")] += 1
            if entry.get("event") in NEVER:
                problems.append(f"{path.name}:{number}: {entry['event']}: {entry.get('reason')}")
    return events, problems


def keep(evidence: Evidence, directory: Path) -> None:
    """Table, letters, told events and what was put."""
    for name in ("items", "keys", "letters", "told", "uploads", "depths", "executions"):
        (directory / f"{name}.json").write_text(json.dumps(getattr(evidence, name), indent=1, default=str))
    puts = [{"key": put.key, "etag": put.etag, "kind": put.kind, "ends": sorted(put.ends)} for put in evidence.puts]
    (directory / "puts.json").write_text(json.dumps(puts, indent=1))


def keep_logs(directory: Path, home: Path) -> None:
    """The stack's own logs, which go when it goes."""
    if (home / "logs").is_dir():
        shutil.copytree(home / "logs", directory / "stack-logs", dirs_exist_ok=True)

"""Identifiers, derived from content where two events must find the same thing."""

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from typing import NewType

from haulier.contracts.limits import EXECUTION_NAME_CHARS, INDEX_SHARDS

JobId = NewType("JobId", str)
AttemptId = NewType("AttemptId", str)

JOB_ID_PATTERN = r"^j[a-z2-7]{26}$"
_JOB_ID = re.compile(JOB_ID_PATTERN)


def job_id(*, source: Mapping[str, str], operation: str, dataset: str, cause: str) -> JobId:
    """Derives a job's id: `j` and 26 characters of base32 (130 bits of SHA-256).

    Args:
        source: what names the object's content: bucket, key, and version or sequencer; or a URL.
        operation: what is done to it, `records` for instance.
        dataset: the dataset's name.
        cause: empty for storage events, so that a second delivery finds the first one's job; the scheduled time, or
            the caller's own key, where the same object may be asked for again.
    """
    identity = {"source": dict(source), "operation": operation, "dataset": dataset, "cause": cause}
    canonical = json.dumps(identity, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
    return JobId("j" + base64.b32encode(hashlib.sha256(canonical).digest()).decode().lower()[:26])


def is_job_id(text: str) -> bool:
    return _JOB_ID.fullmatch(text) is not None


def new_attempt_id() -> AttemptId:
    return AttemptId(uuid.uuid4().hex)


def shard_of(job: str) -> int:
    """Which write shard of the status index a job lies in."""
    return hashlib.sha256(job.encode()).digest()[0] % INDEX_SHARDS


def execution_name(job: str, run: int, accepted_at_ms: int, restart: int = 0) -> str:
    """Names a state machine execution: the same job, run and acceptance give the same name, so that a second
    StartExecution is the first one. At most 80 characters.

    Args:
        job: the job's id.
        run: the run's number, from 1.
        accepted_at_ms: when the run was accepted, milliseconds since the epoch.
        restart: how often the janitor had to start the run's execution again.
    """
    name = f"{job}-r{run:04d}-{accepted_at_ms}-{restart}"
    if len(name) > EXECUTION_NAME_CHARS:
        raise ValueError(f"execution name {name!r} has more than {EXECUTION_NAME_CHARS} characters")
    return name

"""Which chunks one pass of the state machine sends, and what its functions answer.

A pass is one run of the Distributed Map over a list in S3. Pass 0 is the plan; later ones are what the assembler found
missing or broken. An answer always has all of its fields, so that no path in the state machine can miss one.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from haulier.contracts.keys import plan_key
from haulier.contracts.limits import JOB_TTL_SECONDS
from haulier.contracts.states import JobState
from haulier.jobs.calls import Call, ConditionFailed, Steps
from haulier.jobs.items import JobItem, chunk_sk
from haulier.jobs.prove import Broken, Redo, Unfinished
from haulier.jobs.writes import update

MAX_PASSES = 60
"""More than `jobs.prove` can need (a few parallel rounds, then spans that double: 14 for 10,000 chunks) with as many
again for chunks whose wait timed out. A run that needs more is failed by the state machine's Abandon."""

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """Chunks to send: (index, round) each, in the order of the source."""

    pass_number: int
    chunks: tuple[tuple[int, int], ...]


def order_pass(
    bucket: str, job: JobItem, order: Order, queue_urls: Mapping[str, str], *, queue: str | None = None
) -> Steps[Answer]:
    """Writes the list of a pass and answers `work`. Doing it twice writes the same list.

    Args:
        bucket: where the list goes.
        job: the job.
        order: what is to be sent.
        queue_urls: each of `contracts.dataset.WORK_QUEUES` → URL.
        queue: the work queue; the job's if not given.
    """
    key = plan_key(job.job_id, job.run, order.pass_number)
    listed = [{"chunk": chunk, "round": round_} for chunk, round_ in order.chunks]
    yield Call(
        "s3",
        "put_object",
        {
            "Bucket": bucket,
            "Key": key,
            "Body": json.dumps(listed, separators=(",", ":")).encode(),
            "ContentType": "application/json",
        },
    )
    return {
        "job_id": job.job_id,
        "run": job.run,
        "verdict": "work",
        "plan": {"bucket": bucket, "key": key},
        "queue_url": queue_urls[queue or job.queue],
        "group": job.group,
        "pass": order.pass_number,
    }


def over(job_id: str, run: int, state: JobState | None, pass_number: int = 0) -> Answer:
    """The answer where there is nothing left to send: `done` for a job that succeeded, `failed` for any other."""
    return {
        "job_id": job_id,
        "run": run,
        "verdict": "done" if state == JobState.SUCCEEDED else "failed",
        "plan": {"bucket": "", "key": ""},
        "queue_url": "",
        "group": "",
        "pass": pass_number,
    }


def order_redos(table: str, job: JobItem, redos: Iterable[Redo], now_ms: int) -> Steps[None]:
    """Writes where each redo starts and ends, before any worker can be sent to it.

    A crash in the middle leaves some of the round's chunks there without a report: the next assembly finds them missing
    and sends them, and the links that are still broken are found again after them.
    """
    for redo in redos:
        try:
            yield update(
                table,
                job.job_id,
                chunk_sk(job.run, redo.chunk, redo.round),
                sets={
                    "given": redo.given,
                    "end": redo.end,
                    "attempts": redo.failures,
                    "expires_at": now_ms // 1000 + JOB_TTL_SECONDS,
                },
                condition="attribute_not_exists(#given)",
            )
        except ConditionFailed:
            continue  # this assembly was called before, and found the same


def chunks_of(proof: Broken | Unfinished) -> tuple[tuple[int, int], ...]:
    """The chunks and rounds a proof asks for."""
    if isinstance(proof, Unfinished):
        return proof.missing
    return tuple((redo.chunk, redo.round) for redo in proof.redos)

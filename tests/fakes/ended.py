"""Items of jobs that are over, as the table holds them; a test names only what it depends on."""

from typing import Any

from haulier.contracts.events import JobError
from haulier.contracts.ids import job_id
from haulier.contracts.states import JobState
from haulier.jobs.attributes import encode_item
from haulier.jobs.items import JOB_SK, status_shard
from haulier.jobs.times import parse_iso

DAY = "2026-11-20"


def ended(
    name: str,
    *,
    state: str = "SUCCEEDED",
    at: str = f"{DAY}T12:00:00.000Z",
    dataset: str = "flights",
    took_ms: int = 1000,
    code: str | None = None,
    **more: Any,
) -> dict[str, dict[str, Any]]:
    """A job called `name` that ended at a moment.

    Args:
        name: makes the id and the key.
        state: how it ended.
        at: when.
        dataset: its dataset.
        took_ms: since it was accepted.
        code: of its error.
        more: further attributes: `read`, `rejected`, …; None leaves one out.
    """
    job = job_id(source={"name": name}, operation="records", dataset=dataset, cause="")
    values = {
        "job_id": job, "sk": JOB_SK, "status": state, "status_shard": status_shard(JobState(state), job), "run": 1,
        "dataset": dataset, "bucket": "in", "key": f"incoming/{name}.csv", "size": 5, "chunked": False,
        "accepted_at_ms": parse_iso(at) - took_ms, "created_at": at, "updated_at": at, "finished_at": at,
        "queue": "standard", "error": JobError(stage="seal", code=code, message="m").to_json() if code else None,
    }  # fmt: skip
    return encode_item(values | more)

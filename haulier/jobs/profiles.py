"""Where profiles lie in the table, and how a run's comes of them.

The profile of a job's only chunk is committed with its report. Of a job with several chunks each has an item of its own
beside the chunk's, written before the commit and read once, when the run is published: claims, the proof, the janitor
and `haulier status` read every chunk, some of them again and again, and a profile is ten times as long as a report.
"""

from collections.abc import Sequence
from typing import Any

from haulier.contracts.limits import JOB_TTL_SECONDS
from haulier.contracts.profile import ChunkProfile, RunProfile
from haulier.jobs.attributes import decode_item
from haulier.jobs.calls import Call, Steps
from haulier.jobs.items import ChunkItem, JobItem, profiles_prefix
from haulier.jobs.profile import ProfileSum
from haulier.jobs.prove import Proven
from haulier.jobs.writes import update


def put_profile(table: str, job: str, sk: str, profile: ChunkProfile, now_ms: int) -> Call:
    """Stores an attempt's profile, before its commit."""
    sets = {"profile": profile.to_json(), "expires_at": now_ms // 1000 + JOB_TTL_SECONDS}
    return update(table, job, sk, sets=sets)


def run_profile(table: str, job: JobItem, proof: Proven, items: Sequence[ChunkItem]) -> Steps[RunProfile | None]:
    """The run's profile, or None if any record of it was not profiled: records went through unread, or a worker of an
    older or a much newer release wrote them. A profile never stops a run.

    Args:
        table: the job table.
        job: with the run that is proven.
        proof: of its chunks.
        items: every round of every chunk the table holds.
    """
    owners = {id(chunk.report) for chunk in proof.chunks if chunk.report is not None}
    counted = [item for item in items if id(item.report) in owners]
    wanted = {item.committed_attempt for item in counted}
    needed = {item.committed_attempt for item in counted if item.report is not None and item.report.read}
    total, found = ProfileSum(), set()
    try:
        for item in counted:
            if item.profile is not None:
                total.add(ChunkProfile.model_validate_json(item.profile))
                found.add(item.committed_attempt)
        if job.chunked:
            found |= yield from _add_stored(table, job, total, wanted)
    except (ValueError, TypeError, ArithmeticError):
        # Another release's model, or another sketch, or bounds that cannot be compared with ours.
        return None
    return total.result() if found and needed <= found else None


def _add_stored(table: str, job: JobItem, total: ProfileSum, wanted: set[str | None]) -> Steps[set[str | None]]:
    """Adds the stored profiles of these attempts, a page at a time; returns the attempts that had one."""
    params: dict[str, Any] = {
        "TableName": table,
        "ConsistentRead": True,
        "KeyConditionExpression": "job_id = :job AND begins_with(sk, :prefix)",
        "ExpressionAttributeValues": {":job": {"S": job.job_id}, ":prefix": {"S": profiles_prefix(job.run)}},
    }
    found: set[str | None] = set()
    while True:
        answer = yield Call("dynamodb", "query", dict(params))
        for item in answer.get("Items", []):
            values = decode_item(item)
            attempt = values["sk"].rpartition("#")[2]
            if attempt in wanted:
                total.add(ChunkProfile.model_validate_json(values["profile"]))
                found.add(attempt)
        if not answer.get("LastEvaluatedKey"):
            return found
        params["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

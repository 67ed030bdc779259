"""The table's conditional updates as calls. Every change names what it leaves."""

from collections.abc import Mapping, Sequence
from typing import Any

from haulier.contracts.states import JobState, may_precede
from haulier.jobs.attributes import encode
from haulier.jobs.calls import Call, Steps
from haulier.jobs.items import JOB_SK, ChunkItem, JobItem, RunItem, chunks_prefix, key_of, run_sk, status_shard
from haulier.jobs.times import iso


def update(
    table: str,
    job: str,
    sk: str,
    *,
    sets: Mapping[str, Any],
    removes: Sequence[str] = (),
    adds: Mapping[str, int] | None = None,
    condition: str = "",
    names: Mapping[str, str] | None = None,
    values: Mapping[str, Any] | None = None,
) -> Call:
    """An UpdateItem that sets, removes and adds, and hands back the item if its condition does not hold.

    Args:
        table: the table's name.
        job: partition key.
        sk: sort key.
        sets: attribute → value; None removes the attribute.
        removes: attributes to remove.
        adds: attribute → number to add.
        condition: a condition expression over `#names` and `:values` given here.
        names: further expression names; those of sets, removes and adds are made from the attributes.
        values: further expression values.
    """
    gone = [*removes, *(name for name, value in sets.items() if value is None)]
    kept = {name: value for name, value in sets.items() if value is not None}
    clauses = []
    if kept:
        clauses.append("SET " + ", ".join(f"#{name} = :{name}" for name in kept))
    if gone:
        clauses.append("REMOVE " + ", ".join(f"#{name}" for name in gone))
    if adds:
        clauses.append("ADD " + ", ".join(f"#{name} :add_{name}" for name in adds))
    params: dict[str, Any] = {
        "TableName": table,
        "Key": key_of(job, sk),
        "UpdateExpression": " ".join(clauses),
        "ExpressionAttributeNames": {f"#{name}": name for name in (*kept, *gone, *(adds or {}))} | dict(names or {}),
        "ExpressionAttributeValues": {f":{name}": encode(value) for name, value in kept.items()}
        | {f":add_{name}": encode(value) for name, value in (adds or {}).items()}
        | {name: encode(value) for name, value in (values or {}).items()},
    }
    if condition:
        params["ConditionExpression"] = condition
        params["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    if not params["ExpressionAttributeValues"]:
        del params["ExpressionAttributeValues"]
    return Call("dynamodb", "update_item", params)


def job_becomes(
    table: str,
    job: str,
    run: int,
    state: JobState,
    now_ms: int,
    *,
    sets: Mapping[str, Any] | None = None,
    removes: Sequence[str] = (),
    sources: Sequence[JobState] | None = None,
) -> Call:
    """A job's transition: legal by `contracts.states`, of that run only, and its place in the status index with it.

    Args:
        table: the table's name.
        job: the job's id.
        run: the run it must be in.
        state: what it becomes.
        now_ms: milliseconds since the epoch.
        sets: further attributes.
        removes: attributes to remove.
        sources: the states it may be in; those the table of transitions allows if not given.
    """
    allowed = list(sources) if sources is not None else may_precede(state)
    placeholders = {f":from{at}": str(source) for at, source in enumerate(allowed)}
    return update(
        table,
        job,
        JOB_SK,
        sets={"status": str(state), "status_shard": status_shard(state, job), "updated_at": iso(now_ms)}
        | dict(sets or {}),
        removes=removes,
        condition=f"#run = :run AND #status IN ({', '.join(placeholders)})",
        names={"#run": "run"},
        values={":run": run} | placeholders,
    )


def get_job(table: str, job: str) -> Steps[JobItem | None]:
    """Reads the job item, consistently."""
    answer = yield Call(
        "dynamodb", "get_item", {"TableName": table, "Key": key_of(job, JOB_SK), "ConsistentRead": True}
    )
    return JobItem.of(answer["Item"]) if answer.get("Item") else None


def get_run(table: str, job: str, run: int) -> Steps[RunItem | None]:
    answer = yield Call(
        "dynamodb", "get_item", {"TableName": table, "Key": key_of(job, run_sk(run)), "ConsistentRead": True}
    )
    return RunItem.of(answer["Item"]) if answer.get("Item") else None


def get_chunks(table: str, job: str, run: int) -> Steps[list[ChunkItem]]:
    """Reads every round of every chunk of a run, in order of chunk, then round as text."""
    params: dict[str, Any] = {
        "TableName": table,
        "ConsistentRead": True,
        "KeyConditionExpression": "job_id = :job AND begins_with(sk, :prefix)",
        "ExpressionAttributeValues": {":job": {"S": job}, ":prefix": {"S": chunks_prefix(run)}},
    }
    found: list[ChunkItem] = []
    while True:
        answer = yield Call("dynamodb", "query", dict(params))
        found += [ChunkItem.of(item) for item in answer.get("Items", [])]
        if not answer.get("LastEvaluatedKey"):
            return found
        params["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

"""The drill of docs/restore.md, as far as an emulator goes: lost jobs and lost objects come back, and work on."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from haulier.client import connect
from haulier.contracts.states import JobState
from scripts.restore_table import copy
from tests.stack.conftest import Stack, wait_until

BODY = b"id,name\n1,one\n2,two\n"


@pytest.fixture
def restored(stack: Stack, name: str) -> Iterator[str]:
    """The name of a table beside the live one; gone afterwards."""
    table = f"{stack.names.table}-restored-{name}"
    yield table
    stack.dynamodb.delete_table(TableName=table)


def items_of(stack: Stack, table: str, job_id: str) -> list[dict[str, Any]]:
    """Everything the table holds of a job: the job, its runs, their chunks."""
    return stack.dynamodb.query(
        TableName=table,
        KeyConditionExpression="job_id = :job",
        ExpressionAttributeValues={":job": {"S": job_id}},
        ConsistentRead=True,
    )["Items"]


def test_jobs_the_table_lost_come_back_and_can_be_run_again(stack: Stack, name: str, restored: str):
    job = stack.succeed(f"incoming/{name}.csv", BODY)
    # The last that is written of an end.
    wait_until(lambda: stack.job(job.job_id).announced, "its announcement")
    before = items_of(stack, stack.names.table, job.job_id)
    stack.dynamodb.restore_table_to_point_in_time(
        SourceTableName=stack.names.table, TargetTableName=restored, UseLatestRestorableTime=True
    )
    for item in before:
        key = {part: item[part] for part in ("job_id", "sk")}
        stack.dynamodb.delete_item(TableName=stack.names.table, Key=key)
    assert stack.job(job.job_id) is None
    newer = stack.succeed(f"incoming/{name}-newer.csv", BODY)

    copied = copy(stack.dynamodb, restored, stack.names.table, overwrite=False)

    assert copied.written == len(before) > 1
    assert items_of(stack, stack.names.table, job.job_id) == before
    assert stack.job(newer.job_id) is not None
    assert [record["name"] for record in stack.records(job)] == ["one", "two"]
    connect(stack.info.environment, environ=stack.info.client_environment()).retry(job.job_id)
    assert stack.final(job.job_id, run=2).status == JobState.SUCCEEDED


def test_a_result_that_was_deleted_comes_back_with_its_version(stack: Stack, name: str):
    job = stack.succeed(f"incoming/{name}.csv", BODY)
    (key,) = stack.manifest(job).output_keys
    where = {"Bucket": stack.info.output_bucket, "Key": key}
    marker = stack.s3.delete_object(**where)["VersionId"]
    with pytest.raises(ClientError, match="NoSuchKey"):
        stack.s3.get_object(**where)
    stack.s3.delete_object(**where, VersionId=marker)
    assert [record["name"] for record in stack.records(job)] == ["one", "two"]

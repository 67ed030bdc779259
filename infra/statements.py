"""IAM statements, written by hand: what each part may do, and why a wildcard is one where there is one."""

from collections.abc import Iterable

from aws_cdk import Aws
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

from haulier.contracts.keys import FAILED_PREFIX, PROCESSED_PREFIX, REJECTED_PREFIX, TEMP_PREFIX
from haulier.contracts.names import Names

RESULT_PREFIXES = (PROCESSED_PREFIX, REJECTED_PREFIX, FAILED_PREFIX)


def allow(actions: Iterable[str], *resources: str) -> iam.PolicyStatement:
    return iam.PolicyStatement(actions=list(actions), resources=list(resources))


def deny_destruction() -> iam.PolicyStatement:
    """Nobody of ours ever deletes a bucket or a table, whatever else they are allowed."""
    return iam.PolicyStatement(
        sid="NeverDestroy",
        effect=iam.Effect.DENY,
        actions=["s3:DeleteBucket", "dynamodb:DeleteTable"],
        resources=["*"],
    )


def change_jobs(table: dynamodb.ITable) -> iam.PolicyStatement:
    """Reads and conditional writes of items, also in a transaction. Nothing is deleted: TTL does that."""
    actions = ("GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "ConditionCheckItem")
    return allow((f"dynamodb:{action}" for action in actions), table.table_arn)


def query_index(table: dynamodb.ITable, index: str) -> iam.PolicyStatement:
    return allow(["dynamodb:Query"], f"{table.table_arn}/index/{index}")


def read_source(bucket: s3.IBucket) -> list[iam.PolicyStatement]:
    """Any object of the input bucket: datasets and `submit` may name any key.

    Without ListBucket a missing object is told as 403 and not as 404, and "gone" could not be told from "forbidden".
    """
    return [
        allow(["s3:GetObject", "s3:GetObjectVersion"], bucket.arn_for_objects("*")),
        allow(["s3:ListBucket"], bucket.bucket_arn),
    ]


def put_objects(bucket: s3.IBucket, *prefixes: str) -> iam.PolicyStatement:
    return allow(["s3:PutObject"], *_under(bucket, prefixes))


def seal_runs(bucket: s3.IBucket) -> list[iam.PolicyStatement]:
    """What sealing takes (`haulier.jobs.finish`, `sweep`): manifest and `_SUCCESS`, and the end of all strays.

    The bucket keeps versions and none may be deleted: what was deleted can be brought back. ListBucket is for the whole
    bucket, since a key that is missing is told as 403 to whoever may list a part of it only.
    """
    everything = (*RESULT_PREFIXES, TEMP_PREFIX)
    return [
        put_objects(bucket, *RESULT_PREFIXES),
        allow(["s3:GetObject", "s3:DeleteObject"], *_under(bucket, everything)),
        allow(["s3:AbortMultipartUpload"], *_under(bucket, RESULT_PREFIXES)),
        allow(["s3:ListBucket", "s3:ListBucketMultipartUploads"], bucket.bucket_arn),
    ]


def resume_uploads(bucket: s3.IBucket) -> iam.PolicyStatement:
    return allow(["s3:ListMultipartUploadParts"], *_under(bucket, RESULT_PREFIXES))


def read_objects(bucket: s3.IBucket, *prefixes: str) -> iam.PolicyStatement:
    return allow(["s3:GetObject"], *_under(bucket, prefixes))


def send_to(queues: Iterable[sqs.IQueue]) -> iam.PolicyStatement:
    return allow(["sqs:SendMessage"], *(queue.queue_arn for queue in queues))


def receive_from(queues: Iterable[sqs.IQueue]) -> iam.PolicyStatement:
    """On AWS the right to a call is the right to its batch, and the batch's own name means nothing; the embedded
    emulator (ministack 1.5.33) asks for it by that name.
    """
    visibility = ("ChangeMessageVisibility", "ChangeMessageVisibilityBatch")
    actions = ("ReceiveMessage", "DeleteMessage", *visibility, "GetQueueAttributes", "GetQueueUrl")
    return allow((f"sqs:{action}" for action in actions), *(queue.queue_arn for queue in queues))


def machine_arn(names: Names) -> str:
    """Derived from the name, so that who starts the machine need not wait for it to be created."""
    return f"arn:{Aws.PARTITION}:states:{Aws.REGION}:{Aws.ACCOUNT_ID}:stateMachine:{names.state_machine}"


def execution_arns(names: Names) -> list[str]:
    """Executions of the state machine, and those of its Distributed Map's children."""
    executions = f"arn:{Aws.PARTITION}:states:{Aws.REGION}:{Aws.ACCOUNT_ID}:execution:{names.state_machine}"
    return [f"{executions}:*", f"{executions}/*"]


def answer_tokens() -> iam.PolicyStatement:
    """Answers task tokens. AWS's Service Authorization Reference knows no resource for these; a token is secret."""
    return allow(["states:SendTaskSuccess", "states:SendTaskFailure", "states:SendTaskHeartbeat"], "*")


def protect_tasks(names: Names) -> iam.PolicyStatement:
    """ECS's agent asks for task protection under the task's own role; a task cannot name itself, so: its cluster's."""
    tasks = f"arn:{Aws.PARTITION}:ecs:{Aws.REGION}:{Aws.ACCOUNT_ID}:task/{names.cluster}/*"
    return allow(["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"], tasks)


def _under(bucket: s3.IBucket, prefixes: Iterable[str]) -> list[str]:
    return [bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes]

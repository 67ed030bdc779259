"""IAM statements, written by hand: what each part may do, and why a wildcard is one where there is one."""

from collections.abc import Iterable

from aws_cdk import Aws
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

from haulier.contracts.keys import FAILED_PREFIX, PROCESSED_PREFIX, REJECTED_PREFIX, TEMP_PREFIX
from haulier.contracts.names import Names
from haulier.jobs.bookmark import bookmark_id
from infra.trust import arn


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


def use_table(table: dynamodb.ITable, *operations: str) -> iam.PolicyStatement:
    """Operations on items, `GetItem` for instance. A transaction is the right to each operation in it (DynamoDB
    Developer Guide, "IAM and transactions"). Nobody deletes an item: TTL does that.
    """
    return allow((f"dynamodb:{operation}" for operation in operations), table.table_arn)


def keep_bookmarks(table: dynamodb.ITable, name: str) -> iam.PolicyStatement:
    """Items of the job table in which a round notes its place (`haulier.jobs.bookmark`), and no job's."""
    return _items(table, ("GetItem", "UpdateItem"), f"{bookmark_id(name)}*")


def read_pointers(table: dynamodb.ITable) -> iam.PolicyStatement:
    """Which objects were seen, and no job."""
    return _items(table, ("BatchGetItem",), "object#*")


def _items(table: dynamodb.ITable, operations: Iterable[str], keys: str) -> iam.PolicyStatement:
    """Those whose partition key is like `keys`. DynamoDB always tells the keys of these operations, so a condition over
    all of them cannot be met by there being none.
    """
    return iam.PolicyStatement(
        actions=[f"dynamodb:{operation}" for operation in operations],
        resources=[table.table_arn],
        conditions={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": keys}},
    )


def query_index(table: dynamodb.ITable, index: str) -> iam.PolicyStatement:
    return allow(["dynamodb:Query"], f"{table.table_arn}/index/{index}")


def read_source(bucket: s3.IBucket) -> list[iam.PolicyStatement]:
    """Any object of the input bucket: datasets and `submit` may name any key.

    Without ListBucket a missing object is told as 403 and not as 404, and "gone" could not be told from "forbidden".
    """
    return [allow(["s3:GetObject"], bucket.arn_for_objects("*")), allow(["s3:ListBucket"], bucket.bucket_arn)]


def read_versions(bucket: s3.IBucket) -> iam.PolicyStatement:
    """Of the input bucket, where a request or a run names one."""
    return allow(["s3:GetObjectVersion"], bucket.arn_for_objects("*"))


def put_objects(bucket: s3.IBucket, *prefixes: str) -> iam.PolicyStatement:
    return allow(["s3:PutObject"], *_under(bucket, prefixes))


def seal_runs(bucket: s3.IBucket) -> list[iam.PolicyStatement]:
    """What sealing takes (`haulier.jobs.finish`, `sweep`): manifest and `_SUCCESS`, or the record of a failure, and the
    end of all strays.

    The bucket keeps versions and none may be deleted: what was deleted can be brought back. ListBucket is for the whole
    bucket, since a key that is missing is told as 403 to whoever may list a part of it only.
    """
    return [
        put_objects(bucket, PROCESSED_PREFIX, FAILED_PREFIX),
        allow(["s3:DeleteObject"], *_under(bucket, (PROCESSED_PREFIX, REJECTED_PREFIX, TEMP_PREFIX))),
        allow(["s3:AbortMultipartUpload"], *_under(bucket, (PROCESSED_PREFIX, REJECTED_PREFIX))),
        allow(["s3:ListBucket", "s3:ListBucketMultipartUploads"], bucket.bucket_arn),
    ]


def remove_temporary(bucket: s3.IBucket, *prefixes: str, uploads: Iterable[str]) -> list[iam.PolicyStatement]:
    """Objects under `prefixes`, and what is being uploaded under `uploads`. Uploads are listed by bucket only: S3 knows
    no condition on their prefix.
    """
    return [
        allow(["s3:DeleteObject"], *_under(bucket, prefixes)),
        allow(["s3:AbortMultipartUpload"], *_under(bucket, uploads)),
        allow(["s3:ListBucketMultipartUploads"], bucket.bucket_arn),
    ]


def read_objects(bucket: s3.IBucket, *prefixes: str) -> iam.PolicyStatement:
    return allow(["s3:GetObject"], *_under(bucket, prefixes))


def list_objects(bucket: s3.IBucket, prefix: str) -> iam.PolicyStatement:
    """Which keys there are under a prefix. Who has only this is told of a missing object as 403: list first."""
    return iam.PolicyStatement(
        actions=["s3:ListBucket"],
        resources=[bucket.bucket_arn],
        conditions={"StringLike": {"s3:prefix": f"{prefix}*"}},
    )


def publish_encrypted(key: kms.IKey | None) -> list[iam.PolicyStatement]:
    """To topics under a key of the customer's (SNS Developer Guide, "Key management")."""
    return [allow(["kms:Decrypt", "kms:GenerateDataKey"], key.key_arn)] if key else []


def send_to(queues: Iterable[sqs.IQueue]) -> iam.PolicyStatement:
    return allow(["sqs:SendMessage"], *(queue.queue_arn for queue in queues))


def receive_from(queues: Iterable[sqs.IQueue]) -> iam.PolicyStatement:
    """The right to a call is the right to its batch (Service Authorization Reference, Amazon SQS)."""
    actions = ("ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility")
    return allow((f"sqs:{action}" for action in actions), *(queue.queue_arn for queue in queues))


def machine_arn(names: Names) -> str:
    """Derived from the name, so that who starts the machine need not wait for it to be created."""
    return arn("states", f"stateMachine:{names.state_machine}")


def batch_machine_arn(names: Names) -> str:
    return arn("states", f"stateMachine:{names.batch_machine}")


def execution_arns(machine: str) -> str:
    """Every execution of the state machine of that name; its Distributed Map's children are others:
    `{machine}/{label}:…`.
    """
    return arn("states", f"execution:{machine}:*")


def run_map(machine: str) -> list[iam.PolicyStatement]:
    """What a Distributed Map takes of its machine's own role, after AWS's example (Step Functions Developer Guide, "IAM
    policies for using Distributed Map states"), and of its children, too, whose ARNs that example leaves out.

    Not with CDK's `DistributedMap`, whose statements are wrong (aws-cdk#28820, #35390). `RedriveExecution` is left out:
    a run that failed is retried as the job's next run, by an execution of its own.
    """
    children = arn("states", f"execution:{machine}/*")
    return [
        allow(["states:StartExecution"], arn("states", f"stateMachine:{machine}")),
        allow(["states:DescribeExecution", "states:StopExecution"], execution_arns(machine), children),
    ]


def answer_tokens(names: Names) -> iam.PolicyStatement:
    """Answers task tokens of the state machine and of its Distributed Map's children (`{machine}/{label}`).

    The Service Authorization Reference names no resource for these, yet Step Functions asks for the right on the state
    machine whose token it is: its refusals name that ARN (NOAA-OWP/hydrovis#837), and CDK's `grantTaskResponse` relies
    on it since aws-cdk#8486.
    """
    actions = ("states:SendTaskSuccess", "states:SendTaskFailure", "states:SendTaskHeartbeat")
    return allow(actions, machine_arn(names), f"{machine_arn(names)}/*")


def join_network(function: str, *, subnets: Iterable[str], groups: Iterable[str]) -> list[iam.PolicyStatement]:
    """What Lambda takes to keep a function in a VPC (Lambda Developer Guide, "Giving Lambda functions access to
    resources in an Amazon VPC").

    Describing is for all resources or not at all. Interfaces have no name before they are made, and Lambda refuses a
    role that may delete some of them only. Making one is a right on its subnet and security groups, too, and these are
    another account's where the VPC is shared (VPC User Guide, "Share your VPC subnets with other accounts").

    The function's own code, which has the same role, is denied all of it, as that page advises: its calls carry its
    ARN, those of the service do not.

    Args:
        function: its name.
        subnets: ids of the subnets it joins.
        groups: ids of its security groups.
    """
    ends = [*(f"subnet/{one}" for one in subnets), *(f"security-group/{one}" for one in groups)]
    shared = [f"arn:{Aws.PARTITION}:ec2:{Aws.REGION}:*:{end}" for end in ends]
    describe = ["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"]
    change = [
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:AssignPrivateIpAddresses",
        "ec2:UnassignPrivateIpAddresses",
    ]
    own_code = {"ArnEquals": {"lambda:SourceFunctionArn": arn("lambda", f"function:{function}")}}
    return [
        allow(describe, "*"),
        allow(change, arn("ec2", "*/*")),
        allow(["ec2:CreateNetworkInterface"], *shared),
        iam.PolicyStatement(
            sid="NotTheFunctionItself",
            effect=iam.Effect.DENY,
            actions=[*describe, *change],
            resources=["*"],
            conditions=own_code,
        ),
    ]


def protect_tasks(names: Names) -> iam.PolicyStatement:
    """ECS's agent asks for task protection under the task's own role; a task cannot name itself, so: its cluster's."""
    tasks = f"arn:{Aws.PARTITION}:ecs:{Aws.REGION}:{Aws.ACCOUNT_ID}:task/{names.cluster}/*"
    return allow(["ecs:GetTaskProtection", "ecs:UpdateTaskProtection"], tasks)


def _under(bucket: s3.IBucket, prefixes: Iterable[str]) -> list[str]:
    return [bucket.arn_for_objects(f"{prefix}*") for prefix in prefixes]

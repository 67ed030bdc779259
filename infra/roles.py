"""What a worker may do. The role stands in Pipeline because embedded workers run under it, too (DESIGN §9)."""

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from haulier.contracts.keys import PROCESSED_PREFIX, REJECTED_PREFIX
from haulier.contracts.names import Names
from infra import statements as may
from infra.encryption import with_key
from infra.queues import Queues
from infra.storage import Storage
from infra.trust import arn, service_principal


def worker_role(
    scope: Construct, *, names: Names, storage: Storage, table: dynamodb.ITable, queues: Queues
) -> iam.Role:
    """The task role of every worker: takes messages, reads sources, writes results, answers tokens, asks to be left
    alone. Nothing else.
    """
    role = iam.Role(
        scope,
        "WorkerRole",
        role_name=names.worker_role,
        # The ARN is that of the cluster's account and region (Amazon ECS Developer Guide, "Task IAM role").
        assumed_by=service_principal("ecs-tasks.amazonaws.com", source_arn=arn("ecs", "*")),
        description="What a Haulier worker may do",
    )
    work = list(queues.work.values())
    statements = (
        may.receive_from(pair.queue for pair in work),
        # To work queues: a chunk that moves to another one; to dead-letter queues: a letter with its reason.
        may.send_to([*(pair.queue for pair in work), *(pair.dlq for pair in work)]),
        *may.read_source(storage.input),
        may.read_versions(storage.input),
        # A job of one chunk is sealed by its worker.
        *may.seal_runs(storage.output),
        may.put_objects(storage.output, REJECTED_PREFIX),
        # Pieces of an output that are joined into one.
        may.read_objects(storage.output, PROCESSED_PREFIX),
        may.use_table(table, "GetItem", "BatchGetItem", "Query", "UpdateItem"),
        may.answer_tokens(names),
        may.protect_tasks(names),
        may.deny_destruction(),
    )
    for statement in with_key(statements, storage.key):
        role.add_to_policy(statement)
    return role

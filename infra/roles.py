"""What a worker may do. The role stands in Pipeline because embedded workers run under it, too (DESIGN §9)."""

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from constructs import Construct

from haulier.contracts.names import Names
from infra import statements as may
from infra.queues import Queues
from infra.storage import Storage


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
        assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"),
        description="What a Haulier worker may do",
    )
    work = list(queues.work.values())
    for statement in (
        may.receive_from(pair.queue for pair in work),
        # To work queues: a chunk that moves to another one; to dead-letter queues: a letter with its reason.
        may.send_to([*(pair.queue for pair in work), *(pair.dlq for pair in work)]),
        *may.read_source(storage.input),
        # A job of one chunk is sealed by its worker.
        *may.seal_runs(storage.output),
        may.resume_uploads(storage.output),
        may.change_jobs(table),
        may.answer_tokens(),
        may.protect_tasks(names),
        may.deny_destruction(),
    ):
        role.add_to_policy(statement)
    return role

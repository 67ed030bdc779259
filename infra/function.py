"""One function of the dispatcher, with a role and a log group of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from haulier.contracts import environment as variables
from haulier.contracts.names import Names
from infra import statements as may
from infra.encryption import with_key
from infra.notifications import Notifications
from infra.queues import Queues
from infra.retention import log_group
from infra.settings import Settings
from infra.storage import Storage
from infra.trust import functions_principal


@dataclass(frozen=True)
class Surroundings:
    """What the functions work with.

    Attributes:
        code: their zip, the same for all of them.
    """

    names: Names
    settings: Settings
    storage: Storage
    table: dynamodb.Table
    queues: Queues
    notifications: Notifications
    bus: events.IEventBus
    code: lambda_.Code

    @property
    def work_queues(self) -> dict[str, str]:
        """Where chunks go, as functions are told it."""
        work = self.queues.work
        return {
            variables.PRIORITY_QUEUE_URL: work["priority"].queue.queue_url,
            variables.STANDARD_QUEUE_URL: work["standard"].queue.queue_url,
            variables.BULK_QUEUE_URL: work["bulk"].queue.queue_url,
            variables.ONDEMAND_QUEUE_URL: work["ondemand"].queue.queue_url,
        }

    @property
    def admission(self) -> dict[str, str]:
        """What decides which objects become jobs, and how (`dispatcher.settings.AdmissionSettings`)."""
        settings = self.settings
        return self.work_queues | {
            variables.INPUT_BUCKET: self.storage.input.bucket_name,
            variables.STATE_MACHINE_ARN: may.machine_arn(self.names),
            variables.INPUT_PREFIXES: ",".join(settings.input_prefixes),
            variables.EXCLUDED_SUFFIXES: ",".join(settings.excluded_suffixes),
            variables.MAX_OBJECT_BYTES: str(settings.max_object_bytes),
            variables.CHUNK_THRESHOLD_BYTES: str(settings.chunk_threshold_bytes),
            variables.CHUNK_BYTES: str(settings.chunk_bytes),
            variables.ONDEMAND_AFTER_SECONDS: str(settings.ondemand_after_seconds),
        }

    @property
    def requests(self) -> dict[str, str]:
        """The same for who accepts batches, too (`dispatcher.settings.RequestSettings`)."""
        return self.admission | {variables.BATCH_MACHINE_ARN: may.batch_machine_arn(self.names)}


def pipeline_function(
    scope: Construct,
    name: str,
    *,
    around: Surroundings,
    timeout: int,
    environment: Mapping[str, str],
    permissions: Sequence[iam.PolicyStatement],
    memory: int = 512,
    retry_attempts: int | None = None,
) -> lambda_.Function:
    """The function whose handler is `dispatcher.{name}.handler`.

    Args:
        scope: where role, log group and function are put, each under a name made of `name`.
        name: of the module in `dispatcher`.
        around: what it works with.
        timeout: seconds.
        environment: what it is told, beside what every function is.
        permissions: all its role may do; writing its log and the denial of destruction are added.
        memory: MiB.
        retry_attempts: of an asynchronous invocation; Lambda's default (2) if not given.
    """
    log = log_group(
        scope,
        f"{name.capitalize()}Log",
        physical=f"/aws/lambda/{around.names.function(name)}",
        settings=around.settings,
    )
    role = _role(scope, name, around=around, permissions=permissions)
    log.grant_write(role)
    shared = {
        variables.ENVIRONMENT: around.names.environment,
        variables.TABLE: around.table.table_name,
        variables.BUCKET_OWNER: around.storage.owner,
    }
    function = lambda_.Function(
        scope,
        name.capitalize(),
        function_name=around.names.function(name),
        runtime=lambda_.Runtime(f"python{around.settings.lambda_python}", lambda_.RuntimeFamily.PYTHON),
        architecture=_architecture(around.settings),
        handler=f"dispatcher.{name}.handler",
        code=around.code,
        memory_size=memory,
        timeout=Duration.seconds(timeout),
        retry_attempts=retry_attempts,
        role=role,
        log_group=log,
        logging_format=lambda_.LoggingFormat.TEXT,
        tracing=lambda_.Tracing.ACTIVE if around.settings.tracing else lambda_.Tracing.DISABLED,
        reserved_concurrent_executions=around.settings.reserved_concurrency.get(name),
        environment=shared | dict(environment),
    )
    _join_network(function, around.settings)
    return function


def _role(scope: Construct, name: str, *, around: Surroundings, permissions: Sequence[iam.PolicyStatement]) -> iam.Role:
    role = iam.Role(
        scope,
        f"{name.capitalize()}Role",
        assumed_by=functions_principal(),
        description=f"What Haulier's function {name} may do",
    )
    settings = around.settings
    subnets, groups = settings.lambda_subnet_ids, settings.lambda_security_group_ids
    networked = may.join_network(around.names.function(name), subnets=subnets, groups=groups) if subnets else []
    for statement in (*with_key(permissions, around.storage.key), *networked, may.deny_destruction()):
        role.add_to_policy(statement)
    return role


def role_of(function: lambda_.Function) -> iam.IRole:
    """The role it was made with."""
    assert function.role is not None  # noqa: S101 - narrows a type: `pipeline_function` gives every function a role
    return function.role


def failures_go_to(function: lambda_.Function, queue: sqs.IQueue) -> None:
    """Where an event goes that the function failed at as often as Lambda tries, with what went wrong.

    For every function that is invoked without waiting for its answer (by a rule or a schedule): whoever invoked it has
    handed the event over by then, and its own dead-letter queue is out of it.
    """
    made = function.node.try_find_child("EventInvokeConfig")
    config = made.node.default_child if made else function.node.try_find_child("Failures")
    if not isinstance(config, lambda_.CfnEventInvokeConfig):
        config = lambda_.CfnEventInvokeConfig(
            function, "Failures", function_name=function.function_name, qualifier="$LATEST"
        )
    destination = lambda_.CfnEventInvokeConfig.OnFailureProperty(destination=queue.queue_arn)
    config.destination_config = lambda_.CfnEventInvokeConfig.DestinationConfigProperty(on_failure=destination)
    function.add_to_role_policy(may.send_to([queue]))


def _join_network(function: lambda_.Function, settings: Settings) -> None:
    """Into the subnets of the settings. By ids and not as a `Vpc`, which would want to look its zones up."""
    resource = function.node.default_child
    if settings.lambda_subnet_ids and isinstance(resource, lambda_.CfnFunction):
        resource.vpc_config = lambda_.CfnFunction.VpcConfigProperty(
            subnet_ids=list(settings.lambda_subnet_ids),
            security_group_ids=list(settings.lambda_security_group_ids),
        )


def _architecture(settings: Settings) -> lambda_.Architecture:
    return lambda_.Architecture.ARM_64 if settings.lambda_platform == "arm64" else lambda_.Architecture.X86_64

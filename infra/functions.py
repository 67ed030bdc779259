"""The dispatcher's functions: what each is told, and what each may do. One role and one log group a function."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aws_cdk import Aws, Duration
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from haulier.contracts import environment as variables
from haulier.contracts.keys import FAILED_PREFIX, TEMP_PREFIX
from haulier.contracts.names import Names
from infra import statements as may
from infra.notifications import Notifications
from infra.queues import INTAKE_TIMEOUT_SECONDS, Queues
from infra.retention import log_group
from infra.settings import Settings
from infra.storage import Storage

PLAN_TIMEOUT_SECONDS = 60
ASSEMBLE_TIMEOUT_SECONDS = 900
"""Lambda's longest: 10,000 chunks are proven and sealed in one call; a call that is cut short is simply made again."""


@dataclass(frozen=True)
class Surroundings:
    """What the functions work with.

    Attributes:
        code: the directory that becomes their zip.
    """

    names: Names
    settings: Settings
    storage: Storage
    table: dynamodb.Table
    queues: Queues
    notifications: Notifications
    bus: events.IEventBus
    code: Path


class Functions(Construct):
    """Intake, plan, assemble, notify, janitor: in the order a job passes them."""

    def __init__(self, scope: Construct, around: Surroundings) -> None:
        super().__init__(scope, "Functions")
        self._around = around
        self._code = lambda_.Code.from_asset(str(around.code))
        self.intake = self._intake()
        self.plan = self._plan()
        self.assemble = self._assemble()
        self.notify = self._notify()
        self.janitor = self._janitor()

    def _intake(self) -> lambda_.Function:
        around, settings = self._around, self._around.settings
        return self._function(
            "intake",
            timeout=INTAKE_TIMEOUT_SECONDS,
            environment=self._work_queues()
            | {
                variables.INPUT_BUCKET: around.storage.input.bucket_name,
                variables.INTAKE_DLQ_URL: around.queues.intake.dlq.queue_url,
                variables.STATE_MACHINE_ARN: may.machine_arn(around.names),
                variables.INPUT_PREFIXES: ",".join(settings.input_prefixes),
                variables.EXCLUDED_SUFFIXES: ",".join(settings.excluded_suffixes),
                variables.MAX_OBJECT_BYTES: str(settings.max_object_bytes),
                variables.CHUNK_THRESHOLD_BYTES: str(settings.chunk_threshold_bytes),
                variables.CHUNK_BYTES: str(settings.chunk_bytes),
                variables.ONDEMAND_AFTER_SECONDS: str(settings.ondemand_after_seconds),
            },
            permissions=[
                *may.read_source(around.storage.input),
                may.send_to([*(pair.queue for pair in around.queues.work.values()), around.queues.intake.dlq]),
                may.allow(["states:StartExecution"], may.machine_arn(around.names)),
            ],
        )

    def _plan(self) -> lambda_.Function:
        around = self._around
        return self._function(
            "plan",
            timeout=PLAN_TIMEOUT_SECONDS,
            environment=self._output() | self._work_queues(),
            permissions=[
                *may.read_source(around.storage.input),
                may.put_objects(around.storage.output, TEMP_PREFIX, FAILED_PREFIX),
            ],
        )

    def _assemble(self) -> lambda_.Function:
        return self._function(
            "assemble",
            timeout=ASSEMBLE_TIMEOUT_SECONDS,
            memory=1024,
            environment=self._output() | self._work_queues(),
            permissions=self._assembles(),
        )

    def _notify(self) -> lambda_.Function:
        around = self._around
        told = around.notifications
        return self._function(
            "notify",
            timeout=60,
            environment=self._output()
            | {
                variables.COMPLETED_TOPIC_ARN: told.completed.topic_arn,
                variables.FAILED_TOPIC_ARN: told.failed.topic_arn,
                variables.RESULTS_QUEUE_URL: told.results.queue_url,
                variables.BUS_NAME: around.bus.event_bus_name,
            },
            permissions=[
                may.allow(["sns:Publish"], told.completed.topic_arn, told.failed.topic_arn),
                may.send_to([told.results]),
                may.allow(["events:PutEvents"], around.bus.event_bus_arn),
            ],
        )

    def _janitor(self) -> lambda_.Function:
        around = self._around
        names = around.names
        return self._function(
            "janitor",
            timeout=300,
            memory=1024,
            # A round that failed is not repeated: the next minute's does the same work.
            retry_attempts=0,
            environment=self._output()
            | self._work_queues()
            | {
                variables.STATUS_INDEX: names.status_index,
                variables.STATE_MACHINE_ARN: may.machine_arn(names),
                variables.REQUEUE_AFTER_SECONDS: str(around.settings.requeue_after_seconds),
            },
            permissions=[
                *self._assembles(),
                may.query_index(around.table, names.status_index),
                may.send_to(pair.queue for pair in around.queues.work.values()),
                may.allow(["states:StartExecution"], may.machine_arn(names)),
                may.allow(["states:DescribeExecution"], *may.execution_arns(names)),
            ],
        )

    def _assembles(self) -> list[iam.PolicyStatement]:
        output = self._around.storage.output
        return [*may.seal_runs(output), may.put_objects(output, TEMP_PREFIX)]

    def _output(self) -> dict[str, str]:
        return {variables.OUTPUT_BUCKET: self._around.storage.output.bucket_name}

    def _work_queues(self) -> dict[str, str]:
        work = self._around.queues.work
        return {
            variables.PRIORITY_QUEUE_URL: work["priority"].queue.queue_url,
            variables.STANDARD_QUEUE_URL: work["standard"].queue.queue_url,
            variables.BULK_QUEUE_URL: work["bulk"].queue.queue_url,
            variables.ONDEMAND_QUEUE_URL: work["ondemand"].queue.queue_url,
        }

    def _function(
        self,
        name: str,
        *,
        timeout: int,
        environment: Mapping[str, str],
        permissions: Sequence[iam.PolicyStatement],
        memory: int = 512,
        retry_attempts: int | None = None,
    ) -> lambda_.Function:
        around = self._around
        log = log_group(
            self,
            f"{name.capitalize()}Log",
            physical=f"/aws/lambda/{around.names.function(name)}",
            settings=around.settings,
        )
        role = iam.Role(self, f"{name.capitalize()}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        log.grant_write(role)
        for statement in (may.change_jobs(around.table), *permissions, may.deny_destruction()):
            role.add_to_policy(statement)
        shared = {
            variables.ENVIRONMENT: around.names.environment,
            variables.TABLE: around.table.table_name,
            variables.BUCKET_OWNER: Aws.ACCOUNT_ID,
        }
        return lambda_.Function(
            self,
            name.capitalize(),
            function_name=around.names.function(name),
            runtime=lambda_.Runtime(f"python{around.settings.lambda_python}", lambda_.RuntimeFamily.PYTHON),
            architecture=_architecture(around.settings),
            handler=f"dispatcher.{name}.handler",
            code=self._code,
            memory_size=memory,
            timeout=Duration.seconds(timeout),
            retry_attempts=retry_attempts,
            role=role,
            log_group=log,
            logging_format=lambda_.LoggingFormat.TEXT,
            tracing=lambda_.Tracing.ACTIVE,
            environment=shared | dict(environment),
        )


def _architecture(settings: Settings) -> lambda_.Architecture:
    return lambda_.Architecture.ARM_64 if settings.lambda_platform == "arm64" else lambda_.Architecture.X86_64

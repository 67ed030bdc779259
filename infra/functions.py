"""The functions every job passes: what each is told, and what each may do."""

from collections.abc import Mapping, Sequence

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from haulier.contracts import environment as variables
from haulier.contracts.keys import FAILED_PREFIX, PROCESSED_PREFIX, TEMP_PREFIX
from infra import statements as may
from infra.function import Surroundings, pipeline_function
from infra.queues import INTAKE_TIMEOUT_SECONDS
from infra.trust import arn

PLAN_TIMEOUT_SECONDS = 60
ASSEMBLE_TIMEOUT_SECONDS = 900
"""Lambda's longest: 10,000 chunks are proven and sealed in one call; a call that is cut short is simply made again."""


class Functions(Construct):
    """Intake, plan, assemble, notify, janitor: in the order a job passes them."""

    def __init__(self, scope: Construct, around: Surroundings) -> None:
        super().__init__(scope, "Functions")
        self._around = around
        self.intake = self._intake()
        self.plan = self._plan()
        self.assemble = self._assemble()
        self.notify = self._notify()
        self.janitor = self._janitor()

    def _intake(self) -> lambda_.Function:
        around, names = self._around, self._around.names
        return self._function(
            "intake",
            timeout=INTAKE_TIMEOUT_SECONDS,
            environment=around.requests | {variables.INTAKE_DLQ_URL: around.queues.intake.dlq.queue_url},
            permissions=[
                may.use_table(around.table, "GetItem", "PutItem", "UpdateItem"),
                *may.read_source(around.storage.input),
                may.read_versions(around.storage.input),
                may.send_to([*(pair.queue for pair in around.queues.work.values()), around.queues.intake.dlq]),
                may.allow(["states:StartExecution"], may.machine_arn(names), may.batch_machine_arn(names)),
            ],
        )

    def _plan(self) -> lambda_.Function:
        around = self._around
        return self._function(
            "plan",
            timeout=PLAN_TIMEOUT_SECONDS,
            environment=self._output() | self._around.work_queues,
            permissions=[
                may.use_table(around.table, "GetItem", "Query", "UpdateItem"),
                *may.read_source(around.storage.input),
                may.put_objects(around.storage.output, TEMP_PREFIX, FAILED_PREFIX),
            ],
        )

    def _assemble(self) -> lambda_.Function:
        return self._function(
            "assemble",
            timeout=ASSEMBLE_TIMEOUT_SECONDS,
            memory=1024,
            environment=self._output() | self._around.work_queues,
            permissions=[*self._seals(), may.put_objects(self._around.storage.output, TEMP_PREFIX)],
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
                may.use_table(around.table, "UpdateItem"),
                may.allow(["sns:Publish"], told.completed.topic_arn, told.failed.topic_arn),
                may.send_to([told.results]),
                # By name: the bus's policy names this role, and neither can wait for the other.
                may.allow(["events:PutEvents"], arn("events", f"event-bus/{around.names.bus}")),
                *may.publish_encrypted(told.key),
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
            | self._around.work_queues
            | {
                variables.STATUS_INDEX: names.status_index,
                variables.STATE_MACHINE_ARN: may.machine_arn(names),
                variables.BATCH_MACHINE_ARN: may.batch_machine_arn(names),
                variables.REQUEUE_AFTER_SECONDS: str(around.settings.requeue_after_seconds),
                variables.STALLED_AFTER_SECONDS: str(around.settings.stalled_after_seconds),
            },
            permissions=[
                *self._seals(),
                may.query_index(around.table, names.status_index),
                # The manifest of a run that is cleaned.
                may.read_objects(around.storage.output, PROCESSED_PREFIX),
                may.send_to(pair.queue for pair in around.queues.work.values()),
                may.allow(["states:StartExecution"], may.machine_arn(names), may.batch_machine_arn(names)),
                may.allow(
                    ["states:DescribeExecution"],
                    may.execution_arns(names.state_machine),
                    may.execution_arns(names.batch_machine),
                ),
            ],
        )

    def _seals(self) -> list[iam.PolicyStatement]:
        around = self._around
        table = may.use_table(around.table, "GetItem", "Query", "UpdateItem")
        return [table, *may.seal_runs(around.storage.output)]

    def _output(self) -> dict[str, str]:
        return {variables.OUTPUT_BUCKET: self._around.storage.output.bucket_name}

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
        return pipeline_function(
            self,
            name,
            around=self._around,
            timeout=timeout,
            memory=memory,
            retry_attempts=retry_attempts,
            environment=environment,
            permissions=permissions,
        )

"""The stacks: wiring only. Data holds what must survive, Pipeline everything that can be made again."""

from pathlib import Path
from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from haulier.contracts import limits
from haulier.contracts.names import Names
from infra.events import Events
from infra.functions import Functions, Surroundings
from infra.machine import Machine
from infra.notifications import Notifications
from infra.outputs import outputs
from infra.queues import Queues
from infra.roles import worker_role
from infra.schedules import janitor_schedule
from infra.settings import Settings
from infra.sources import intake_from_queue, notify_from_stream
from infra.storage import Storage
from infra.table import job_table


class DataStack(Stack):
    """Buckets and table: what must survive."""

    def __init__(self, scope: Construct, *, names: Names, settings: Settings, **stack: Any) -> None:
        super().__init__(scope, "Data", stack_name=names.stack("data"), **stack)
        self.storage = Storage(self, names=names, settings=settings)
        self.table = job_table(self, names=names, settings=settings)
        outputs(
            self,
            {
                "InputBucket": self.storage.input.bucket_name,
                "OutputBucket": self.storage.output.bucket_name,
                "JobTable": self.table.table_name,
            },
        )


class PipelineStack(Stack):
    """Everything between an event and a sealed job, except the workers themselves.

    Args:
        code: the directory that becomes the functions' zip, see `bundle`.
    """

    def __init__(
        self, scope: Construct, *, names: Names, settings: Settings, data: DataStack, code: Path, **stack: Any
    ) -> None:
        super().__init__(scope, "Pipeline", stack_name=names.stack("pipeline"), **stack)
        queues = Queues(self, names=names, settings=settings)
        bus = Events(self, names=names, settings=settings, storage=data.storage, intake=queues.intake).bus
        notifications = Notifications(self, names=names)
        functions = Functions(
            self,
            Surroundings(
                names=names,
                settings=settings,
                storage=data.storage,
                table=data.table,
                queues=queues,
                notifications=notifications,
                bus=bus,
                code=code,
            ),
        )
        intake_from_queue(functions.intake, queues.intake.queue)
        notify_from_stream(functions.notify, data.table, _dead_letters(self, names, "notify"))
        machine = Machine(
            self, names=names, settings=settings, functions=functions, queues=queues, storage=data.storage
        )
        worker_role(self, names=names, storage=data.storage, table=data.table, queues=queues)
        janitor_schedule(self, names=names, janitor=functions.janitor, dlq=_dead_letters(self, names, "janitor"))
        outputs(
            self,
            {
                "StateMachine": machine.machine.ref,
                "Bus": bus.event_bus_name,
                "IntakeQueue": queues.intake.queue.queue_url,
                "CompletedTopic": notifications.completed.topic_arn,
                "FailedTopic": notifications.failed.topic_arn,
                "ResultsQueue": notifications.results.queue_url,
            },
        )


def _dead_letters(scope: Construct, names: Names, name: str) -> sqs.Queue:
    """Where invocations go that a function could not do: metadata of the stream's batch, or a missed minute."""
    return sqs.Queue(
        scope,
        f"{name.capitalize()}Dlq",
        queue_name=names.dlq(name),
        retention_period=Duration.seconds(limits.DLQ_RETENTION_SECONDS),
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
    )

"""The stacks: wiring only. Data holds what must survive, Pipeline everything that can be made again."""

from pathlib import Path
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from haulier.contracts.names import Names
from infra.alarms import Alarms
from infra.api import HttpApi
from infra.batch import Batch
from infra.dashboard import dashboard
from infra.deadletters import dead_letters
from infra.events import Events
from infra.executions import FailedExecutions
from infra.function import Surroundings, role_of
from infra.functions import Functions
from infra.machine import Machine
from infra.notifications import Notifications
from infra.outputs import of_data, outputs
from infra.placement import NotPlaced
from infra.quality import Quality
from infra.queues import Queues
from infra.roles import worker_role
from infra.scheduled import Scheduled
from infra.schedules import Schedules
from infra.settings import Settings
from infra.sources import intake_from_queue, notify_from_stream
from infra.storage import Storage
from infra.table import job_table


class DataStack(Stack):
    """Buckets and table: what must survive."""

    def __init__(self, scope: Construct, *, names: Names, settings: Settings, **stack: Any) -> None:
        super().__init__(scope, "Data", stack_name=names.stack("data"), **stack)
        self.storage = Storage(self, names=names, settings=settings)
        self.table = job_table(self, names=names, settings=settings, key=self.storage.key)
        # Last: a first deployment that fails at a bucket leaves no protected table behind.
        self.table.node.add_dependency(self.storage)
        outputs(self, of_data(self.storage, self.table, settings))


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
        events = Events(self, names=names, settings=settings, storage=data.storage, intake=queues.intake)
        notifications = Notifications(self, names=names, settings=settings)
        around = Surroundings(
            names=names,
            settings=settings,
            storage=data.storage,
            table=data.table,
            queues=queues,
            notifications=notifications,
            bus=events.bus,
            code=lambda_.Code.from_asset(str(code)),
        )
        functions = Functions(self, around)
        intake_from_queue(functions.intake, queues.intake.queue, settings)
        notify_from_stream(functions.notify, data.table, dead_letters(self, names, "notify"), settings)
        machine = Machine(
            self, names=names, settings=settings, functions=functions, queues=queues, storage=data.storage
        )
        self.failed_executions = FailedExecutions(
            self,
            names=names,
            alerts=notifications.alerts,
            assembler=functions.assemble,
            dlq=dead_letters(self, names, "assemble"),
            operations_url=settings.operations_url,
        )
        events.only_for(role_of(functions.notify))
        worker_role(self, names=names, storage=data.storage, table=data.table, queues=queues)
        self.batch = Batch(self, around)
        self.scheduled = Scheduled(self, around, janitor=functions.janitor)
        self.quality = Quality(self, around)
        self.api = HttpApi(self, around) if settings.api else None
        self.schedules = Schedules.of(self, names=names)
        NotPlaced(self, names=names, alerts=notifications.alerts, operations_url=settings.operations_url)
        _watch(self, names=names, settings=settings, notifications=notifications)
        outputs(
            self,
            {
                "StateMachine": machine.machine.ref,
                "BatchMachine": self.batch.machine.ref,
                "Bus": events.bus.event_bus_name,
                "IntakeQueue": queues.intake.queue.queue_url,
                "CompletedTopic": notifications.completed.topic_arn,
                "FailedTopic": notifications.failed.topic_arn,
                "AlertsTopic": notifications.alerts.topic_arn,
                "QualityTopic": notifications.quality.topic_arn,
                "ResultsQueue": notifications.results.queue_url,
            }
            | ({"ApiUrl": self.api.url} if self.api else {}),
        )


def _watch(stack: Stack, *, names: Names, settings: Settings, notifications: Notifications) -> None:
    """Alarms and dashboard are made of what the stack has: so they come last."""
    if settings.alarms:
        Alarms(stack, names=names, settings=settings, alerts=notifications.alerts)
    if settings.dashboard:
        dashboard(stack, names=names, settings=settings)

"""The bus callers use, and the rules that bring events into the intake queue."""

from aws_cdk import Duration
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from haulier.contracts.events import EVENT_SOURCE, JOB_REQUESTED
from haulier.contracts.names import Names
from infra.queues import QueuePair
from infra.settings import Settings
from infra.storage import Storage

DELIVERY_HOURS = 24
"""How long EventBridge tries to deliver before an event goes to the dead letters; its own default."""


class Events(Construct):
    """Bus and rules.

    Attributes:
        bus: for `Job Requested` from callers, and `Job State Changed` to the world.
    """

    def __init__(
        self, scope: Construct, *, names: Names, settings: Settings, storage: Storage, intake: QueuePair
    ) -> None:
        super().__init__(scope, "Events")
        self.bus = events.EventBus(self, "Bus", event_bus_name=names.bus)
        created = events.Rule(
            self,
            "ObjectCreated",
            rule_name=f"{names.prefix}-object-created",
            description="New objects under the input prefixes",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [storage.input.bucket_name]},
                    "object": {"key": [{"prefix": prefix} for prefix in settings.input_prefixes]},
                },
            ),
        )
        requested = events.Rule(
            self,
            "JobRequested",
            rule_name=f"{names.prefix}-job-requested",
            description="Jobs asked for by a caller",
            event_bus=self.bus,
            event_pattern=events.EventPattern(source=[EVENT_SOURCE], detail_type=[JOB_REQUESTED]),
        )
        for rule in (created, requested):
            # What cannot be delivered ends where bad events end; redriving it takes it in after all.
            rule.add_target(
                targets.SqsQueue(
                    intake.queue,
                    dead_letter_queue=intake.dlq,
                    max_event_age=Duration.hours(DELIVERY_HOURS),
                    retry_attempts=185,
                )
            )

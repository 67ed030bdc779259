"""The bus callers use, and the rules that bring events into the intake queue."""

from collections.abc import Sequence
from typing import Any

from aws_cdk import Aws
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct

from haulier.contracts.events import EVENT_SOURCE, JOB_CHANGED, JOB_REQUESTED
from haulier.contracts.names import Names
from infra.delivery import let_rules_send, target
from infra.queues import QueuePair
from infra.settings import Settings
from infra.storage import Storage
from infra.trust import arn


class Events(Construct):
    """Bus and rules.

    Attributes:
        bus: for `Job Requested` from callers, and `Job State Changed` to the world.
    """

    def __init__(
        self, scope: Construct, *, names: Names, settings: Settings, storage: Storage, intake: QueuePair
    ) -> None:
        super().__init__(scope, "Events")
        self._names = names
        self._settings = settings
        self.bus = events.EventBus(self, "Bus", event_bus_name=names.bus)
        # What cannot be delivered ends where bad events end; redriving it takes it in after all.
        targets = [target("Intake", intake.queue.queue_arn, dlq=intake.dlq)]
        created = events.CfnRule(
            self,
            "ObjectCreated",
            name=f"{names.prefix}-object-created",
            description="New objects under the input prefixes",
            event_pattern={
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {
                    "bucket": {"name": [storage.input.bucket_name]},
                    "object": {"key": [{"prefix": prefix} for prefix in settings.input_prefixes]},
                },
            },
            targets=targets,
        )
        requested = events.CfnRule(
            self,
            "JobRequested",
            name=f"{names.prefix}-job-requested",
            description="Jobs asked for by a caller",
            event_bus_name=self.bus.event_bus_name,
            event_pattern={"source": [EVENT_SOURCE], "detail-type": [JOB_REQUESTED]},
            targets=targets,
        )
        for queue in (intake.queue, intake.dlq):
            let_rules_send(queue, created, requested)

    def only_for(self, *publishers: iam.IRole) -> None:
        """Who may put events on the bus, by its own policy. Called last: our own publishers are made after the bus.

        Within an account AWS adds both sides up: whom an identity policy allows to, or the bus's, may put events. So
        the bus needs a denial to keep anybody of the account out. Another account's principals need both sides, and
        without a statement here they have none; the denial says so to whoever adds one.

        Where `bus_principals` names nobody, whoever the account's own policies allow it may put events. Where it does,
        these may and `publishers`, and nobody else, whatever their policies say. What became of a job only `publishers`
        may tell, in any case.
        """
        named = self._settings.bus_principals
        resource = arn("events", f"event-bus/{self._names.bus}")
        statements = [_denial(resource, named, publishers), _ours_alone(resource, publishers)]
        if named:
            statements.append(_callers(resource, named))
        document = {"Version": "2012-10-17", "Statement": statements}
        bus = self.bus.node.default_child
        assert isinstance(bus, events.CfnEventBus)  # noqa: S101 - narrows a type, tells nobody anything at run time
        bus.policy = document


def _denial(resource: str, named: Sequence[str], publishers: Sequence[iam.IRole]) -> dict[str, Any]:
    accounts = [one for one in named if one.isdecimal()]
    principals = [one for one in named if not one.isdecimal()]
    # Conditions of one statement must hold together: who is named by neither is denied.
    conditions: dict[str, Any] = {"StringNotEquals": {"aws:PrincipalAccount": accounts if named else [Aws.ACCOUNT_ID]}}
    if named:
        ours = [role.role_arn for role in publishers]
        conditions["ArnNotEquals"] = {"aws:PrincipalArn": [*principals, *ours]}
        if not accounts:
            del conditions["StringNotEquals"]
    return {
        "Sid": "NobodyElse",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "events:PutEvents",
        "Resource": resource,
        "Condition": conditions,
    }


def _ours_alone(resource: str, publishers: Sequence[iam.IRole]) -> dict[str, Any]:
    return {
        "Sid": "OnlyHaulierTellsOfJobs",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "events:PutEvents",
        "Resource": resource,
        "Condition": {
            # Any: one request may put several events.
            "ForAnyValue:StringEquals": {"events:detail-type": [JOB_CHANGED]},
            "ArnNotEquals": {"aws:PrincipalArn": [role.role_arn for role in publishers]},
        },
    }


def _callers(resource: str, named: Sequence[str]) -> dict[str, Any]:
    """After AWS's example for the sender of another account (EventBridge User Guide, "Permissions for event buses")."""
    accounts = [f"arn:{Aws.PARTITION}:iam::{one}:root" for one in named if one.isdecimal()]
    return {
        "Sid": "Callers",
        "Effect": "Allow",
        "Principal": {"AWS": [*(one for one in named if not one.isdecimal()), *accounts]},
        "Action": "events:PutEvents",
        "Resource": resource,
        "Condition": {
            "ForAllValues:StringEquals": {"events:source": [EVENT_SOURCE], "events:detail-type": [JOB_REQUESTED]}
        },
    }

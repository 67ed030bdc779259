"""Tasks that ECS could not place: a rule that tells people, with ECS's own reason. Silent without the Workers stack."""

from aws_cdk import aws_events as events
from aws_cdk import aws_sns as sns
from constructs import Construct

from haulier.contracts.names import Names
from infra.deadletters import dead_letters
from infra.delivery import let_rules_publish, let_rules_send, target
from infra.trust import arn

NOT_PLACED = ("SERVICE_TASK_PLACEMENT_FAILURE", "SERVICE_TASK_CONFIGURATION_FAILURE", "SERVICE_TASK_START_IMPAIRED")
"""Amazon ECS Developer Guide, "Amazon ECS service action events"."""


class NotPlaced(Construct):
    """The rule on the default bus, where ECS tells of its services.

    Attributes:
        rule: of events of our cluster's services, to alerts.
        dlq: what could not be told.
    """

    def __init__(self, scope: Construct, *, names: Names, alerts: sns.ITopic, operations_url: str) -> None:
        super().__init__(scope, "NotPlaced")
        self.dlq = dead_letters(self, names, "placement")
        self.rule = events.CfnRule(
            self,
            "Rule",
            name=f"{names.prefix}-not-placed",
            description="Worker tasks that ECS could not place or start",
            event_pattern={
                "source": ["aws.ecs"],
                "detail-type": ["ECS Service Action"],
                "detail": {"clusterArn": [arn("ecs", f"cluster/{names.cluster}")], "eventName": list(NOT_PLACED)},
            },
            targets=[target("Alerts", alerts.topic_arn, dlq=self.dlq, words=_words(names, operations_url))],
        )
        let_rules_send(self.dlq, self.rule)
        let_rules_publish(alerts, self.rule, sid="NotPlaced")


def _words(names: Names, operations_url: str) -> events.CfnRule.InputTransformerProperty:
    """What an e-mail says. Only `reason` is not in every such event; EventBridge leaves its place empty then."""
    return events.CfnRule.InputTransformerProperty(
        input_paths_map={
            "what": "$.detail.eventName",
            "service": "$.resources[0]",
            "at": "$.time",
            "reason": "$.detail.reason",
        },
        input_template=(
            f"\"Haulier {names.environment}: <what> at <at>, <service>. ECS could not place or start a worker's task."
            " ECS's reason, if it names one: <reason>."
            f' What to do: {operations_url}#placement-failed"'
        ),
    )

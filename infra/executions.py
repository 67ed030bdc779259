"""Executions that ended badly: a rule that tells people, and has the assembler end the job.

The state machine ends its jobs itself where it can (`infra.workflow`, Abandon). What it cannot do that for is an
execution that somebody stopped, one that ran out of time, and one whose Abandon failed, too.
"""

from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from haulier.contracts.events import EXECUTION_ENDED, EXECUTION_SOURCE
from haulier.contracts.names import Names
from infra import statements as may
from infra.delivery import let_rule_invoke, let_rules_publish, let_rules_send, target
from infra.function import failures_go_to
from infra.trust import arn

ENDED_BADLY = ("FAILED", "TIMED_OUT", "ABORTED")


class FailedExecutions(Construct):
    """Rules on the default bus, where Step Functions tells of executions.

    Attributes:
        chunks: of the machine that coordinates a run's chunks, to alerts and assembler.
        batches: of the machine that coordinates batches, to alerts.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        names: Names,
        alerts: sns.ITopic,
        assembler: lambda_.Function,
        dlq: sqs.IQueue,
        operations_url: str,
    ) -> None:
        super().__init__(scope, "FailedExecutions")
        told = target("Alerts", alerts.topic_arn, dlq=dlq, words=_words(names, operations_url))
        ended = target("Assembler", assembler.function_arn, dlq=dlq)
        self.chunks = self._rule("Chunks", names, may.machine_arn(names), [told, ended])
        self.batches = self._rule("Batches", names, arn("states", f"stateMachine:{names.batch_machine}"), [told])
        let_rules_send(dlq, self.chunks, self.batches)
        let_rules_publish(alerts, self.chunks, self.batches)
        let_rule_invoke(assembler, self.chunks)
        failures_go_to(assembler, dlq)

    def _rule(
        self, name: str, names: Names, machine: str, targets: list[events.CfnRule.TargetProperty]
    ) -> events.CfnRule:
        return events.CfnRule(
            self,
            name,
            name=f"{names.prefix}-{name.lower()}-failed",
            description="Executions that failed, ran out of time or were stopped",
            event_pattern={
                "source": [EXECUTION_SOURCE],
                "detail-type": [EXECUTION_ENDED],
                # Exactly: a map's children are executions of `{machine}/{label}`.
                "detail": {"stateMachineArn": [machine], "status": list(ENDED_BADLY)},
            },
            targets=targets,
        )


def _words(names: Names, operations_url: str) -> events.CfnRule.InputTransformerProperty:
    """What an e-mail says; only what every such event has, since what is missing would leave a hole."""
    return events.CfnRule.InputTransformerProperty(
        input_paths_map={
            "name": "$.detail.name",
            "status": "$.detail.status",
            "arn": "$.detail.executionArn",
            "region": "$.region",
        },
        input_template=(
            f"\"Haulier {names.environment}: execution <name> is <status>. Its name begins with the job's id:"
            f" `haulier status JOB` says why it failed. What to do: {operations_url}#state-machine"
            ' https://console.aws.amazon.com/states/home?region=<region>#/v2/executions/details/<arn>"'
        ),
    )

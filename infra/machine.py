"""The state machine: its definition put into a resource, with its role, log and tracing."""

import json

from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from haulier.contracts.keys import TEMP_PREFIX
from haulier.contracts.names import Names
from infra import statements as may
from infra.functions import ASSEMBLE_TIMEOUT_SECONDS, PLAN_TIMEOUT_SECONDS, Functions
from infra.queues import Queues
from infra.retention import log_group
from infra.settings import Settings
from infra.storage import Storage
from infra.workflow import Workflow, definition

LOG_DELIVERY = (
    "logs:CreateLogDelivery",
    "logs:GetLogDelivery",
    "logs:UpdateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:DescribeResourcePolicies",
    "logs:DescribeLogGroups",
)
TRACING = (
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
)


class Machine(Construct):
    """Coordinates a run that is cut into chunks."""

    def __init__(
        self,
        scope: Construct,
        *,
        names: Names,
        settings: Settings,
        functions: Functions,
        queues: Queues,
        storage: Storage,
    ) -> None:
        super().__init__(scope, "Machine")
        log = log_group(self, "Log", physical=f"/aws/vendedlogs/states/{names.state_machine}", settings=settings)
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
        for statement in _permissions(names, functions, queues, storage):
            role.add_to_policy(statement)
        workflow = Workflow(
            plan_function=functions.plan.function_arn,
            assemble_function=functions.assemble.function_arn,
            plan_timeout_seconds=PLAN_TIMEOUT_SECONDS,
            assemble_timeout_seconds=ASSEMBLE_TIMEOUT_SECONDS,
            map_concurrency=settings.map_concurrency,
            token_heartbeat_seconds=settings.token_heartbeat_seconds,
            token_timeout_seconds=settings.token_timeout_seconds,
            execution_timeout_seconds=settings.execution_timeout_seconds,
        )
        self.machine = sfn.CfnStateMachine(
            self,
            "StateMachine",
            state_machine_name=names.state_machine,
            state_machine_type="STANDARD",
            role_arn=role.role_arn,
            # Not Stack.to_json_string: what passes jsii loses its nulls, and `ResultPath: null` means something.
            definition_string=json.dumps(definition(workflow)),
            logging_configuration=_errors_without_data(log.log_group_arn),
            tracing_configuration=sfn.CfnStateMachine.TracingConfigurationProperty(enabled=True),
        )
        # The role's policy must exist before the machine, which checks at creation that it may write its log.
        self.machine.node.add_dependency(role)


def _permissions(names: Names, functions: Functions, queues: Queues, storage: Storage) -> list[iam.PolicyStatement]:
    """After AWS's example for a Distributed Map, whose children are executions of the machine itself."""
    return [
        may.allow(["lambda:InvokeFunction"], functions.plan.function_arn, functions.assemble.function_arn),
        may.read_objects(storage.output, TEMP_PREFIX),
        may.send_to(pair.queue for pair in queues.work.values()),
        may.allow(["states:StartExecution"], may.machine_arn(names)),
        may.allow(["states:DescribeExecution", "states:StopExecution"], *may.execution_arns(names)),
        # Neither log delivery nor X-Ray knows resources: AWS's documentation gives "*" for both.
        may.allow(LOG_DELIVERY, "*"),
        may.allow(TRACING, "*"),
        may.deny_destruction(),
    ]


def _errors_without_data(log_group_arn: str) -> sfn.CfnStateMachine.LoggingConfigurationProperty:
    destination = sfn.CfnStateMachine.LogDestinationProperty(
        cloud_watch_logs_log_group=sfn.CfnStateMachine.CloudWatchLogsLogGroupProperty(log_group_arn=log_group_arn)
    )
    return sfn.CfnStateMachine.LoggingConfigurationProperty(
        level="ERROR", include_execution_data=False, destinations=[destination]
    )

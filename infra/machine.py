"""The state machine: its definition put into a resource, with its role, log and tracing."""

import json

from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from haulier.contracts.keys import TEMP_PREFIX
from haulier.contracts.names import Names
from infra import statements as may
from infra.encryption import with_key
from infra.functions import ASSEMBLE_TIMEOUT_SECONDS, PLAN_TIMEOUT_SECONDS, Functions
from infra.queues import Queues
from infra.retention import log_group
from infra.settings import Settings
from infra.storage import Storage
from infra.trust import service_principal
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
        role = iam.Role(
            self,
            "Role",
            # By name: the machine waits for its role. Its map's children are `{machine}/{label}`.
            assumed_by=service_principal("states.amazonaws.com", source_arn=f"{may.machine_arn(names)}*"),
            description="What Haulier's state machine may do",
        )
        for statement in with_key(_permissions(names, settings, functions, queues, storage), storage.key):
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
            logging_configuration=logging(log.log_group_arn, settings),
            tracing_configuration=sfn.CfnStateMachine.TracingConfigurationProperty(enabled=settings.tracing),
        )
        # The role's policy must exist before the machine, which checks at creation that it may write its log.
        self.machine.node.add_dependency(role)


def _permissions(
    names: Names, settings: Settings, functions: Functions, queues: Queues, storage: Storage
) -> list[iam.PolicyStatement]:
    return [
        may.allow(["lambda:InvokeFunction"], functions.plan.function_arn, functions.assemble.function_arn),
        may.read_objects(storage.output, TEMP_PREFIX),
        may.send_to(pair.queue for pair in queues.work.values()),
        *may.run_map(names.state_machine),
        # Neither log delivery nor X-Ray knows resources: AWS's documentation gives "*" for both.
        may.allow(LOG_DELIVERY, "*"),
        *([may.allow(TRACING, "*")] if settings.tracing else []),
        may.deny_destruction(),
    ]


def logging(log_group_arn: str, settings: Settings) -> sfn.CfnStateMachine.LoggingConfigurationProperty:
    """Of a state machine: what the settings say."""
    destination = sfn.CfnStateMachine.LogDestinationProperty(
        cloud_watch_logs_log_group=sfn.CfnStateMachine.CloudWatchLogsLogGroupProperty(log_group_arn=log_group_arn)
    )
    return sfn.CfnStateMachine.LoggingConfigurationProperty(
        level=settings.machine_log_level,
        include_execution_data=settings.machine_log_data,
        destinations=[destination],
    )

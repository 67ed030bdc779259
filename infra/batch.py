"""Batches: the function that lists, admits and counts members, and the state machine that calls it."""

import json

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from haulier.contracts import environment as variables
from haulier.contracts.keys import BATCHES, FAILED_PREFIX, PROCESSED_PREFIX
from infra import statements as may
from infra.batch_workflow import BatchWorkflow, definition
from infra.encryption import with_key
from infra.function import Surroundings, pipeline_function
from infra.machine import LOG_DELIVERY, TRACING, logging
from infra.retention import log_group
from infra.trust import service_principal

BATCH_TIMEOUT_SECONDS = 900
"""Lambda's longest: a section is listed, and millions of members are counted, some of them in each call."""
_LISTS = f"{PROCESSED_PREFIX}{BATCHES}/"
_FAILURES = f"{FAILED_PREFIX}{BATCHES}/"


class Batch(Construct):
    """Attributes: `function` and `machine` (with its `role`) of batches."""

    def __init__(self, scope: Construct, around: Surroundings) -> None:
        super().__init__(scope, "Batch")
        self._around = around
        self.function = self._function()
        self.role = self._role()
        self.machine = self._machine()

    def _function(self) -> lambda_.Function:
        around = self._around
        output, names = around.storage.output, around.names
        return pipeline_function(
            self,
            "batch",
            around=around,
            timeout=BATCH_TIMEOUT_SECONDS,
            memory=1024,
            environment=around.admission | {variables.OUTPUT_BUCKET: output.bucket_name},
            permissions=[
                may.use_table(around.table, "GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem"),
                *may.read_source(around.storage.input),
                may.put_objects(output, _LISTS, _FAILURES),
                may.read_objects(output, _LISTS),
                may.send_to(pair.queue for pair in around.queues.work.values()),
                # Of members that are cut into chunks.
                may.allow(["states:StartExecution"], may.machine_arn(names)),
            ],
        )

    def _role(self) -> iam.Role:
        around, names = self._around, self._around.names
        role = iam.Role(
            self,
            "CoordinatorRole",
            assumed_by=service_principal("states.amazonaws.com", source_arn=f"{may.batch_machine_arn(names)}*"),
            description="What Haulier's state machine of batches may do",
        )
        statements = [
            may.allow(["lambda:InvokeFunction"], self.function.function_arn),
            may.read_objects(around.storage.output, _LISTS),
            *may.run_map(names.batch_machine),
            # Neither log delivery nor X-Ray knows resources: AWS's documentation gives "*" for both.
            may.allow(LOG_DELIVERY, "*"),
            *([may.allow(TRACING, "*")] if around.settings.tracing else []),
            may.deny_destruction(),
        ]
        for statement in with_key(statements, around.storage.key):
            role.add_to_policy(statement)
        return role

    def _machine(self) -> sfn.CfnStateMachine:
        names, settings = self._around.names, self._around.settings
        log = log_group(self, "Log", physical=f"/aws/vendedlogs/states/{names.batch_machine}", settings=settings)
        workflow = BatchWorkflow(
            function=self.function.function_arn,
            timeout_seconds=BATCH_TIMEOUT_SECONDS,
            map_concurrency=settings.batch_concurrency,
            execution_timeout_seconds=settings.execution_timeout_seconds,
        )
        machine = sfn.CfnStateMachine(
            self,
            "StateMachine",
            state_machine_name=names.batch_machine,
            state_machine_type="STANDARD",
            role_arn=self.role.role_arn,
            # As in `infra.machine`: what passes jsii loses its nulls.
            definition_string=json.dumps(definition(workflow)),
            logging_configuration=logging(log.log_group_arn, settings),
            tracing_configuration=sfn.CfnStateMachine.TracingConfigurationProperty(enabled=settings.tracing),
        )
        # The role's policy must exist before the machine, which checks at creation that it may write its log.
        machine.node.add_dependency(self.role)
        return machine

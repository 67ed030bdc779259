"""Upkeep by the clock: janitor, clean-up, reconcile, archival. Each has a schedule, and its failures are kept."""

from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from haulier.contracts import environment as variables
from haulier.contracts.keys import ARCHIVE_PREFIX, PROCESSED_PREFIX, REJECTED_PREFIX, TEMP_PREFIX
from infra import statements as may
from infra.deadletters import dead_letters
from infra.function import Surroundings, failures_go_to, pipeline_function
from infra.schedules import schedule

TIMEOUT_SECONDS = 900
"""Lambda's longest. What a call does not come to is the next one's, see `haulier.jobs.bookmark`."""
ARCHIVE_MEMORY = 1769
"""MiB; one whole processor (Lambda Developer Guide, "Configure Lambda function memory"). Each of four partitions holds
a file of at most 32 MiB, compressed, and a page of the table."""


class Scheduled(Construct):
    """The janitor's minute, and clean-up, reconcile and archival with their functions, by their names.

    Attributes:
        functions: may be invoked by hand as well, at any time: two calls at once do some work twice and no harm, so
            none of them takes from the account's concurrency what would be reserved for it.
        dlqs: invocations that failed, or that Scheduler could not hand over.
        schedules: there but off where the setting says so.
    """

    def __init__(self, scope: Construct, around: Surroundings, *, janitor: lambda_.Function) -> None:
        super().__init__(scope, "Scheduled")
        self._around = around
        self.functions: dict[str, lambda_.Function] = {}
        self.dlqs: dict[str, sqs.Queue] = {}
        self.schedules: dict[str, scheduler.CfnSchedule] = {}
        self._janitor(janitor)
        self._cleanup()
        self._reconcile()
        self._archive()

    def _janitor(self, function: lambda_.Function) -> None:
        self._run_by_clock(
            "janitor",
            function,
            expression="rate(1 minute)",
            description="Sees to it that every job reaches a final state",
            # A lost minute is not made up for: the next one does the same work.
            most_age_seconds=60,
            retries=1,
        )

    def _cleanup(self) -> None:
        around, settings, output = self._around, self._around.settings, self._around.storage.output
        orphan_after = max(settings.orphan_after_days * 86_400, settings.execution_timeout_seconds)
        self._make(
            "cleanup",
            environment={
                variables.OUTPUT_BUCKET: output.bucket_name,
                variables.ORPHAN_AFTER_SECONDS: str(orphan_after),
            },
            permissions=[
                may.use_table(around.table, "BatchGetItem"),
                may.keep_bookmarks(around.table, "cleanup"),
                may.list_objects(output, TEMP_PREFIX),
                *may.remove_temporary(output, TEMP_PREFIX, uploads=(PROCESSED_PREFIX, REJECTED_PREFIX)),
            ],
            expression=settings.cleanup_schedule,
            enabled=settings.cleanup_enabled,
            description="Removes temporary objects and open uploads of jobs that are over",
        )

    def _reconcile(self) -> None:
        around, settings, source = self._around, self._around.settings, self._around.storage.input
        self._make(
            "reconcile",
            environment={
                variables.INPUT_BUCKET: source.bucket_name,
                variables.INTAKE_QUEUE_URL: around.queues.intake.queue.queue_url,
                variables.INPUT_PREFIXES: ",".join(settings.input_prefixes),
                variables.RECONCILE_AFTER_SECONDS: str(settings.reconcile_after_seconds),
                variables.RECONCILE_WITHIN_DAYS: str(settings.reconcile_within_days),
                variables.RECONCILE_MOST_JOBS: str(settings.reconcile_most_jobs),
            },
            permissions=[
                may.read_pointers(around.table),
                # When the table was made: what is older was there before anybody could have been told of it.
                may.use_table(around.table, "DescribeTable"),
                may.keep_bookmarks(around.table, "reconcile"),
                *(may.list_objects(source, prefix) for prefix in settings.input_prefixes),
                may.send_to([around.queues.intake.queue]),
            ],
            expression=settings.reconcile_schedule,
            enabled=settings.reconcile_enabled,
            description="Asks for a job for each input that has none",
        )

    def _archive(self) -> None:
        around, settings, output = self._around, self._around.settings, self._around.storage.output
        index = around.names.status_index
        self._make(
            "archive",
            memory=ARCHIVE_MEMORY,
            environment={
                variables.OUTPUT_BUCKET: output.bucket_name,
                variables.STATUS_INDEX: index,
                variables.ARCHIVE_AFTER_DAYS: str(settings.archive_after_days),
            },
            permissions=[
                may.query_index(around.table, index),
                may.use_table(around.table, "Query"),
                may.keep_bookmarks(around.table, "archive"),
                may.put_objects(output, ARCHIVE_PREFIX),
            ],
            expression=settings.archive_schedule,
            enabled=settings.archive_enabled,
            description="Writes records of jobs that ended long ago to S3, before the table forgets them",
        )

    def _make(
        self,
        name: str,
        *,
        environment: Mapping[str, str],
        permissions: Sequence[iam.PolicyStatement],
        expression: str,
        enabled: bool,
        description: str,
        memory: int = 512,
    ) -> None:
        function = pipeline_function(
            self,
            name,
            around=self._around,
            timeout=TIMEOUT_SECONDS,
            memory=memory,
            environment=environment,
            permissions=permissions,
        )
        self._run_by_clock(
            name,
            function,
            expression=expression,
            timezone=self._around.settings.schedule_timezone,
            description=description,
            enabled=enabled,
        )

    def _run_by_clock(self, name: str, function: lambda_.Function, **how: Any) -> None:
        names = self._around.names
        dlq = dead_letters(self, names, name)
        failures_go_to(function, dlq)
        self.dlqs[name], self.functions[name] = dlq, function
        self.schedules[name] = schedule(self, name, names=names, function=function, dlq=dlq, **how)

"""The daily quality report: its function, its schedule, and where an invocation goes that came to nothing."""

import json

from constructs import Construct

from haulier.contracts import environment as variables
from haulier.contracts.keys import QUALITY_PREFIX
from infra import statements as may
from infra.deadletters import dead_letters
from infra.function import Surroundings, failures_go_to, pipeline_function
from infra.schedules import schedule

TIMEOUT_SECONDS = 900
"""Lambda's longest; a hundred thousand jobs take a small part of it (docs/quality.md)."""
SCHEDULED_AT = "<aws.scheduler.scheduled-time>"
"""Scheduler puts the time in its place (User Guide, "Adding context attributes"), so that a late call still makes the
report it was for."""


class Quality(Construct):
    """The function `quality` and all that is its own.

    Attributes:
        function: makes the report.
        dlq: invocations that failed, or that Scheduler could not hand over.
        schedule: each day; there but off where the setting says so, and the function may still be invoked by hand.
    """

    def __init__(self, scope: Construct, around: Surroundings) -> None:
        super().__init__(scope, "Quality")
        names, settings, output = around.names, around.settings, around.storage.output
        topic = around.notifications.quality
        self.dlq = dead_letters(self, names, "quality")
        self.function = pipeline_function(
            self,
            "quality",
            around=around,
            timeout=TIMEOUT_SECONDS,
            memory=1024,
            environment={
                variables.STATUS_INDEX: names.status_index,
                variables.OUTPUT_BUCKET: output.bucket_name,
                variables.QUALITY_TOPIC_ARN: topic.topic_arn,
                variables.QUALITY_TIMEZONE: settings.schedule_timezone,
            },
            permissions=[
                may.query_index(around.table, names.status_index),
                may.list_objects(output, QUALITY_PREFIX),
                may.read_objects(output, QUALITY_PREFIX),
                may.put_objects(output, QUALITY_PREFIX),
                may.allow(["sns:Publish"], topic.topic_arn),
                *may.publish_encrypted(around.notifications.key),
            ],
        )
        failures_go_to(self.function, self.dlq)
        self.schedule = schedule(
            self,
            "quality",
            names=names,
            function=self.function,
            dlq=self.dlq,
            expression=settings.quality_schedule,
            timezone=settings.schedule_timezone,
            description="Reports on yesterday's jobs, and on what is unusual about them",
            input=json.dumps({"scheduled_at": SCHEDULED_AT}),
            enabled=settings.quality_enabled,
        )

"""What each function is told through its environment; the names are `haulier.contracts.environment`'s.

A function reads only what it needs, once a process, and tells everything that is wrong at once.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from haulier.contracts import environment as variables
from haulier.contracts import limits
from haulier.contracts.keys import INCOMING_PREFIX

S = TypeVar("S", bound="Settings")


class SettingsError(Exception):
    """The environment is wrong; the text names every variable that is, and what it must be."""


def _split(value: Any) -> Any:
    """`a, b` → `("a", "b")`; what is no text stays."""
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


class Settings(BaseModel):
    """What every function needs.

    Attributes:
        environment: the suffix that names everything.
        table: the job table.
        bucket_owner: account id that must own the buckets; empty if that is not checked.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    environment: str = Field(default="", validation_alias=variables.ENVIRONMENT)
    table: str = Field(validation_alias=variables.TABLE)
    bucket_owner: str = Field(default="", validation_alias=variables.BUCKET_OWNER)


class _WorkQueues(Settings):
    """Where chunks go."""

    priority_queue_url: str = Field(validation_alias=variables.PRIORITY_QUEUE_URL)
    standard_queue_url: str = Field(validation_alias=variables.STANDARD_QUEUE_URL)
    bulk_queue_url: str = Field(validation_alias=variables.BULK_QUEUE_URL)
    ondemand_queue_url: str = Field(validation_alias=variables.ONDEMAND_QUEUE_URL)

    @property
    def queue_urls(self) -> dict[str, str]:
        """Each of `contracts.dataset.WORK_QUEUES` → URL."""
        return {
            "priority": self.priority_queue_url,
            "standard": self.standard_queue_url,
            "bulk": self.bulk_queue_url,
            "ondemand": self.ondemand_queue_url,
        }


class AdmissionSettings(_WorkQueues):
    """What decides which objects become jobs, and how.

    Attributes:
        input_bucket: the only bucket objects are taken from; it holds the datasets, too.
        state_machine_arn: coordinates jobs cut into chunks.
        input_prefixes: an event for a key under none of them starts nothing.
        excluded_suffixes: keys that are refused.
        max_object_bytes: larger objects are refused.
        chunk_threshold_bytes: larger objects are cut, where the dataset does not say.
        chunk_bytes: a chunk's size, where the dataset does not say.
        ondemand_after_seconds: what one worker must read whole and is expected to take longer goes to the on-demand
            queue.
    """

    input_bucket: str = Field(validation_alias=variables.INPUT_BUCKET)
    state_machine_arn: str = Field(validation_alias=variables.STATE_MACHINE_ARN)
    input_prefixes: tuple[str, ...] = Field(default=(INCOMING_PREFIX,), validation_alias=variables.INPUT_PREFIXES)
    excluded_suffixes: tuple[str, ...] = Field(default=(), validation_alias=variables.EXCLUDED_SUFFIXES)
    max_object_bytes: int = Field(default=limits.MAX_OBJECT_BYTES, gt=0, validation_alias=variables.MAX_OBJECT_BYTES)
    chunk_threshold_bytes: int = Field(
        default=limits.DEFAULT_CHUNK_THRESHOLD_BYTES,
        ge=limits.MIN_CHUNK_BYTES,
        validation_alias=variables.CHUNK_THRESHOLD_BYTES,
    )
    chunk_bytes: int = Field(
        default=limits.DEFAULT_CHUNK_BYTES, ge=limits.MIN_CHUNK_BYTES, validation_alias=variables.CHUNK_BYTES
    )
    ondemand_after_seconds: int = Field(
        default=limits.ONDEMAND_AFTER_SECONDS, ge=0, validation_alias=variables.ONDEMAND_AFTER_SECONDS
    )

    @field_validator("input_prefixes", "excluded_suffixes", mode="before")
    @classmethod
    def _separated_by_commas(cls, value: Any) -> Any:
        return _split(value)


class RequestSettings(AdmissionSettings):
    """What it takes to accept whatever a caller may ask for.

    Attributes:
        batch_machine_arn: coordinates batches.
    """

    batch_machine_arn: str = Field(validation_alias=variables.BATCH_MACHINE_ARN)


class IntakeSettings(RequestSettings):
    """Of `dispatcher.intake`.

    Attributes:
        intake_dlq_url: where an event goes that can never be read; without it SQS's own redrive brings it there.
    """

    intake_dlq_url: str = Field(default="", validation_alias=variables.INTAKE_DLQ_URL)


class ApiSettings(RequestSettings):
    """Of `dispatcher.api`.

    Attributes:
        output_bucket: where results are said to lie.
        status_index: the index over job items by status and time.
        checks_callers: whether a request is refused whose caller API Gateway does not tell.
    """

    output_bucket: str = Field(validation_alias=variables.OUTPUT_BUCKET)
    status_index: str = Field(validation_alias=variables.STATUS_INDEX)
    checks_callers: bool = Field(default=True, validation_alias=variables.API_CHECKS_CALLERS)


class BatchSettings(AdmissionSettings):
    """Of `dispatcher.batch`."""

    output_bucket: str = Field(validation_alias=variables.OUTPUT_BUCKET)


class PlanSettings(_WorkQueues):
    """Of `dispatcher.plan`."""

    output_bucket: str = Field(validation_alias=variables.OUTPUT_BUCKET)


class AssembleSettings(_WorkQueues):
    """Of `dispatcher.assemble`."""

    output_bucket: str = Field(validation_alias=variables.OUTPUT_BUCKET)


class NotifySettings(Settings):
    """Of `dispatcher.notify`."""

    output_bucket: str = Field(validation_alias=variables.OUTPUT_BUCKET)
    completed_topic_arn: str = Field(validation_alias=variables.COMPLETED_TOPIC_ARN)
    failed_topic_arn: str = Field(validation_alias=variables.FAILED_TOPIC_ARN)
    results_queue_url: str = Field(validation_alias=variables.RESULTS_QUEUE_URL)
    bus_name: str = Field(validation_alias=variables.BUS_NAME)


class JanitorSettings(_WorkQueues):
    """Of `dispatcher.janitor`.

    Attributes:
        status_index: the index over job items by status and time.
        requeue_after_seconds: first wait before work that nobody holds is enqueued again.
        stalled_after_seconds: an open job of which nothing has moved for that long is counted as stalled.
    """

    output_bucket: str = Field(validation_alias=variables.OUTPUT_BUCKET)
    status_index: str = Field(validation_alias=variables.STATUS_INDEX)
    state_machine_arn: str = Field(validation_alias=variables.STATE_MACHINE_ARN)
    batch_machine_arn: str = Field(validation_alias=variables.BATCH_MACHINE_ARN)
    requeue_after_seconds: float = Field(
        default=limits.REQUEUE_AFTER_SECONDS, gt=0, validation_alias=variables.REQUEUE_AFTER_SECONDS
    )
    stalled_after_seconds: float = Field(
        default=limits.STALLED_AFTER_SECONDS, gt=0, validation_alias=variables.STALLED_AFTER_SECONDS
    )


class QualitySettings(Settings):
    """Of `dispatcher.quality`.

    Attributes:
        status_index: the index over job items by status and time.
        output_bucket: takes the reports.
        quality_topic_arn: is told of each.
        timezone: in which a day is a day.
    """

    status_index: str = Field(validation_alias=variables.STATUS_INDEX)
    output_bucket: str = Field(validation_alias=variables.OUTPUT_BUCKET)
    quality_topic_arn: str = Field(validation_alias=variables.QUALITY_TOPIC_ARN)
    timezone: str = Field(default="UTC", validation_alias=variables.QUALITY_TIMEZONE)


class CleanupSettings(Settings):
    """Of `dispatcher.cleanup`.

    Attributes:
        orphan_after_seconds: age at which temporary things go whose job nobody knows; longer than any run takes.
    """

    output_bucket: str = Field(validation_alias=variables.OUTPUT_BUCKET)
    orphan_after_seconds: int = Field(
        default=limits.ORPHAN_AFTER_SECONDS, gt=0, validation_alias=variables.ORPHAN_AFTER_SECONDS
    )


class ReconcileSettings(Settings):
    """Of `dispatcher.reconcile`.

    Attributes:
        intake_queue_url: where jobs are asked for.
        input_prefixes: of keys that are input.
        after_seconds: younger objects are left alone.
        within_days: older objects are left alone.
        most_jobs: asked for in one call.
    """

    input_bucket: str = Field(validation_alias=variables.INPUT_BUCKET)
    intake_queue_url: str = Field(validation_alias=variables.INTAKE_QUEUE_URL)
    input_prefixes: tuple[str, ...] = Field(default=(INCOMING_PREFIX,), validation_alias=variables.INPUT_PREFIXES)
    after_seconds: int = Field(
        default=limits.RECONCILE_AFTER_SECONDS, ge=0, validation_alias=variables.RECONCILE_AFTER_SECONDS
    )
    within_days: int = Field(
        default=limits.RECONCILE_WITHIN_DAYS, ge=1, validation_alias=variables.RECONCILE_WITHIN_DAYS
    )
    most_jobs: int = Field(default=limits.RECONCILE_MOST_JOBS, ge=1, validation_alias=variables.RECONCILE_MOST_JOBS)

    @field_validator("input_prefixes", mode="before")
    @classmethod
    def _separated_by_commas(cls, value: Any) -> Any:
        return _split(value)


class ArchiveSettings(Settings):
    """Of `dispatcher.archive`.

    Attributes:
        status_index: the index over job items by status and time.
        after_days: how long ago a job must have ended.
    """

    output_bucket: str = Field(validation_alias=variables.OUTPUT_BUCKET)
    status_index: str = Field(validation_alias=variables.STATUS_INDEX)
    after_days: int = Field(default=limits.ARCHIVE_AFTER_DAYS, ge=1, validation_alias=variables.ARCHIVE_AFTER_DAYS)


def read(model: type[S], environment: Mapping[str, str]) -> S:
    """A function's settings.

    Args:
        model: one of the above.
        environment: `os.environ`, or a test's; a variable that is empty counts as not set.

    Raises:
        SettingsError: with every variable that is missing or wrong.
    """
    try:
        return model.model_validate({name: value for name, value in environment.items() if value.strip()})
    except ValidationError as error:
        told = "; ".join(f"{'.'.join(map(str, entry['loc']))}: {entry['msg']}" for entry in error.errors())
        raise SettingsError(f"the function's environment is wrong: {told}") from error

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


class IntakeSettings(_WorkQueues):
    """Of `dispatcher.intake`.

    Attributes:
        input_bucket: the only bucket objects are taken from; it holds the datasets, too.
        state_machine_arn: coordinates jobs cut into chunks.
        intake_dlq_url: where an event goes that can never be read; without it SQS's own redrive brings it there.
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
    intake_dlq_url: str = Field(default="", validation_alias=variables.INTAKE_DLQ_URL)
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
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


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
    """

    output_bucket: str = Field(validation_alias=variables.OUTPUT_BUCKET)
    status_index: str = Field(validation_alias=variables.STATUS_INDEX)
    state_machine_arn: str = Field(validation_alias=variables.STATE_MACHINE_ARN)
    requeue_after_seconds: float = Field(
        default=limits.REQUEUE_AFTER_SECONDS, gt=0, validation_alias=variables.REQUEUE_AFTER_SECONDS
    )


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

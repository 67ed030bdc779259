"""The worker's settings, read from the environment once, before anything else.

Names are those of `haulier.contracts.environment`; credentials, region and endpoint are botocore's own variables.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from haulier.contracts import environment as names
from haulier.contracts import limits
from haulier.contracts.dataset import WORK_QUEUES, QueueName


class Settings(BaseSettings):
    """Everything that may be set. Units are in the names."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    environment: str = Field(
        description="suffix that names everything; said in the logs", default="dev", validation_alias=names.ENVIRONMENT
    )
    table: str = Field(description="the job table", validation_alias=names.TABLE, min_length=1)
    output_bucket: str = Field(
        description="where outputs, rejects and manifests go", validation_alias=names.OUTPUT_BUCKET, min_length=3
    )
    bucket_owner: str = Field(
        description="account id that must own the buckets; not checked if empty",
        default="",
        validation_alias=names.BUCKET_OWNER,
        pattern=r"^(\d{12})?$",
    )

    priority_queue_url: str = Field(
        description="work that goes first", validation_alias=names.PRIORITY_QUEUE_URL, pattern=r"^https?://"
    )
    standard_queue_url: str = Field(
        description="work", validation_alias=names.STANDARD_QUEUE_URL, pattern=r"^https?://"
    )
    bulk_queue_url: str = Field(
        description="chunks of large jobs, and batches", validation_alias=names.BULK_QUEUE_URL, pattern=r"^https?://"
    )
    ondemand_queue_url: str = Field(
        description="work that must not be interrupted",
        validation_alias=names.ONDEMAND_QUEUE_URL,
        pattern=r"^https?://",
    )
    priority_dlq_url: str = Field(
        description="its letters", validation_alias=names.PRIORITY_DLQ_URL, pattern=r"^https?://"
    )
    standard_dlq_url: str = Field(
        description="its letters", validation_alias=names.STANDARD_DLQ_URL, pattern=r"^https?://"
    )
    bulk_dlq_url: str = Field(description="its letters", validation_alias=names.BULK_DLQ_URL, pattern=r"^https?://")

    ondemand_dlq_url: str = Field(
        description="its letters", validation_alias=names.ONDEMAND_DLQ_URL, pattern=r"^https?://"
    )

    queues: Annotated[tuple[QueueName, ...], NoDecode] = Field(
        description="comma-separated names of the work queues this worker serves; those on Spot leave out `ondemand`",
        default=WORK_QUEUES,
        min_length=1,
        validation_alias=names.QUEUES,
    )
    slots: int = Field(
        description="messages worked on at once; at least two, so that bulk never holds them all",
        default=8,
        ge=2,
        le=256,
        validation_alias=names.WORKER_SLOTS,
    )
    lease_seconds: float = Field(
        description="how long a chunk stays with a worker that is not heard of",
        default=limits.LEASE_SECONDS,
        gt=0,
        validation_alias=names.LEASE_SECONDS,
    )
    visibility_seconds: int = Field(
        description="how long its message stays hidden then; not less than the lease",
        default=limits.VISIBILITY_SECONDS,
        ge=1,
        le=limits.SQS_VISIBILITY_WALL_SECONDS,
        validation_alias=names.VISIBILITY_SECONDS,
    )
    heartbeat_seconds: float = Field(
        description="how often lease, visibility and token are renewed; at most a third of the lease",
        default=limits.HEARTBEAT_SECONDS,
        gt=0,
        validation_alias=names.HEARTBEAT_SECONDS,
    )
    drain_seconds: float = Field(
        description="how long work may go on after a stop request before it is given back",
        default=limits.DRAIN_SECONDS,
        ge=0,
        validation_alias=names.DRAIN_SECONDS,
    )
    max_attempts: int = Field(
        description="failures a chunk may have before its job fails",
        default=limits.MAX_ATTEMPTS,
        ge=1,
        validation_alias=names.MAX_ATTEMPTS,
    )

    protection_seconds: int = Field(
        description="longest time without a break for which ECS is asked to leave a working task alone",
        default=limits.PROTECTION_SECONDS,
        ge=60,
        le=48 * 3600,
        validation_alias=names.PROTECTION_SECONDS,
    )
    agent_uri: str = Field(
        description="ECS's agent; set by ECS itself, and outside ECS there is no task protection",
        default="",
        validation_alias="ECS_AGENT_URI",
    )

    health_file: str = Field(
        description="touched while the worker is well; `python -m worker health` looks at it",
        default="/tmp/haulier-worker-health",  # noqa: S108 - holds nothing; a container's /tmp is its own
        validation_alias=names.HEALTH_FILE,
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        description="least level that is logged", default="info", validation_alias=names.LOG_LEVEL
    )
    log_format: Literal["json", "console"] = Field(
        description="`json`, or `console` for people", default="json", validation_alias=names.LOG_FORMAT
    )

    metrics: bool = Field(
        description="write metrics in CloudWatch's embedded format among JSON logs",
        default=True,
        validation_alias=names.METRICS,
    )

    @field_validator("queues", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(dict.fromkeys(part for part in (piece.strip() for piece in value.split(",")) if part))
        return value

    @model_validator(mode="after")
    def _beats_in_time(self) -> Self:
        if self.heartbeat_seconds > self.lease_seconds / 3:
            raise ValueError(
                f"{names.HEARTBEAT_SECONDS} must be at most a third of {names.LEASE_SECONDS}, "
                "so that two lost beats lose no lease"
            )
        if self.lease_seconds > self.visibility_seconds:
            raise ValueError(
                f"{names.LEASE_SECONDS} must not be more than {names.VISIBILITY_SECONDS}: a message that "
                "comes back should find its lease free"
            )
        return self

    @property
    def queue_urls(self) -> dict[QueueName, str]:
        return {
            "priority": self.priority_queue_url,
            "standard": self.standard_queue_url,
            "bulk": self.bulk_queue_url,
            "ondemand": self.ondemand_queue_url,
        }

    @property
    def dlq_urls(self) -> dict[QueueName, str]:
        return {
            "priority": self.priority_dlq_url,
            "standard": self.standard_dlq_url,
            "bulk": self.bulk_dlq_url,
            "ondemand": self.ondemand_dlq_url,
        }


class WrongSettings(Exception):
    """`problems` names every variable that is missing or wrong, one entry each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def read_settings() -> Settings:
    """Reads the environment.

    Raises:
        WrongSettings: with every mistake at once.
    """
    try:
        return Settings()
    except ValidationError as error:
        raise WrongSettings([_problem(entry["loc"], entry["msg"], entry["type"]) for entry in error.errors()]) from None


def _problem(loc: tuple[int | str, ...], message: str, kind: str) -> str:
    if not loc:
        return message.removeprefix("Value error, ")
    return f"{loc[0]}: " + ("is not set" if kind == "missing" else message)

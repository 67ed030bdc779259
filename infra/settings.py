"""What a deployment may choose. Every setting is an environment variable of the same name with `HAULIER_` before it."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from haulier.contracts import limits
from haulier.contracts.environment import PREFIX
from haulier.contracts.keys import INCOMING_PREFIX, OWN_PREFIXES

ENVIRONMENT_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,14}[a-z0-9])?$"


class Settings(BaseSettings):
    """Settings of the CDK app; defaults are for production where the profile does not say otherwise."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    environment: str = Field(default="dev", pattern=ENVIRONMENT_PATTERN, description="suffix that names everything")
    profile: Literal["dev", "prod"] = Field(
        default="prod",
        description="`prod` keeps buckets and table when a stack goes, and protects them; `dev` deletes what it can",
    )
    lambda_python: str = Field(default="3.13", pattern=r"^3\.\d+$", description="Python version of the functions")
    lambda_platform: Literal["arm64", "x86_64", "host"] = Field(
        default="arm64",
        description="processor of the functions; `host` bundles no dependency: the emulator runs functions in its own"
        " interpreter, which has them",
    )

    input_prefixes: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(INCOMING_PREFIX,), min_length=1, description="comma-separated key prefixes that are input"
    )
    excluded_suffixes: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="comma-separated key suffixes that are never input"
    )
    max_object_bytes: int = Field(
        default=limits.MAX_OBJECT_BYTES, ge=1, description="a larger object is refused at intake, bytes"
    )
    chunk_threshold_bytes: int = Field(
        default=limits.DEFAULT_CHUNK_THRESHOLD_BYTES,
        ge=limits.MIN_CHUNK_BYTES,
        description="larger objects are cut, where their dataset says nothing, bytes",
    )
    chunk_bytes: int = Field(
        default=limits.DEFAULT_CHUNK_BYTES,
        ge=limits.MIN_CHUNK_BYTES,
        description="a chunk's size, where the dataset says nothing, bytes",
    )
    ondemand_after_seconds: int = Field(
        default=limits.ONDEMAND_AFTER_SECONDS,
        ge=0,
        description="what one worker must read whole goes to the on-demand queue if it is expected to take longer",
    )

    visibility_seconds: int = Field(
        default=limits.VISIBILITY_SECONDS,
        ge=5,
        description="visibility of a message a worker holds; each beat renews it",
    )
    max_receives: int = Field(
        default=limits.MAX_RECEIVES,
        ge=10,
        le=1000,
        description="receives of a work message before SQS itself sets it aside",
    )
    token_heartbeat_seconds: int = Field(
        default=limits.TOKEN_HEARTBEAT_SECONDS,
        ge=60,
        description="how long a chunk may be silent, queue included, until Step Functions sends it again",
    )
    token_timeout_seconds: int = Field(
        default=limits.TOKEN_TIMEOUT_SECONDS, ge=60, description="how long one chunk may take in all, waiting included"
    )
    execution_timeout_seconds: int = Field(
        default=30 * 86400, ge=600, description="how long the coordination of one run may take"
    )
    map_concurrency: int = Field(
        default=limits.MAP_CONCURRENCY, ge=1, le=10_000, description="chunks of one run that wait in the queue at once"
    )
    requeue_after_seconds: int = Field(
        default=limits.REQUEUE_AFTER_SECONDS,
        ge=10,
        description="first wait before the janitor enqueues work again that nobody holds; doubles each time",
    )
    log_retention_days: Literal[1, 3, 5, 7, 14, 30, 60, 90, 180, 365] = Field(
        default=30, description="how long the functions' and the state machine's logs are kept"
    )

    @field_validator("input_prefixes", "excluded_suffixes", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part for part in (piece.strip() for piece in value.split(",")) if part)
        return value

    @field_validator("input_prefixes")
    @classmethod
    def _not_our_own(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for prefix in value:
            if any(prefix.startswith(own) or own.startswith(prefix) for own in OWN_PREFIXES):
                raise ValueError(f"{prefix!r} overlaps with what Haulier writes itself ({', '.join(OWN_PREFIXES)})")
        return value

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.token_heartbeat_seconds >= self.token_timeout_seconds:
            raise ValueError("token_heartbeat_seconds must be shorter than token_timeout_seconds")
        if self.token_timeout_seconds >= self.execution_timeout_seconds:
            raise ValueError("token_timeout_seconds must be shorter than execution_timeout_seconds")
        return self

    @property
    def keeps_data(self) -> bool:
        """Whether buckets and table outlive their stack."""
        return self.profile == "prod"

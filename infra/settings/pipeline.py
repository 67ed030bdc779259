"""What intake, chunks and queues may choose."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, field_validator
from pydantic_settings import NoDecode

from haulier.contracts import limits
from haulier.contracts.keys import INCOMING_PREFIX, OWN_PREFIXES
from infra.settings.section import Section

FunctionName = Annotated[
    str,
    StringConstraints(pattern=r"^(intake|plan|assemble|notify|janitor|api|batch|cleanup|reconcile|archive|quality)$"),
]
BusPrincipal = Annotated[
    str, StringConstraints(pattern=r"^(\d{12}|arn:aws[a-z-]*:iam::\d{12}:(role|user)/[\w+=,.@/-]+)$")
]
Emails = Annotated[tuple[Annotated[str, StringConstraints(pattern=r"^[^@\s,]+@[^@\s,]+\.[^@\s,]+$")], ...], NoDecode]


class PipelineSettings(Section):
    """Queues, functions, state machine."""

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
    batch_concurrency: int = Field(
        default=5,
        ge=1,
        le=1000,
        description="groups (of some 200 objects) of a batch that are accepted at once, 100 to 200 jobs a second each",
    )
    requeue_after_seconds: int = Field(
        default=limits.REQUEUE_AFTER_SECONDS,
        ge=10,
        description="first wait before the janitor enqueues work again that nobody holds; doubles each time",
    )

    notify_parallelism: int = Field(
        default=4,
        ge=1,
        le=10,
        description="calls of notify at once for each shard of the table's stream; a job's news stay in order",
    )
    intake_max_concurrency: int = Field(
        default=50,
        ge=2,
        le=1000,
        description="most copies of the intake function at once; a burst of events waits in its queue meanwhile",
    )
    reserved_concurrency: Annotated[dict[FunctionName, Annotated[int, Field(ge=1)]], NoDecode] = Field(
        default={},
        description="comma-separated `function=number`: that many copies of a function are kept for it and are its"
        " most; taken from what the account has for all functions",
    )
    lambda_subnet_ids: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="comma-separated subnets of a VPC of yours the functions run in; they must reach S3, DynamoDB, SQS,"
        " SNS, EventBridge and Step Functions from there, by endpoints or NAT",
    )
    lambda_security_group_ids: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="comma-separated security groups of the functions in those subnets"
    )
    tracing: bool = Field(default=True, description="whether functions and state machine are traced by X-Ray")
    machine_log_level: Literal["ERROR", "ALL"] = Field(
        default="ERROR", description="what the state machine logs: what failed, or every step"
    )
    machine_log_data: bool = Field(
        default=False, description="whether its log holds the input and output of steps: keys of objects, no records"
    )
    bus_principals: Annotated[tuple[BusPrincipal, ...], NoDecode] = Field(
        default=(),
        description="comma-separated ARNs of the roles and users that may put events on the bus, or ids of accounts;"
        " if empty, whoever the account's own policies allow it",
    )
    completed_emails: Emails = Field(default=(), description="comma-separated addresses told of jobs that succeeded")
    failed_emails: Emails = Field(default=(), description="comma-separated addresses told of jobs that did not")
    quality_emails: Emails = Field(default=(), description="comma-separated addresses told of each quality report")
    alert_emails: Emails = Field(
        default=(), description="comma-separated addresses told of alarms and of executions that failed"
    )

    topics_kms_key_arn: str | None = Field(
        default=None,
        pattern=r"^arn:[a-z-]+:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+$",
        description="your own KMS key for the topics; its policy must let events.amazonaws.com and"
        " cloudwatch.amazonaws.com call kms:Decrypt and kms:GenerateDataKey*. Without one `aws/sns` encrypts the topics"
        " of jobs, which services may not use, so the alerts lie under SNS's own disk encryption",
    )

    @field_validator("reserved_concurrency", mode="before")
    @classmethod
    def _numbers_of_functions(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [part.partition("=") for part in (piece.strip() for piece in value.split(",")) if part]
        return {name.strip(): number.strip() for name, _, number in pairs}

    @field_validator(
        "input_prefixes",
        "excluded_suffixes",
        "lambda_subnet_ids",
        "lambda_security_group_ids",
        "bus_principals",
        "completed_emails",
        "failed_emails",
        "quality_emails",
        "alert_emails",
        mode="before",
    )
    @classmethod
    def _listed(cls, value: object) -> object:
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

    def disagreements(self) -> list[str]:
        found = super().disagreements()
        if self.token_heartbeat_seconds >= self.token_timeout_seconds:
            found.append("token_heartbeat_seconds must be shorter than token_timeout_seconds")
        if self.token_timeout_seconds >= self.execution_timeout_seconds:
            found.append("token_timeout_seconds must be shorter than execution_timeout_seconds")
        if bool(self.lambda_subnet_ids) != bool(self.lambda_security_group_ids):
            found.append("lambda_subnet_ids and lambda_security_group_ids are given both or not at all")
        if self.reserved_concurrency.get("intake", self.intake_max_concurrency) < self.intake_max_concurrency:
            found.append("reserved_concurrency of intake must not be below intake_max_concurrency")
        return found

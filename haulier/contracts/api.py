"""The HTTP API: routes, what is asked and what is answered. Everything about it is made from here.

`infra.api` makes methods and request models of it, `dispatcher.api` answers by it, `scripts.api_docs` writes the
document. Fields that are not given are left out; null is not a value.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from haulier.contracts.dataset import NAME_PATTERN, QueueName
from haulier.contracts.events import JobError, Key
from haulier.contracts.ids import JOB_ID_PATTERN
from haulier.contracts.limits import KIB, MAX_KEY_BYTES
from haulier.contracts.model import WireModel
from haulier.contracts.states import JobState

VERSION = "v1"
"""The stage: the first part of every path."""
IDEMPOTENCY_HEADER = "Idempotency-Key"
IDEMPOTENCY_PATTERN = r"^[!-~]{1,128}$"
MAX_KEYS = 1000
"""Of one request; more objects are a prefix, or come as an object that lists them."""
MAX_PAGE = 100
DEFAULT_PAGE = 50
MAX_PROBLEMS = 20
MAX_BODY_BYTES = 512 * KIB
"""Twice what the longest list takes; API Gateway itself takes 10 MB."""

ProcessingType = Literal["standard", "priority", "batch"]
QUEUE_OF: Mapping[ProcessingType, QueueName] = {"standard": "standard", "priority": "priority", "batch": "bulk"}

_Key = Annotated[Key, Field(min_length=1, max_length=MAX_KEY_BYTES)]
_WHICH = ("key", "keys", "keys_object", "prefix")


class SubmitJob(WireModel):
    """Body of `POST /jobs`: exactly one of `key`, `keys`, `keys_object` and `prefix`."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [name]} for name in _WHICH]})

    bucket: Annotated[str, Field(min_length=3, max_length=63)] | None = Field(
        default=None, description="the objects' bucket; the stack's input bucket if not given, and no other is allowed"
    )
    key: _Key | None = Field(default=None, description="one object: its key as it is, not URL-encoded")
    keys: Annotated[tuple[_Key, ...], Field(min_length=1, max_length=MAX_KEYS)] | None = Field(
        default=None, description="several objects, as one batch job; in all 200 KiB at most"
    )
    keys_object: _Key | None = Field(
        default=None, description="key of an object that lists keys, one a line; they are one batch job"
    )
    prefix: _Key | None = Field(default=None, description="every object under it, as one batch job")
    version_id: Annotated[str, Field(min_length=1, max_length=1024)] | None = Field(
        default=None, description="with `key`: a version of the object; the newest if not given"
    )
    dataset: Annotated[str, Field(pattern=NAME_PATTERN)] | None = Field(
        default=None, description="the dataset's name; matched by key if not given"
    )
    processing_type: ProcessingType | None = Field(
        default=None, description="which queue the work waits in; the dataset's if not given"
    )

    @model_validator(mode="before")
    @classmethod
    def _no_null(cls, given: Any) -> Any:
        """As the schema has it that API Gateway checks; a body of another content type passes that unread."""
        nulls = [name for name, value in given.items() if value is None] if isinstance(given, dict) else []
        if nulls:
            raise ValueError(f"leave out what is not given: null is no value ({', '.join(nulls)[:200]})")
        return given

    @model_validator(mode="after")
    def _one_of(self) -> "SubmitJob":
        given = [name for name in _WHICH if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(_WHICH)}; given: {', '.join(given) or 'none'}")
        if self.version_id is not None and self.key is None:
            raise ValueError("version_id goes with key: objects of a list or a prefix are taken as they are")
        return self

    @property
    def queue(self) -> QueueName | None:
        return QUEUE_OF[self.processing_type] if self.processing_type else None


class ListJobs(WireModel):
    """The query of `GET /jobs`."""

    status: JobState | None = Field(default=None, description="only jobs in this state")
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = Field(default=DEFAULT_PAGE, description="how many at most")
    next_token: Annotated[str, Field(min_length=1, max_length=1024)] | None = Field(
        default=None, description="`next_token` of the page before; with the same `status`"
    )


class Job(WireModel):
    """A job, as lists show it."""

    job_id: Annotated[str, Field(pattern=JOB_ID_PATTERN)]
    run: int = Field(description="from 1; a retry is the next")
    state: JobState
    operation: str = Field(description="`records`, or `batch` for a job made of other jobs")
    dataset: str
    bucket: str
    key: str = Field(description="the object's; of a batch, what names it")
    version_id: str | None = None
    size: int = Field(description="bytes")
    queue: str
    batch: str | None = Field(default=None, description="the batch whose member it is")
    created_at: str = Field(description="ISO 8601, UTC, as all times")
    updated_at: str
    finished_at: str | None = None
    error: JobError | None = Field(default=None, description="why it is FAILED or REJECTED")


class Progress(WireModel):
    """How far the present run has come."""

    bytes_done: int
    bytes_total: int
    chunks_done: int
    chunks_total: int | None = Field(default=None, description="not there before the job is planned")


class Members(WireModel):
    """How far a batch has come: its members are jobs of their own."""

    listed: int = Field(description="objects found so far")
    complete: bool = Field(description="whether those are all")
    states: dict[str, int] = Field(description="state → how many; WAITING for those without a job yet")


class Counts(WireModel):
    """Records of the present run: so far while it runs, the manifest's own once it is sealed. Of a batch: of those of
    its members that ended well and were counted.
    """

    read: int
    written: int | None = Field(default=None, description="from the seal on")
    rejected: int
    filtered: int | None = Field(default=None, description="from the seal on")


class Results(WireModel):
    """Where the present run's objects lie, as `s3://` addresses. Readers trust only what the manifest lists."""

    outputs: str = Field(description="prefix")
    rejects: str = Field(description="prefix")
    manifest: str | None = Field(default=None, description="for SUCCEEDED; of a batch for FAILED, too")


class JobDetail(Job):
    """A job, as `GET /jobs/{job_id}` shows it: with its present run."""

    file_type: str | None = None
    running_at: str | None = None
    sealed_at: str | None = None
    progress: Progress | None = Field(default=None, description="not there for a batch")
    members: Members | None = Field(default=None, description="for a batch")
    counts: Counts
    results: Results | None = Field(default=None, description="not there for a job that was refused")
    remarks: tuple[str, ...] = ()


class JobPage(WireModel):
    """Answer of `GET /jobs`: those changed last come first."""

    jobs: tuple[Job, ...]
    next_token: str | None = Field(default=None, description="not there on the last page")


class Problem(WireModel):
    """What is wrong with one field."""

    field: str = Field(description="`keys.3`; `body`, where it is about all of it")
    message: str


class ApiError(WireModel):
    """What went wrong. `code` is stable, `message` is for a person, `request_id` is what the logs know it by."""

    code: str
    message: str
    request_id: str
    problems: tuple[Problem, ...] = ()
    job_id: str | None = Field(default=None, description="the job it is about, where there is one")


class ErrorAnswer(WireModel):
    """Body of every answer that is not 2xx."""

    error: ApiError


ErrorStatus = Literal[400, 403, 404, 409, 413, 422, 429, 500, 504]
ERRORS: Mapping[ErrorStatus, str] = {
    400: "The request is wrong; `problems` says which field, and how.",
    403: "It is not signed, not signed well, or the caller may not do this.",
    404: "There is no such job; records expire after 120 days.",
    409: "The job's state, or an earlier request of the same Idempotency-Key, does not allow it.",
    413: f"The body has more than {MAX_BODY_BYTES // KIB} KiB.",
    422: "The request is well formed and what it asks for was refused at intake; `job_id` is the REJECTED job.",
    429: "Too many requests: try again, later and later.",
    500: "It is our fault; the logs know why, by `request_id`.",
    504: "It took too long; the same request may be sent again.",
}


RouteName = Literal["submitJob", "listJobs", "getJob", "retryJob", "cancelJob"]


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path.

    Attributes:
        name: its operation id.
        summary: for the document.
        answers: status → model of the body.
        errors: statuses beside those any request may have.
        body: model of the request's body, if it has one.
        query: model of the query, if it has one.
        idempotent: whether it reads the header `Idempotency-Key`.
    """

    name: RouteName
    method: Literal["GET", "POST"]
    path: str
    summary: str
    answers: Mapping[int, type[WireModel]]
    errors: tuple[ErrorStatus, ...] = ()
    body: type[WireModel] | None = None
    query: type[WireModel] | None = None
    idempotent: bool = field(default=False, kw_only=True)

    @property
    def of_job(self) -> bool:
        return "{job_id}" in self.path


ANYWHERE: tuple[ErrorStatus, ...] = (400, 403, 429, 500, 504)
"""Errors any request may end with."""

ROUTES: tuple[Route, ...] = (
    Route(
        name="submitJob",
        method="POST",
        path="/jobs",
        summary="Asks for a job. 202: it is under way; 200: it was there before and is over.",
        answers={202: Job, 200: Job},
        errors=(409, 413, 422),
        body=SubmitJob,
        idempotent=True,
    ),
    Route(
        name="listJobs",
        method="GET",
        path="/jobs",
        summary="Lists jobs, those changed last first.",
        answers={200: JobPage},
        query=ListJobs,
    ),
    Route(
        name="getJob",
        method="GET",
        path="/jobs/{job_id}",
        summary="Shows one job: state, progress, counts, error, and where its results lie.",
        answers={200: JobDetail},
        errors=(404,),
    ),
    Route(
        name="retryJob",
        method="POST",
        path="/jobs/{job_id}/retry",
        summary="Starts the next run of a job that is over, with its dataset's configuration as it is now.",
        answers={202: Job},
        errors=(404, 409),
    ),
    Route(
        name="cancelJob",
        method="POST",
        path="/jobs/{job_id}/cancel",
        summary="Cancels a job that is not sealed. Asked again, it answers the same.",
        answers={200: Job},
        errors=(404, 409),
    ),
)


def request_schema(model: type[WireModel]) -> dict[str, Any]:
    """The JSON schema of a request as draft 4 knows it, which is what API Gateway reads: nothing referred to, no null
    beside a type, no number for `exclusiveMinimum`.
    """
    schema = model.model_json_schema()
    return dict(
        without_nulls({name: part for name, part in schema.items() if name != "$defs"}, schema.get("$defs", {}))
    )


def without_nulls(schema: Any, definitions: Mapping[str, Any] | None = None) -> Any:
    """A JSON schema as pydantic writes it, less titles, defaults and "or null".

    Args:
        schema: the schema, or a part of it.
        definitions: what `#/$defs/…` refers to; then it is written out in place.
    """
    if isinstance(schema, list):
        return [without_nulls(part, definitions) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    if definitions is not None and "$ref" in schema:
        named = definitions[schema["$ref"].rsplit("/", 1)[-1]]
        return without_nulls({**named, **{k: v for k, v in schema.items() if k != "$ref"}}, definitions)
    kept = {name: part for name, part in schema.items() if name not in ("title", "default")}
    options = [option for option in kept.get("anyOf", []) if option != {"type": "null"}]
    if len(options) == 1:
        del kept["anyOf"]
        return without_nulls({**options[0], **kept}, definitions)
    # Under `properties` a name is a field's, and a field may well be called `title`.
    return {
        name: {field: without_nulls(one, definitions) for field, one in part.items()}
        if name == "properties"
        else without_nulls(part, definitions)
        for name, part in kept.items()
    }

"""A batch: one job whose members are jobs of their own, one an object. What is pinned, listed, counted and published.

The run item of a batch holds a `BatchPin` where other jobs hold a `RunPin`. Its list is cut into sections (one item in
the table and one object in S3 each), a section into groups (what one child of the Distributed Map admits).
"""

from typing import Literal

from pydantic import Field

from haulier.contracts.dataset import QueueName
from haulier.contracts.events import JobError
from haulier.contracts.model import StoredModel, WireModel
from haulier.contracts.source import Source

BATCH = "batch"
"""`operation` of a batch's job."""


class BatchPin(StoredModel):
    """The run item's pinned half. One of `prefix`, `keys` and `keys_object` names the members.

    Attributes:
        bucket: where the members lie.
        prefix: every object under it.
        keys: these objects.
        keys_object: an object that lists keys, one a line, as it was then.
        dataset: of every member; matched by each key if not given.
        queue: of every member.
        accepted_at_ms: milliseconds since the epoch.
        listed_by: the run whose list this one works from: a retry means the same members.
    """

    schema_version: Literal[1] = 1
    bucket: str
    prefix: str | None = None
    keys: tuple[str, ...] | None = None
    keys_object: Source | None = None
    dataset: str | None = None
    queue: QueueName | None = None
    accepted_at_ms: int
    listed_by: int = Field(default=1, ge=1)


class BatchSection(StoredModel):
    """Some of a batch's members, in the order they were listed.

    Attributes:
        key: the object that holds its groups, a JSON array of `{"group": n, "keys": […]}`.
        first: number of its first group, counted through all sections.
        groups: how many it has.
        members: how many keys its groups hold.
        folders: placeholders of folders that were passed over.
        excluded: keys that were passed over because of how they end.
        following: where the next section begins; None in the last one.
    """

    schema_version: Literal[1] = 1
    key: str
    first: int = Field(ge=0)
    groups: int = Field(ge=0)
    members: int = Field(ge=0)
    folders: int = 0
    excluded: int = 0
    following: str | None = None


class BatchProgress(StoredModel):
    """How far a run of a batch is, as its job item holds it.

    Attributes:
        listed: members on the list so far.
        skipped: what was passed over while listing.
        complete: whether the list is.
        counted: groups from the first on whose members are all over.
        tally: of the members of those: how many ended in which state (`SUCCEEDED`, …), and the sums of what they read
            and wrote (`read`, `written`, `rejected`, `filtered`, `input_bytes`, `output_bytes`).
        ahead: members by state in those groups behind them that were looked at last.
        stopped: groups of a cancelled batch whose members were cancelled.
    """

    schema_version: Literal[1] = 1
    listed: int = 0
    skipped: int = 0
    complete: bool = False
    counted: int = 0
    tally: dict[str, int] = Field(default_factory=dict)
    ahead: dict[str, int] = Field(default_factory=dict)
    stopped: int = 0


class BatchMember(WireModel):
    """A line of a batch's results: what became of one object.

    Attributes:
        state: of the member's job, which is over.
        manifest: key of the member's own manifest, for SUCCEEDED.
    """

    key: str
    job_id: str
    run: int
    state: str
    dataset: str
    size: int
    read: int | None = None
    written: int | None = None
    rejected: int | None = None
    manifest: str | None = None
    error: JobError | None = None


class BatchManifest(WireModel):
    """`_manifest.json` of a batch. `_SUCCESS` beside it says that every member succeeded.

    Attributes:
        bucket: where manifest, results and the members' outputs lie.
        source: the members' bucket; with `prefix`, or `keys_object`, or neither for a list that came in the request.
        members: how many there are.
        states: how many ended in which state.
        skipped: objects under the prefix that are no members: folders' placeholders and excluded keys.
        read: records, of all members whose results are published; so with `written` and all below.
        results: keys of JSON Lines, a `BatchMember` a line, in the order of the list.
    """

    version: Literal[1] = 1
    job_id: str
    run: int
    accepted_at: str
    ended_at: str
    bucket: str
    source: str
    prefix: str | None = None
    keys_object: str | None = None
    dataset: str | None = None
    members: int
    states: dict[str, int]
    skipped: int = 0
    read: int = 0
    written: int = 0
    rejected: int = 0
    filtered: int = 0
    input_bytes: int = 0
    output_bytes: int = 0
    results: tuple[str, ...] = ()

    @classmethod
    def of(cls, body: bytes) -> "BatchManifest":
        """A manifest of this release or a later one, whose further fields are passed over."""
        return cls.model_validate_json(body, extra="ignore")

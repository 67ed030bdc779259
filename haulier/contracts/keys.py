"""Where objects lie in S3. Nobody else builds a key by hand.

Output bucket: `processed/{dataset}/{job_id}/run={n}/…`, mirrored by `rejected/…`; `temp/` holds plans and `failed/` a
record of each failed job, `reports/quality/` one of each day, `archive/` what the table is going to forget. Input
bucket: `incoming/…` (users), `config/datasets/{name}.yaml`.
"""

import re

DATASETS_PREFIX = "config/datasets/"
INCOMING_PREFIX = "incoming/"
PROCESSED_PREFIX = "processed/"
REJECTED_PREFIX = "rejected/"
TEMP_PREFIX = "temp/"
KEYS_LISTS_PREFIX = "temp/lists/"
"""Of the input bucket: lists of keys that are too long for a request, put there by the client."""
FAILED_PREFIX = "failed/"
REPORTS_PREFIX = "reports/"
QUALITY_PREFIX = "reports/quality/"
BATCHES = "_batches"
"""Stands where other jobs name their dataset: each member of a batch has one of its own. No dataset can be called so,
and readers of a data lake pass over what begins with `_`."""
ARCHIVE_PREFIX = "archive/"
OWN_PREFIXES = (
    PROCESSED_PREFIX,
    REJECTED_PREFIX,
    TEMP_PREFIX,
    FAILED_PREFIX,
    REPORTS_PREFIX,
    ARCHIVE_PREFIX,
    "config/",
)
"""What Haulier itself writes; an event for such a key never starts a job."""

_CHUNK = re.compile(r"/chunk-(\d{5})-([0-9a-f]{32})[-.]")
_RUN = re.compile(r"^(?:(?:processed|rejected)/[^/]+/(j[a-z2-7]{26})/run=|temp/(j[a-z2-7]{26})/r)(\d+)/")


def dataset_key(dataset: str) -> str:
    return f"{DATASETS_PREFIX}{dataset}.yaml"


def run_prefix(dataset: str, job: str, run: int) -> str:
    """Everything a run publishes lies under it."""
    return f"{PROCESSED_PREFIX}{dataset}/{job}/run={run}/"


def rejected_prefix(dataset: str, job: str, run: int) -> str:
    return f"{REJECTED_PREFIX}{dataset}/{job}/run={run}/"


def output_key(dataset: str, job: str, run: int, *, chunk: int, attempt: str, number: int, suffix: str) -> str:
    """An output's key. It holds the attempt, so that nobody ever overwrites anybody.

    Args:
        dataset: the dataset's name.
        job: the job's id.
        run: the run's number, from 1.
        chunk: the chunk's index, from 0.
        attempt: the attempt's id.
        number: 0, or how often the output has rolled over.
        suffix: `.jsonl`, `.jsonl.gz`, `.parquet`, … with its dot.
    """
    return f"{run_prefix(dataset, job, run)}chunk-{chunk:05d}-{attempt}-{number:04d}{suffix}"


def rejects_key(dataset: str, job: str, run: int, *, chunk: int, attempt: str) -> str:
    return f"{rejected_prefix(dataset, job, run)}chunk-{chunk:05d}-{attempt}.jsonl"


def manifest_key(dataset: str, job: str, run: int) -> str:
    return f"{run_prefix(dataset, job, run)}_manifest.json"


def success_key(dataset: str, job: str, run: int) -> str:
    return f"{run_prefix(dataset, job, run)}_SUCCESS"


def plan_key(job: str, run: int, pass_number: int) -> str:
    """The list of chunks a Distributed Map is to send; pass 0 is the plan, later ones are redos."""
    return f"{temp_prefix(job, run)}plan-{pass_number:04d}.json"


def temp_prefix(job: str, run: int) -> str:
    return f"{TEMP_PREFIX}{job}/r{run:04d}/"


def failed_key(dataset: str, job: str, run: int) -> str:
    return f"{FAILED_PREFIX}{dataset}/{job}/run={run}.json"


def keys_list_key(digest: str) -> str:
    """In the input bucket: a list of keys too long for a request, as the client puts it there (one key a line)."""
    return f"{KEYS_LISTS_PREFIX}{digest}.txt"


def batch_list_key(job: str, run: int, section: int, digest: str) -> str:
    """A section of a batch's list. It is named by its content, too, so that nobody overwrites what another relies on;
    and it outlives the run, since a retry means the same members.
    """
    return f"{batch_lists_prefix(job)}r{run:04d}-s{section:04d}-{digest}.json"


def batch_lists_prefix(job: str) -> str:
    return f"{PROCESSED_PREFIX}{BATCHES}/{job}/list/"


def batch_results_key(job: str, run: int, group: int) -> str:
    """What became of the members of one group."""
    return f"{run_prefix(BATCHES, job, run)}members-{group:05d}.jsonl"


def quality_key(day: str, suffix: str = ".json") -> str:
    """The quality report of a day, `2026-11-20`, as JSON or (`.html`) as a page."""
    return f"{QUALITY_PREFIX}{day}{suffix}"


def archive_key(status: str, shard: int, first_at: str, first_job: str, number: int) -> str:
    """A file of the archive: named by the first of its jobs, so that a file that is written again has the same name.

    Args:
        status: all of its jobs ended so.
        shard: of the status index, in which they lay.
        first_at: when its first job changed last, as `jobs.times.iso` has it.
        first_job: that job's id.
        number: 0, or how often the file has rolled over.
    """
    day, moment = first_at[:10], re.sub(r"\D", "", first_at[10:])
    return f"{ARCHIVE_PREFIX}jobs/day={day}/{status}-{shard}-{moment}-{first_job}-{number:04d}.jsonl.gz"


def is_own(key: str) -> bool:
    """Whether Haulier wrote the key itself (so that its event starts nothing)."""
    return key.startswith(OWN_PREFIXES)


def attempt_of(key: str) -> tuple[int, str] | None:
    """The chunk index and attempt id that an output's or a rejects' key holds, or None for any other key."""
    found = _CHUNK.search(key)
    return (int(found[1]), found[2]) if found else None


def run_of(key: str) -> tuple[str, int] | None:
    """The job and the run that a result's, a rejects' or a plan's key holds, or None for any other key."""
    found = _RUN.match(key)
    return (found[1] or found[2], int(found[3])) if found else None

"""Where objects lie in S3. Nobody else builds a key by hand.

Output bucket: `processed/{dataset}/{job_id}/run={n}/…`, mirrored by `rejected/…`; `temp/` holds plans and `failed/` a
record of each failed job. Input bucket: `incoming/…` (users), `config/datasets/{name}.yaml`.
"""

import re

DATASETS_PREFIX = "config/datasets/"
INCOMING_PREFIX = "incoming/"
PROCESSED_PREFIX = "processed/"
REJECTED_PREFIX = "rejected/"
TEMP_PREFIX = "temp/"
FAILED_PREFIX = "failed/"
OWN_PREFIXES = (PROCESSED_PREFIX, REJECTED_PREFIX, TEMP_PREFIX, FAILED_PREFIX, "config/")
"""What Haulier itself writes; an event for such a key never starts a job."""

_CHUNK = re.compile(r"/chunk-(\d{5})-([0-9a-f]{32})[-.]")


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


def is_own(key: str) -> bool:
    """Whether Haulier wrote the key itself (so that its event starts nothing)."""
    return key.startswith(OWN_PREFIXES)


def attempt_of(key: str) -> tuple[int, str] | None:
    """The chunk index and attempt id that an output's or a rejects' key holds, or None for any other key."""
    found = _CHUNK.search(key)
    return (int(found[1]), found[2]) if found else None

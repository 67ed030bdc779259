"""What is shown, as plain values: the JSON lines of the commands. `render` makes tables of the same rows."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from haulier.client.batches import BatchRequest
from haulier.client.datasets import StoredDataset
from haulier.client.deadletters import Letter, Moved, Redriven
from haulier.client.jobs import JobView
from haulier.client.progress import megabytes_per_second, progress_of, total_seconds, working_seconds
from haulier.client.requests import Request
from haulier.contracts.dataset import Dataset
from haulier.contracts.keys import BATCHES, run_prefix
from haulier.contracts.profile import ColumnSummary, RunProfile
from haulier.contracts.states import JobState
from haulier.jobs.items import ChunkItem, JobItem
from haulier.jobs.members import WAITING, states_of
from haulier.jobs.times import iso

Row = dict[str, Any]


def job_row(job: JobItem, now_ms: int) -> Row:
    """A job as `haulier jobs` shows it: what its own item says."""
    view = JobView(job, None, ())
    speed = megabytes_per_second(view, now_ms) if job.status == JobState.SUCCEEDED else None
    return {
        "job_id": job.job_id,
        "state": str(job.status),
        "run": job.run,
        "dataset": job.dataset,
        "file": f"s3://{job.bucket}/{job.key}",
        "bytes": job.size,
        "uploaded_at": job.uploaded_at,
        "accepted_at": iso(job.accepted_at_ms),
        "updated_at": job.updated_at,
        "finished_at": job.finished_at,
        "read": job.read,
        "written": job.written,
        "rejected": job.rejected,
        "filtered": job.filtered,
        "chunks": job.chunks,
        "seconds": round(total_seconds(view, now_ms), 3),
        "mb_per_second": round(speed, 2) if speed is not None else None,
        "error": job.error.model_dump() if job.error else None,
    }


def status_row(view: JobView, now_ms: int, output_bucket: str) -> Row:
    """A job as `haulier status` shows it: while it runs, with its chunks' sums."""
    job, progress = view.job, progress_of(view)
    sealed = job.read is not None
    working, speed = working_seconds(view, now_ms), megabytes_per_second(view, now_ms)
    outputs = f"s3://{output_bucket}/{run_prefix(job.dataset, job.job_id, job.run)}"
    return job_row(job, now_ms) | {
        "file_type": job.file_type or (view.run.plan.reading.type if _reading(view) else None),  # type: ignore[union-attr]
        "queue": job.queue,
        "version_id": job.version_id,
        "running_at": job.running_at,
        "read": job.read if sealed else progress.read,
        "rejected": job.rejected if sealed else progress.rejected,
        "bytes_done": progress.bytes_done,
        "output_bytes": job.output_bytes,
        "chunks": progress.chunks_total,
        "chunks_done": progress.chunks_done,
        "redone": sum(item.round > 0 for item in view.chunks),
        "working_seconds": round(working, 3) if working is not None else None,
        "mb_per_second": round(speed, 2) if speed is not None else None,
        "remarks": list(job.remarks),
        "outputs": outputs if job.status == JobState.SUCCEEDED else None,
        "batch": job.batch,
        "members": members_of(job) if job.is_batch else None,
        "skipped": job.progress.skipped if job.progress else None,
    }


def profile_rows(profile: RunProfile) -> list[Row]:
    """A run's columns, in the order of the output; after them those that only rejects are known of."""
    rejects = dict(profile.rejects)
    rows = [column.model_dump() | {"rejects": rejects.pop(column.name, {})} for column in profile.columns]
    none = dict.fromkeys(ColumnSummary.model_fields)
    return rows + [none | {"name": name, "rejects": codes} for name, codes in rejects.items()]


def _reading(view: JobView) -> bool:
    return bool(view.run and view.run.plan and view.run.plan.reading)


def chunk_row(item: ChunkItem) -> Row:
    """One round of a chunk."""
    report = item.report
    return {
        "job_id": item.job_id,
        "run": item.run,
        "chunk": item.chunk,
        "round": item.round,
        "committed_at": item.committed_at,
        "worker": item.worker,
        "attempts": item.attempts,
        "releases": item.releases,
        "first": report.first if report else None,
        "next": report.next if report else None,
        "read": report.read if report else item.progress_read,
        "rejected": report.rejected if report else item.progress_rejected,
        "bytes": report.input_bytes if report else item.progress_bytes,
        "seconds": round(report.seconds, 3) if report else None,
        "failure": item.failure.model_dump() if item.failure else None,
    }


def request_row(request: Request, *, asked: bool) -> Row:
    """An object `haulier submit` asked for, or would ask for."""
    return {
        "file": request.source.uri,
        "bytes": request.source.size,
        "dataset": request.dataset,
        "job_id": request.job_id,
        "state": str(request.state) if request.state else None,
        "asked": asked,
    }


def batch_request_row(request: BatchRequest, *, asked: bool) -> Row:
    """A batch `haulier submit` asked for, or would ask for."""
    pin = request.pin
    what = f"{pin.prefix}*" if pin.prefix is not None else pin.keys_object.key if pin.keys_object else "a list"
    return {
        "file": f"s3://{pin.bucket}/{what}" if pin.keys is None else f"{len(pin.keys)} objects",
        "bytes": None,
        "dataset": pin.dataset or BATCHES,
        "job_id": request.job_id,
        "state": str(request.state) if request.state else None,
        "asked": asked,
    }


def members_of(job: JobItem) -> dict[str, int]:
    """Of a batch: its members by state, as the last count saw them; WAITING are those it did not look at."""
    if job.progress is None:
        return {}
    states = Counter(states_of(job.progress.tally)) + Counter(job.progress.ahead)
    states[WAITING] += job.progress.listed - states.total()
    return {state: count for state, count in sorted(states.items()) if count}


def letter_row(letter: Letter) -> Row:
    return {name: getattr(letter, name) for name in Letter.__dataclass_fields__}


def redriven_row(redriven: Redriven | Moved, *, done: bool) -> Row:
    if isinstance(redriven, Moved):
        why = f"{redriven.letters} letters: SQS moved them back"
        return {
            "queue": redriven.queue,
            "message_id": "",
            "job_id": None,
            "decision": "moved",
            "why": why,
            "done": done,
        }
    return {
        "queue": redriven.letter.queue,
        "message_id": redriven.letter.message_id,
        "job_id": redriven.letter.job_id,
        "decision": type(redriven.decision).__name__.lower(),
        "why": redriven.decision.why,
        "done": done,
    }


def stored_dataset_row(entry: StoredDataset) -> Row:
    return {"key": entry.key, "problems": list(entry.problems)} | dataset_row(entry.name, entry.dataset)


def dataset_row(name: str, dataset: Dataset | None) -> Row:
    values: Mapping[str, Any] = dataset.model_dump(mode="json", by_alias=True, exclude_none=True) if dataset else {}
    return {"dataset": name, "usable": dataset is not None, "config": dict(values)}

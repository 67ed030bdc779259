"""Deletes what no manifest lists: outputs of attempts that lost, and uploads nobody will complete.

Only called for a run that is sealed or over, when nobody who could still commit is left.
"""

from collections.abc import Collection
from typing import Any

from haulier.contracts.keys import rejected_prefix, run_prefix, temp_prefix
from haulier.jobs.calls import Call, NotFound, Steps

_DELETE_BATCH = 1000


def sweep_run(
    bucket: str, dataset: str, job: str, run: int, *, listed: Collection[str], keep_rejects: bool = False
) -> Steps[int]:
    """Deletes the run's objects that are not in `listed`, and aborts uploads under its prefixes; returns how many.

    Args:
        bucket: the output bucket.
        dataset: the dataset's name.
        job: the job's id.
        run: the run's number.
        listed: keys to keep.
        keep_rejects: leave rejects alone, for a failed run whose user wants to know why.
    """
    prefixes = [run_prefix(dataset, job, run)] + ([] if keep_rejects else [rejected_prefix(dataset, job, run)])
    gone = 0
    for prefix in prefixes:
        strays = [key for key in (yield from list_keys(bucket, prefix)) if key not in listed]
        gone += yield from delete_keys(bucket, strays)
    for prefix in (run_prefix(dataset, job, run), rejected_prefix(dataset, job, run)):
        gone += yield from abort_uploads(bucket, prefix)
    return gone


def sweep_temp(bucket: str, job: str, run: int) -> Steps[int]:
    """Deletes the run's plans."""
    return (yield from delete_keys(bucket, (yield from list_keys(bucket, temp_prefix(job, run)))))


def list_keys(bucket: str, prefix: str) -> Steps[list[str]]:
    params: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix}
    found: list[str] = []
    while True:
        answer = yield Call("s3", "list_objects_v2", dict(params))
        found += [entry["Key"] for entry in answer.get("Contents", [])]
        if not answer.get("IsTruncated"):
            return found
        params["ContinuationToken"] = answer["NextContinuationToken"]


def delete_keys(bucket: str, keys: list[str]) -> Steps[int]:
    for at in range(0, len(keys), _DELETE_BATCH):
        objects = [{"Key": key} for key in keys[at : at + _DELETE_BATCH]]
        answer = yield Call("s3", "delete_objects", {"Bucket": bucket, "Delete": {"Objects": objects, "Quiet": True}})
        if answer.get("Errors"):
            first = answer["Errors"][0]
            raise RuntimeError(f"s3://{bucket}/{first.get('Key')} could not be deleted: {first.get('Message')}")
    return len(keys)


def abort_uploads(bucket: str, prefix: str) -> Steps[int]:
    gone = 0
    while True:
        answer = yield Call("s3", "list_multipart_uploads", {"Bucket": bucket, "Prefix": prefix})
        uploads = answer.get("Uploads", [])
        yield from _abort(bucket, uploads)
        gone += len(uploads)
        # What is aborted is not listed any more, so the next page is the first one again.
        if not uploads or not answer.get("IsTruncated"):
            return gone


def _abort(bucket: str, uploads: list[dict[str, str]]) -> Steps[None]:
    for upload in uploads:
        try:
            yield Call(
                "s3",
                "abort_multipart_upload",
                {"Bucket": bucket, "Key": upload["Key"], "UploadId": upload["UploadId"]},
            )
        except NotFound:
            continue

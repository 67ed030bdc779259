"""Where one attempt's objects lie, and what is written on them."""

from urllib.parse import quote

from haulier.contracts.keys import output_key, rejects_key
from haulier.jobs.claim import Claimed
from worker.ports import Target

_METADATA_CHARS = 1024
"""S3 allows 2 KiB of metadata in all (S3 User Guide, "Working with object metadata")."""


class AttemptNaming:
    def __init__(self, claimed: Claimed, attempt: str) -> None:
        run, chunk = claimed.run, claimed.chunk
        self._dataset, self._job, self._run = run.pin.dataset.name, run.job_id, run.run
        self._chunk, self._attempt = chunk.chunk, attempt
        self._metadata = {
            "haulier-job": run.job_id,
            "haulier-run": str(run.run),
            "haulier-chunk": f"{chunk.chunk}-{chunk.round}",
            # Metadata travels as headers: ASCII only.
            "haulier-source": quote(run.pin.source.uri, safe="/:")[:_METADATA_CHARS],
        }

    def output(self, number: int, suffix: str, content_type: str) -> Target:
        key = output_key(
            self._dataset, self._job, self._run,
            chunk=self._chunk, attempt=self._attempt, number=number, suffix=suffix,
        )  # fmt: skip
        return Target(key, content_type, self._metadata)

    def rejects(self) -> Target:
        key = rejects_key(self._dataset, self._job, self._run, chunk=self._chunk, attempt=self._attempt)
        return Target(key, "application/x-ndjson", self._metadata)

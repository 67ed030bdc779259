"""Handler of the weekly archival: records of jobs that ended long ago go to S3, before the table forgets them.

What a file holds is decided by `haulier.jobs.archival`; here partitions of the status index are gone through, some side
by side, until each is done or the time is up. Each has a mark, where the next call goes on.
"""

import functools
import os
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from dispatcher import aws, log
from dispatcher.settings import ArchiveSettings, read
from haulier.contracts.limits import INDEX_SHARDS
from haulier.jobs.archival import Archived, Partition, archive_next, horizon, is_late, partitions
from haulier.jobs.calls import drive

_LEFT_MS = 240_000
"""Time that must be left to begin another file: a thousand jobs, or one job of ten thousand chunks."""


class NotArchived(Exception):
    """Some partitions could not be archived; the log says why. Raised when all others were: Lambda calls again, twice,
    and then an alarm tells.
    """


@dataclass(frozen=True)
class Archive:
    """What the archival works with; attributes as in `dispatcher.intake.Intake`.

    Attributes:
        threads: partitions archived at once. Nearly all jobs end well and lie in that state's shards.
    """

    settings: ArchiveSettings
    perform: aws.Perform
    now_ms: Callable[[], int]
    threads: int = INDEX_SHARDS

    def round(self, left_ms: Callable[[], int]) -> dict[str, Any]:
        """Archives what is old enough; returns what was written, and whether nothing is left.

        Args:
            left_ms: how much time is left for this call, in milliseconds.

        Raises:
            NotArchived: an error kept some partitions from being archived, or they are so far behind that the table
                will forget records before they are archived.
        """
        before_ms = horizon(self.now_ms(), self.settings.after_days)
        every = todo = list(partitions())
        counts, failed, late = Counter[str](), list[str](), False
        with ThreadPoolExecutor(max_workers=self.threads) as pool:
            # A file each, then another each: one long partition does not take the others' time, call after call.
            while todo and left_ms() >= _LEFT_MS:
                files = list(pool.map(lambda one: self._file(one, before_ms, failed), todo))
                todo = [partition for partition, file in zip(todo, files, strict=True) if file and file.moved]
                written = [file for file in files if file]
                late = any(is_late(file.through, self.now_ms()) for file in written if file.moved)
                for file in written:
                    counts.update(files=len(file.keys), jobs=file.jobs, records=file.records, bytes=file.bytes)
        answer = {"files": 0, "jobs": 0, "records": 0, "bytes": 0, **counts, "complete": not (failed or todo)}
        (log.warning if todo else log.info)("archive.done", **answer)
        if failed:
            told = f"{len(failed)} of {len(every)} partitions could not be archived"
            raise NotArchived(f"{told}; the next call goes on there")
        if todo and late:
            raise NotArchived("records will be forgotten before they are archived: let the archival run more often")
        return answer

    def _file(self, partition: Partition, before_ms: int, failed: list[str]) -> Archived | None:
        """Writes a partition's next file; None if nothing is left of it, or if it is one of the `failed` now."""
        settings = self.settings
        steps = archive_next(
            settings.table,
            settings.status_index,
            settings.output_bucket,
            partition,
            before_ms=before_ms,
            now_ms=self.now_ms(),
        )
        try:
            written = drive(steps, self.perform)
        except Exception:  # noqa: BLE001 - the edge of one partition: the others must not wait for it
            log.error("partition.not_archived", partition=partition.name)
            failed.append(partition.name)
            return None
        if written is None:
            return None
        log.info("jobs.archived", partition=partition.name, keys=written.keys[:10], jobs=written.jobs)
        if not written.moved:
            log.warning("archive.overtaken", partition=partition.name)  # another call is on it, and as far
        return written


@functools.cache
def _archive() -> Archive:
    settings = read(ArchiveSettings, os.environ)
    return Archive(settings, aws.connect(settings.bucket_owner).perform, aws.now_ms)


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes both
    """Entry point of the schedule: how many jobs, and in how many files, records and bytes."""
    return _archive().round(context.get_remaining_time_in_millis)

"""Handler of the daily clean-up: temporary objects and open uploads of jobs that are over.

What is nobody's is decided by `haulier.jobs.orphans`; here the pages are gone through until there are no more or the
time is up. Then the place is kept, and the next call goes on there.
"""

import functools
import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dispatcher import aws, log
from dispatcher.settings import CleanupSettings, read
from haulier.jobs.bookmark import put_bookmark, read_bookmark
from haulier.jobs.calls import drive
from haulier.jobs.orphans import sweep_page

BOOKMARK = "cleanup"
_LEFT_MS = 60_000
"""Time that must be left to begin another page: a thousand things, each of which may be an upload to be aborted."""


@dataclass(frozen=True)
class Cleanup:
    """What the clean-up works with; attributes as in `dispatcher.intake.Intake`."""

    settings: CleanupSettings
    perform: aws.Perform
    now_ms: Callable[[], int]

    def round(self, left_ms: Callable[[], int]) -> dict[str, Any]:
        """Goes on from where the last call stopped; returns what was done, and whether the round is at its end.

        Args:
            left_ms: how much time is left for this call, in milliseconds.
        """
        settings, counts = self.settings, Counter[str]()
        place = drive(read_bookmark(settings.table, BOOKMARK), self.perform)
        while True:
            page = drive(
                sweep_page(settings.table, settings.output_bucket, place, self.now_ms(), settings.orphan_after_seconds),
                self.perform,
            )
            counts.update(looked_at=page.looked_at, deleted=page.deleted, aborted=page.aborted)
            place = dict(page.place)
            # After each page, so that a call that is killed or fails has done its part of the round all the same. If
            # we die before this, the page is looked through once more: what was removed is not listed any more.
            self.perform(put_bookmark(settings.table, BOOKMARK, place, self.now_ms()))
            if not place or left_ms() < _LEFT_MS:
                break
        answer = {**counts, "complete": not place}
        (log.info if not place else log.warning)("cleanup.done", **answer)
        return answer


@functools.cache
def _cleanup() -> Cleanup:
    settings = read(CleanupSettings, os.environ)
    return Cleanup(settings, aws.connect(settings.bucket_owner).perform, aws.now_ms)


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes both
    """Entry point of the schedule: how many things were looked at, deleted and aborted."""
    return _cleanup().round(context.get_remaining_time_in_millis)

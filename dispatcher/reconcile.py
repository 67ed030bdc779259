"""Handler of the daily reconcile: asks for a job for each input that has none.

What has none is decided by `haulier.jobs.reconcile`; here the pages are gone through until there are no more, the time
is up, or as many jobs were asked for as one call may. Then the place is kept, and the next call goes on there, so that
nothing is passed over.
"""

import functools
import os
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from dispatcher import aws, log
from dispatcher.settings import ReconcileSettings, read
from haulier.jobs.bookmark import put_bookmark, read_bookmark
from haulier.jobs.calls import drive
from haulier.jobs.reconcile import Looked, Place, Reach, ask_for, beginnings, look_page
from haulier.jobs.times import parse_iso

BOOKMARK = "reconcile"
_LEFT_MS = 60_000
"""Time that must be left to go on: enough for a page of a thousand keys."""


@dataclass(frozen=True)
class Reconcile:
    """What the reconcile works with; attributes as in `dispatcher.intake.Intake`."""

    settings: ReconcileSettings
    perform: aws.Perform
    now_ms: Callable[[], int]

    def round(
        self, left_ms: Callable[[], int], *, after_seconds: float | None = None, since: str | None = None
    ) -> dict[str, Any]:
        """Goes on from where the last call stopped; returns what was found, and whether the round is at its end.

        Args:
            left_ms: how much time is left for this call, in milliseconds.
            after_seconds: younger objects are left alone; the setting if not given.
            since: ISO 8601 with a zone; objects written before it are left alone. It begins a round of its own, which
                later calls go on with. If not given: those are left alone that were there before their prefix was
                input.

        Raises:
            ValueError: `after_seconds` is no number, or `since` no moment.
        """
        settings, counts = self.settings, Counter[str]()
        kept = drive(read_bookmark(settings.table, BOOKMARK), self.perform)
        place: Place = {} if since is not None else kept
        asked = since if since is not None else kept.get("since")
        reach = Reach(
            prefixes=settings.input_prefixes,
            after_seconds=settings.after_seconds if after_seconds is None else float(after_seconds),
            within_seconds=settings.within_days * 86_400,
        )
        reach = replace(reach, since=self._since(reach.roots, asked))
        stopped: Place | None = None
        while stopped is None:
            page = drive(look_page(settings.table, settings.input_bucket, place, reach, self.now_ms()), self.perform)
            counts.update(inputs=page.inputs, young=page.young, old=page.old, earlier=page.earlier)
            stopped = self._ask(page, place, counts, left_ms)
            place = page.place if stopped is None else stopped
            # If we die before this, the page is looked through once more: what was asked for has its job by then.
            noted = {**place, "since": asked} if place and asked is not None else place
            self.perform(put_bookmark(settings.table, BOOKMARK, noted, self.now_ms()))
            if stopped is None and (not place or left_ms() < _LEFT_MS):
                break
        answer = {**counts, "requested": counts["requested"], "complete": stopped is None and not place}
        (log.info if answer["complete"] else log.warning)("reconcile.done", **answer)
        return answer

    def _since(self, roots: tuple[str, ...], asked: str | None) -> dict[str, float]:
        if asked is not None:
            return dict.fromkeys(roots, parse_iso(asked) / 1000)
        settings = self.settings
        return drive(beginnings(settings.table, settings.input_bucket, roots, self.now_ms()), self.perform)

    def _ask(self, page: Looked, begun: Place, counts: Counter[str], left_ms: Callable[[], int]) -> Place | None:
        """Asks for what is missing on the page; where it had to stop, or None if it came to the end of it."""
        done = begun
        for key in page.missing:
            if counts["requested"] >= self.settings.most_jobs or left_ms() < _LEFT_MS:
                return done
            self.perform(ask_for(self.settings.intake_queue_url, self.settings.input_bucket, key))
            log.info("input.requested", bucket=self.settings.input_bucket, key=key)
            counts["requested"] += 1
            done = {"prefix": page.prefix, "after": key}
        return None


@functools.cache
def _reconcile() -> Reconcile:
    settings = read(ReconcileSettings, os.environ)
    return Reconcile(settings, aws.connect(settings.bucket_owner).perform, aws.now_ms)


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Entry point of the schedule, and of a person, who may say how old an object must be (`after_seconds`) and how far
    to look back (`since`).
    """
    asked = {name: event.get(name) for name in ("after_seconds", "since")}
    return _reconcile().round(context.get_remaining_time_in_millis, **asked)

"""Waits for a job by looking at it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from haulier.client.connection import Connection
from haulier.client.errors import TimedOut
from haulier.client.jobs import JobView, look


@dataclass(frozen=True, slots=True)
class Patience:
    """How waiting is done.

    Attributes:
        poll_seconds: between two looks.
        timeout_seconds: how long in all; None for ever.
        monotonic: a clock in seconds that only goes forward.
        sleep: waits that many seconds.
    """

    poll_seconds: float = 0.5
    timeout_seconds: float | None = None
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def watch(connection: Connection, job_id: str, patience: Patience | None = None) -> Iterator[JobView]:
    """Looks at a job again and again; the last look is at a job that is final.

    Raises:
        NotFound: there is no such job.
        TimedOut: it was not final in time; it goes on without us.
    """
    patience = patience or Patience()
    began = patience.monotonic()
    while True:
        view = look(connection, job_id)
        yield view
        if view.job.final:
            return
        if patience.timeout_seconds is not None and patience.monotonic() - began >= patience.timeout_seconds:
            raise TimedOut(
                f"job {job_id} is still {view.job.status} after {patience.timeout_seconds:g} s",
                f"it goes on; `haulier watch {job_id}` watches it again",
            )
        patience.sleep(patience.poll_seconds)


def wait(connection: Connection, job_id: str, patience: Patience | None = None) -> JobView:
    """The job once it is final; raises as `watch` does."""
    view: JobView | None = None
    for view in watch(connection, job_id, patience):  # noqa: B007 - the last one is what is wanted
        pass
    assert view is not None  # noqa: S101 - watch yields at least once or raises
    return view

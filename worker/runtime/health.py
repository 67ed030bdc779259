"""The liveness mark: a file whose age `python -m worker health` looks at.

The event loop says that it turns, and which services it waits for (it is well then, and starting it again would help
nobody); the keeper's thread writes the file, but only while the loop has turned lately. So a
loop that hangs and a keeper that died both let the file grow old.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from worker.clock import Clock

STALE_SECONDS = 60.0
WRITE_SECONDS = 5.0
WELL = "well"


class Health:
    """Attributes are monotonic seconds; `turned` is for the event loop, `mark` for the keeper's thread."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._turned = clock.monotonic()
        self._written = float("-inf")
        self._note = WELL

    def turned(self, broken: Sequence[str] = ()) -> None:
        """The loop turns; `broken` are the services because of which it takes nothing new."""
        self._note = f"waits for {', '.join(broken)}" if broken else WELL
        self._turned = self._clock.monotonic()

    def mark(self) -> None:
        """Writes the file if it is time and the loop turns."""
        now = self._clock.monotonic()
        if now - self._written < WRITE_SECONDS or now - self._turned > STALE_SECONDS:
            return
        # A full disk must not end the keeper, whose tick this is: a mark that stays old says it well enough.
        with suppress(OSError):
            self._path.write_text(self._note + "\n", encoding="ascii")
            self._written = now

    def clear(self) -> None:
        """The worker is gone; a mark left behind would vouch for it."""
        self._path.unlink(missing_ok=True)


def is_healthy(path: Path) -> bool:
    """Whether the mark is there and fresh."""
    try:
        written = path.stat().st_mtime
    except FileNotFoundError:
        return False
    return time.time() - written <= STALE_SECONDS


def told(path: Path) -> str:
    """What the mark says, for people."""
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return "there is no mark"

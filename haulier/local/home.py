"""Where the stack's state lies, and who holds it.

Two locks tell the truth; files and process numbers do not (a dead process that nobody asked for keeps its number).
`lock` is inherited by every child, so it is free only when the last process of the stack is gone. `supervised` is the
supervisor's alone: if it is free and `lock` is not, children have lost their parent.
"""

import contextlib
import fcntl
import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOME_VARIABLE = "HAULIER_HOME"
LOCK_TRIES = 5
LOCK_PAUSE_SECONDS = 0.02


@dataclass(frozen=True)
class Home:
    """The state directory and its parts. Nothing else may lie in it that should outlive the stack."""

    root: Path

    @classmethod
    def find(cls, repository: Path) -> "Home":
        """HAULIER_HOME, or `.haulier` in the repository."""
        chosen = os.environ.get(HOME_VARIABLE)
        return cls(Path(chosen).expanduser().resolve() if chosen else repository / ".haulier")

    @property
    def lock(self) -> Path:
        """Held while anything is alive; its text is the supervisor's process id."""
        return self.root / "lock"

    @property
    def supervised(self) -> Path:
        """Held while the supervisor is alive."""
        return self.root / "supervised"

    @property
    def state(self) -> Path:
        return self.root / "stack.json"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def objects(self) -> Path:
        """Bodies of the emulator's S3 objects."""
        return self.root / "objects"

    @property
    def temporary(self) -> Path:
        return self.root / "tmp"

    @property
    def assembly(self) -> Path:
        """What the CDK app wrote."""
        return self.root / "cdk.out"

    @property
    def aws_config(self) -> Path:
        return self.root / "aws-config"

    @property
    def health(self) -> Path:
        """One file a worker, touched while it is well."""
        return self.root / "health"

    def prepare(self) -> None:
        """Makes the directories of a new stack."""
        for directory in (self.logs, self.objects, self.temporary, self.health):
            directory.mkdir(exist_ok=True)

    def clear(self, *, keep_logs: bool = False) -> None:
        """Removes what a stack left; for whoever holds the lock.

        Only parts named here: HAULIER_HOME may be a directory with other things in it.
        """
        for directory in (self.objects, self.temporary, self.health, self.assembly):
            shutil.rmtree(directory, ignore_errors=True)
        for file in (self.state, self.aws_config):
            file.unlink(missing_ok=True)
        if not keep_logs:
            shutil.rmtree(self.logs, ignore_errors=True)

    def remove(self) -> None:
        """Removes the locks, and the directory if nothing is left in it; the last thing a holder does."""
        self.supervised.unlink(missing_ok=True)
        self.lock.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.root.rmdir()

    def write_state(self, state: dict[str, Any]) -> None:
        """Replaces the state file in one step: a reader sees the old one or the new one."""
        draft = self.state.with_suffix(".draft")
        draft.write_text(json.dumps(state, indent=1))
        draft.replace(self.state)

    def read_state(self) -> dict[str, Any] | None:
        """The state file's content, or None if there is no (whole) one."""
        try:
            read = json.loads(self.state.read_text())
        except (FileNotFoundError, ValueError):
            return None
        return read if isinstance(read, dict) else None


def take_lock(file: Path) -> int | None:
    """Takes a lock; None if another has it. The descriptor keeps it, here and in every process that inherits it."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for _ in range(LOCK_TRIES):
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it before may have removed the file: a lock on a file that has no name keeps nobody out.
            if file.exists() and os.fstat(descriptor).st_ino == file.stat().st_ino:
                return descriptor
        except BlockingIOError:
            # Perhaps only `held`, which looks for an instant.
            time.sleep(LOCK_PAUSE_SECONDS)
        os.close(descriptor)
    return None


def note_supervisor(lock: int, pid: int) -> None:
    """Writes the supervisor's process id where `holder` finds it."""
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(pid).encode(), 0)


def holder(home: Home) -> int | None:
    """The supervisor's process id, which is its group's, too, while anything of the stack is alive.

    None if nothing is; 0 if a stack is being started at this moment.
    """
    if not held(home.lock):
        return None
    try:
        written = home.lock.read_text()
    except FileNotFoundError:
        return None
    return int(written) if written.isdigit() else 0


def held(file: Path) -> bool:
    """Whether any process has the lock."""
    try:
        descriptor = os.open(file, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)

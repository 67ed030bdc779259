"""Start, stop and look at the stack."""

import contextlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from haulier.local.clone import repository, require_packages
from haulier.local.errors import AlreadyUp, DeployFailed, LocalError, StartFailed, SynthFailed
from haulier.local.home import Home, held, holder, note_supervisor, take_lock
from haulier.local.processes import tail
from haulier.local.stack import StackInfo

DEFAULT_ENVIRONMENT = "local"
STOP_SECONDS = 20
KILL_SECONDS = 10
_KINDS: dict[str, type[LocalError]] = {kind.__name__: kind for kind in (DeployFailed, StartFailed, SynthFailed)}

Log = Callable[[str], None]


def up(*, workers: int = 2, log: Log, environment: str = DEFAULT_ENVIRONMENT) -> StackInfo:
    """Starts emulator, stacks and workers, and waits until they are ready.

    Args:
        workers: most workers that run at once (they are scaled between one and this); 0 for a stack without.
        log: told what happens, one line each.
        environment: the suffix in every name.

    Raises:
        AlreadyUp: a stack is up here, or on its way.
        LocalError: it did not start; nothing is left running, the logs are kept.
    """
    root = repository()
    require_packages()
    home = Home.find(root)
    running = info()
    lock = None if running else take_lock(home.lock)
    if lock is None:
        where = f" at {running.endpoint_url}" if running else " (still starting)"
        raise AlreadyUp(f"a stack is up already{where}", "`haulier down` stops it; HAULIER_HOME names another place")
    try:
        told = _spawn(home, root, lock, environment, workers)
    finally:
        os.close(lock)
    try:
        with told:
            _follow(told, log, home)
        return _started(home)
    except BaseException:
        with _undisturbed():
            _stop(home)
            _clear(home, keep_logs=True)
        raise


def down(*, log: Log) -> bool:
    """Stops everything and removes its state. True if there was something to stop."""
    home = Home.find(repository())
    running = holder(home) is not None
    if running:
        log("stopping workers and emulator")
        _stop(home)
    _clear(home, keep_logs=False)
    return running


def info(log: Log | None = None) -> StackInfo | None:
    """The stack that is up, or None. What is left of a stack whose supervisor died is stopped and removed.

    Args:
        log: told if that was necessary.
    """
    home = Home.find(repository())
    pid = holder(home)
    if pid and held(home.supervised):
        state = home.read_state()
        return StackInfo(**state) if state else None
    if pid or (pid is None and home.state.exists()):
        _stop(home)
        _clear(home, keep_logs=True)
        if log is not None:
            log(f"the embedded stack has died, and its state with it: what it left is removed; logs: {home.logs}")
    return None


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Puts Ctrl-C off, so that an impatient second one does not leave half of a stack running."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _spawn(home: Home, root: Path, lock: int, environment: str, workers: int) -> IO[bytes]:
    """Starts the supervisor in a session of its own; returns what it tells.

    posix_spawn, since nobody waits for this child: it is to outlive its parent.
    """
    home.clear()
    home.prepare()
    supervised = take_lock(home.supervised)
    if supervised is None:
        raise LocalError("another stack is being stopped at this moment", "try again")
    reading, writing = os.pipe()
    log = os.open(home.logs / "supervisor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.set_inheritable(lock, True)
        os.set_inheritable(supervised, True)
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-m", "haulier.local.supervisor", str(home.root), environment, str(workers), str(lock)],
            {**os.environ, "PYTHONPATH": str(root)},
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_DUP2, writing, 1),
                (os.POSIX_SPAWN_DUP2, log, 2),
            ],
            setsid=True,
        )
        note_supervisor(lock, pid)
    except BaseException:
        os.close(reading)
        raise
    finally:
        os.close(writing)
        os.close(log)
        os.close(supervised)
    return os.fdopen(reading, "rb")


def _follow(told: IO[bytes], log: Log, home: Home) -> None:
    """Passes on what the supervisor tells, until it is ready or has failed."""
    for line in told:
        event: dict[str, Any] = json.loads(line)
        match event["event"]:
            case "ready":
                return
            case "failed":
                raise _KINDS.get(event["kind"], StartFailed)(event["text"], event["hint"])
            case _:
                log(event["text"])
    raise StartFailed("the supervisor died while starting", tail(home.logs / "supervisor.log"))


def _started(home: Home) -> StackInfo:
    started = info()
    if started is None:
        raise StartFailed("the supervisor is gone again", tail(home.logs / "supervisor.log"))
    return started


def _stop(home: Home) -> None:
    """Asks the supervisor to stop; kills what is left of its group if it takes too long, or died before them."""
    pid = holder(home)
    if not pid:
        return
    if held(home.supervised):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        _wait_until_free(home, STOP_SECONDS)
    # The lock is inherited: while it is held a member of the group lives, so its number cannot be another's.
    # Functions the emulator runs hold no lock, but they are in the group, too.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    if not _wait_until_free(home, KILL_SECONDS):
        raise LocalError(f"processes of group {pid} do not end", f"look with: ps -o pid,args -g {pid}")
    with contextlib.suppress(ChildProcessError):
        # Whoever called `up` is the supervisor's parent: a dead child is listed until it is asked for.
        os.waitpid(pid, os.WNOHANG)


def _clear(home: Home, *, keep_logs: bool) -> None:
    if not home.root.is_dir():
        return
    lock = take_lock(home.lock)
    if lock is None:
        raise LocalError("a stack is being started at this moment", "try again when it is up")
    try:
        home.clear(keep_logs=keep_logs)
        home.remove()
    finally:
        os.close(lock)


def _wait_until_free(home: Home, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holder(home) is None:
            return True
        time.sleep(0.05)
    return False

"""Ends child processes, and shows the end of a log."""

import subprocess
import time
from collections.abc import Iterable
from pathlib import Path


def terminate(processes: Iterable[subprocess.Popen[bytes]], *, seconds: float) -> None:
    """Asks all to end, waits, and kills what is still there after `seconds`."""
    left = [process for process in processes if process.poll() is None]
    for process in left:
        process.terminate()
    deadline = time.monotonic() + seconds
    for process in left:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def tail(path: Path, lines: int = 15) -> str:
    """The last lines of a log, for an error's hint."""
    try:
        written = path.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return f"{path} does not exist"
    return "\n".join([f"the end of {path}:", *written[-lines:]])

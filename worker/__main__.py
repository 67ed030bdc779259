"""`python -m worker`: settings, log, wiring, run, exit code. `python -m worker health` looks at the liveness mark."""

import asyncio
import os
import sys
from pathlib import Path
from typing import NoReturn

from worker.log import configure, get_logger
from worker.memory import keep_memory
from worker.runtime.health import is_healthy, told
from worker.runtime.shutdown import ExitCode
from worker.settings import WrongSettings, read_settings
from worker.wiring import run


def main(arguments: list[str]) -> int:
    """Returns the exit code; see `runtime.shutdown.ExitCode`. `health` answers 0 or 1."""
    try:
        settings = read_settings()
    except WrongSettings as wrong:
        for problem in wrong.problems:
            sys.stderr.write(f"{problem}\n")
        return ExitCode.BAD_SETTINGS
    if arguments == ["health"]:
        mark = Path(settings.health_file)
        sys.stdout.write(f"{told(mark)}\n")
        return 0 if is_healthy(mark) else 1
    if arguments:
        sys.stderr.write("usage: python -m worker [health]\n")
        return ExitCode.BAD_SETTINGS
    keep_memory()
    configure(settings.log_level, settings.log_format)
    log = get_logger()
    log.info("worker.started", environment=settings.environment, slots=settings.slots)
    code = asyncio.run(run(settings))
    log.info("worker.stopped", exit_code=int(code), how=code.name.lower())
    return code


def leave(code: int) -> NoReturn:
    """Ends the process without waiting for its threads, as the interpreter would: one in which a library hangs would
    hold up the exit for ever. Everything that must be closed is closed by now.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(main(sys.argv[1:]))

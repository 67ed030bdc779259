"""The one process that outlives `up`: parent of emulator and workers. `python -m haulier.local.supervisor`.

Tells `up` on stdout what happens, one JSON object a line, until it is ready. If `up` goes away before that, writing
fails and everything is stopped: a stack is either up, or nothing of it runs.
"""

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

from haulier.contracts.names import Names
from haulier.local import stack
from haulier.local.backlog import Backlog
from haulier.local.deployment import deploy
from haulier.local.emulator import Emulator
from haulier.local.errors import LocalError
from haulier.local.home import Home
from haulier.local.identity import adopt_worker_role
from haulier.local.synthesis import Synthesis
from haulier.local.workers import Workers, worker_environment

TICK_SECONDS = 1.0


def main() -> int:
    """Arguments: state directory, environment, most workers, descriptor of the lock.

    Exit code 1: it did not start, or the emulator died.
    """
    home, environment, workers, lock = Home(Path(sys.argv[1])), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    signal.signal(signal.SIGTERM, _stop_on_signal)
    signal.signal(signal.SIGINT, _stop_on_signal)
    with contextlib.ExitStack() as running:
        try:
            info, emulator, pool = _start(home, environment, workers, lock, running)
        except LocalError as error:
            _failed(error)
            return 1
        home.write_state(info.as_state())
        _tell("ready")
        _leave_stdout(home)
        _supervise(home, info, emulator, pool)
    return 1


def _start(
    home: Home, environment: str, workers: int, lock: int, running: contextlib.ExitStack
) -> tuple[stack.StackInfo, Emulator, Workers]:
    names = Names(environment)
    began = time.monotonic()
    synthesis = running.enter_context(Synthesis(home, environment=environment, lock=lock))
    emulator = running.enter_context(Emulator(home, lock=lock))
    _tell("progress", f"emulator listens at {emulator.endpoint_url}; synthesising the stacks")
    synthesis.wait()
    _tell("progress", f"synthesised after {time.monotonic() - began:.1f} s; deploying")
    for line in deploy(home.assembly, endpoint_url=emulator.endpoint_url):
        _tell("progress", line)
    info = stack.StackInfo(
        endpoint_url=emulator.endpoint_url,
        region=stack.REGION,
        environment=environment,
        account=stack.ACCOUNT,
        pid=os.getpid(),
        directory=str(home.root),
        input_bucket=names.input_bucket(stack.ACCOUNT, stack.REGION),
        output_bucket=names.output_bucket(stack.ACCOUNT, stack.REGION),
    )
    adopt_worker_role(home, info)
    pool = running.enter_context(Workers(home, most=workers, environment=worker_environment(info, home), lock=lock))
    if workers:
        _tell("progress", f"starting {workers} worker{'s' if workers > 1 else ''}")
        pool.wait_until_ready()
    _tell("progress", f"ready after {time.monotonic() - began:.1f} s")
    return pool.described_in(info), emulator, pool


def _supervise(home: Home, info: stack.StackInfo, emulator: Emulator, pool: Workers) -> None:
    """Keeps workers running and scaled, until a signal ends the process or the emulator dies."""
    backlog = Backlog(info)
    while emulator.alive:
        pool.tick(time.monotonic(), backlog.read())
        now = pool.described_in(info)
        if now.workers != info.workers:
            info = now
            home.write_state(info.as_state())
        time.sleep(TICK_SECONDS)
    sys.stderr.write("the emulator is gone, and with it all state: stopping\n")


def _tell(event: str, text: str = "", **more: str) -> None:
    sys.stdout.write(json.dumps({"event": event, "text": text, **more}) + "\n")
    sys.stdout.flush()


def _failed(error: LocalError) -> None:
    _tell("failed", str(error), kind=type(error).__name__, hint=error.hint)


def _leave_stdout(home: Home) -> None:
    # `up` has stopped reading: from here on stdout is a log like stderr.
    with (home.logs / "supervisor.log").open("ab") as log:
        os.dup2(log.fileno(), sys.stdout.fileno())


def _stop_on_signal(_signal: int, _frame: FrameType | None) -> NoReturn:
    # A second signal must not interrupt the clean-up that the first one started.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())

"""Synthesises the real CDK app, with the settings of a laptop. Runs beside the emulator's start."""

import os
import subprocess
import sys
from typing import Self

from haulier.contracts import environment as variables
from haulier.contracts.limits import MIB
from haulier.local.clone import node_directory, repository
from haulier.local.errors import SynthFailed
from haulier.local.home import Home
from haulier.local.processes import tail, terminate

SYNTH_SECONDS = 120
LEASE_SECONDS = 20

LOCAL_SETTINGS = {
    "HAULIER_PROFILE": "dev",
    # The emulator runs functions in its own interpreter, which has their dependencies.
    "HAULIER_LAMBDA_PLATFORM": "host",
    # ministack 1.5.33 refuses an alarm of several metrics, and with it the stack.
    "HAULIER_ALARM_METRIC_MATH": "false",
    variables.VISIBILITY_SECONDS: str(LEASE_SECONDS),
    "HAULIER_TOKEN_HEARTBEAT_SECONDS": "600",
    "HAULIER_TOKEN_TIMEOUT_SECONDS": "3600",
    "HAULIER_EXECUTION_TIMEOUT_SECONDS": "7200",
    "HAULIER_MAP_CONCURRENCY": "100",
    variables.REQUEUE_AFTER_SECONDS: "30",
    variables.CHUNK_THRESHOLD_BYTES: str(8 * MIB),
    variables.CHUNK_BYTES: str(3 * MIB),
}


class Synthesis:
    """Started on entering; `wait` for it; killed on leaving if it still runs."""

    def __init__(self, home: Home, *, environment: str, lock: int) -> None:
        self._home = home
        self._environment = environment
        self._lock = lock
        self._log = home.logs / "synth.log"

    def __enter__(self) -> Self:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "infra.app"],
                cwd=repository(),
                env=synthesis_environment(self._home, self._environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(self._lock,),
            )
        return self

    def __exit__(self, *_: object) -> None:
        terminate([self._process], seconds=2)

    def wait(self) -> None:
        """Until the assembly is written.

        Raises:
            SynthFailed: the app said no; the hint is what it said.
        """
        try:
            code = self._process.wait(SYNTH_SECONDS)
        except subprocess.TimeoutExpired:
            raise SynthFailed(f"the CDK app is not done after {SYNTH_SECONDS} s", tail(self._log)) from None
        if code:
            raise SynthFailed(f"the CDK app ended with code {code}", tail(self._log))


def synthesis_environment(home: Home, environment: str) -> dict[str, str]:
    """The caller's environment without settings and AWS variables of theirs, so that every stack is the same."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith((variables.PREFIX, "AWS_", "CDK_"))
    }
    return (
        kept
        | LOCAL_SETTINGS
        | {
            variables.ENVIRONMENT: environment,
            "PATH": f"{node_directory()}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "CDK_OUTDIR": str(home.assembly),
            "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        }
    )

"""Two minutes of chaos with a seed of the day's own: `HAULIER_CHAOS_SECONDS=0` leaves it to `make chaos`."""

import os
import subprocess
import sys

import pytest

from haulier.local.clone import repository

SECONDS = int(os.environ.get("HAULIER_CHAOS_SECONDS", "120"))


@pytest.mark.stack
@pytest.mark.timeout(1800)
@pytest.mark.skipif(SECONDS == 0, reason="HAULIER_CHAOS_SECONDS=0: asked for")
def test_nothing_is_lost_nothing_twice_and_nothing_hangs_when_workers_and_calls_fail_at_random() -> None:
    command = [sys.executable, "-m", "tests.chaos", "--seconds", str(SECONDS), "--workers", "2"]
    run = subprocess.run(command, cwd=repository(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    told = run.stdout.decode(errors="replace")
    print(told)
    assert run.returncode == 0, told[-4000:]
    assert "seed" in told

"""Two minutes of chaos with a seed of the day's own: `HAULIER_CHAOS_SECONDS=0` leaves it to `make chaos`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from haulier.local.clone import repository
from haulier.local.recording import RECORD_CALLS
from tests.iam.record import read

SECONDS = int(os.environ.get("HAULIER_CHAOS_SECONDS", "120"))


@pytest.mark.stack
@pytest.mark.timeout(1800)
@pytest.mark.skipif(SECONDS == 0, reason="HAULIER_CHAOS_SECONDS=0: asked for")
def test_nothing_is_lost_nothing_twice_and_nothing_hangs_when_workers_and_calls_fail_at_random(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.chaos", "--seconds", str(SECONDS), "--workers", "2"]
    record = tmp_path / "record.jsonl"
    run = subprocess.run(
        command,
        cwd=repository(),
        env=os.environ | {RECORD_CALLS: str(record)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    told = run.stdout.decode(errors="replace")
    print(told)
    assert run.returncode == 0, told[-4000:]
    assert "seed" in told
    calls = [call for call in read(record) if call.role]
    assert calls
    # Whatever had to be mended, a shipped role was allowed to.
    assert not [call for call in calls if call.refused]

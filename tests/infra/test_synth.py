"""What a person runs: the app by its settings, and the CDK command line, without an account, a network or Docker."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.app import main
from scripts import cdk

NOWHERE = "http://127.0.0.1:9"


def test_wrong_settings_are_told_by_their_variables_and_nothing_is_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("HAULIER_PROFILE", "stage")
    monkeypatch.setenv("HAULIER_ROLE_PATH", "team")
    monkeypatch.setenv("HAULIER_ONE_BUKET", "true")
    assert main() == 2
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "warning: HAULIER_ONE_BUKET is no setting; HAULIER_ONE_BUCKET is"
    assert [line.split(":")[0] for line in told[1:]] == ["HAULIER_PROFILE", "HAULIER_ROLE_PATH"]


def test_what_owners_apply_is_printed_without_a_node_of_one_s_own(tmp_path: Path):
    lonely = {"PATH": str(tmp_path), "HAULIER_ENVIRONMENT": "lonely", "HAULIER_INPUT_BUCKET_NAME": "their-input"}
    done = subprocess.run(
        [sys.executable, "-m", "scripts.brought", "--account", "111122223333", "--region", "eu-west-1"],
        cwd=cdk.ROOT,
        env=lonely,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)) == {"their-input"}


def test_cdk_synth_needs_no_account_no_network_and_no_node_of_one_s_own(tmp_path: Path):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "HAULIER_", "CDK_"))}
    lonely = {
        "PATH": os.pathsep.join(["/usr/bin", "/bin"]),
        "HOME": str(tmp_path),
        "HTTP_PROXY": NOWHERE,
        "HTTPS_PROXY": NOWHERE,
        "AWS_EC2_METADATA_DISABLED": "true",
        "HAULIER_ENVIRONMENT": "lonely",
        # The wheels of the functions are fetched by `make setup`; a test does not go by what that left behind.
        "HAULIER_LAMBDA_PLATFORM": "host",
    }
    done = subprocess.run(
        [sys.executable, "-m", "scripts.cdk", "synth", "--quiet", "--output", str(tmp_path / "out")],
        cwd=cdk.ROOT,
        env=kept | lonely,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "out").glob("*.template.json")} == {
        "Data.template.json",
        "Pipeline.template.json",
    }
    assert "haulier-lonely-jobs" in (tmp_path / "out" / "Data.template.json").read_text()
    assert "WARNING" not in done.stdout + done.stderr

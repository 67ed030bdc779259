"""Writes docs/permissions.md: `python -m tests.iam`."""

import os
import tempfile
from pathlib import Path

from haulier.local.clone import node_directory, repository
from tests.iam.page import render
from tests.iam.template import Templates
from tests.infra.conftest import PROFILES, synthesise

if __name__ == "__main__":
    os.environ["JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION"] = "1"
    os.environ["PATH"] = f"{node_directory()}{os.pathsep}{os.environ['PATH']}"
    with tempfile.TemporaryDirectory() as directory:
        made = synthesise(Path(directory), **PROFILES["prod"])
        (repository() / "docs" / "permissions.md").write_text(render(Templates(made.outdir)))

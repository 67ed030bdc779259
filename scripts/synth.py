"""Writes the CloudFormation templates to cdk.out, with the settings of the environment: `python -m scripts.synth`.

The same as `cdk synth`, without the CDK command line: no account, no network, no Docker, nothing else installed.
"""

import json
import subprocess
import sys

from scripts.cdk import ROOT, environment

OUT = "cdk.out"


def main() -> int:
    app = [sys.executable, "-m", "infra.app"]
    code = subprocess.run(app, cwd=ROOT, env=environment() | {"CDK_OUTDIR": OUT}, check=False).returncode
    if code == 0:
        # The assembly's own list: templates of an earlier synth may lie beside these.
        for artifact in json.loads((ROOT / OUT / "manifest.json").read_text())["artifacts"].values():
            if artifact["type"] == "aws:cloudformation:stack":
                print(f"{OUT}/{artifact['properties']['templateFile']}")
    return code


if __name__ == "__main__":
    sys.exit(main())

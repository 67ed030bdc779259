"""Writes the CloudFormation templates to cdk.out, with the settings of the environment: `python -m scripts.synth`.

The same as `cdk synth`, with the Node that came as a wheel: no account, no Docker, nothing else installed.
"""

import os
import subprocess
import sys
from pathlib import Path

from haulier.local.clone import node_directory

ROOT = Path(__file__).resolve().parents[1]
OUT = "cdk.out"


def main() -> int:
    path = f"{node_directory()}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    environment = os.environ | {"PATH": path, "CDK_OUTDIR": OUT, "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1"}
    code = subprocess.run([sys.executable, "-m", "infra.app"], cwd=ROOT, env=environment, check=False).returncode
    if code == 0:
        for template in sorted((ROOT / OUT).glob("*.template.json")):
            print(template.relative_to(ROOT))
    return code


if __name__ == "__main__":
    sys.exit(main())

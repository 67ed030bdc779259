"""`python -m tests.fuzz [TARGET …] [SECONDS]`: searches for input that breaks a target, guided by coverage.

Needs atheris (`pip install atheris`; wheels for Linux). A finding is printed and kept as a file
`crash-…` in the working directory; add it to `seeds`.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.seeds import SEEDS

_ONE = """
import atheris, sys
with atheris.instrument_imports():
    from tests.fuzz.targets import TARGETS
atheris.Setup(sys.argv, TARGETS["{name}"])
atheris.Fuzz()
"""


def main(arguments: list[str]) -> int:
    seconds = next((int(argument) for argument in arguments if argument.isdigit()), 60)
    names = [argument for argument in arguments if not argument.isdigit()] or list(SEEDS)
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            for number, seed in enumerate(SEEDS[name]):
                Path(folder, f"seed-{number}").write_bytes(seed)
            command = [
                sys.executable,
                "-c",
                _ONE.format(name=name),
                f"-max_total_time={seconds}",
                "-max_len=4096",
                folder,
            ]
            print(f"fuzzing {name} for {seconds} s", flush=True)
            code = subprocess.run(command, check=False).returncode
            if code:
                return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

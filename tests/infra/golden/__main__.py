"""Writes the golden templates anew: `python -m tests.infra.golden`. Look at the diff before you commit it."""

import os
import tempfile
from pathlib import Path

from haulier.local.clone import node_directory
from tests.infra.conftest import synthesise
from tests.infra.golden import AGREED, path, templates


def main() -> None:
    os.environ["PATH"] = f"{node_directory()}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    os.environ["JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION"] = "1"
    for profile, settings in AGREED.items():
        with tempfile.TemporaryDirectory() as directory:
            for stack, text in templates(synthesise(Path(directory), **settings)).items():
                target = path(profile, stack)
                changed = not target.exists() or target.read_text() != text
                target.write_text(text)
                print(f"{target.name}: {len(text.splitlines()):,} lines{'' if changed else ', unchanged'}")


if __name__ == "__main__":
    main()

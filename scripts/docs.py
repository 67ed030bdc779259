"""Writes the generated pages of docs/, or compares them: `python -m scripts.docs [--check]`."""

import sys
from collections.abc import Callable
from pathlib import Path

from scripts import api_docs, cli_docs, dataset_docs, event_docs, settings_docs, state_docs

DOCS = Path(__file__).resolve().parents[1] / "docs"

PAGES: dict[str, Callable[[], str]] = {
    "cli.md": cli_docs.render,
    "datasets.md": dataset_docs.render,
    "events.md": event_docs.render,
    "openapi.json": api_docs.render,
    "settings.md": settings_docs.render,
    "states.md": state_docs.render,
}


def main(arguments: list[str]) -> int:
    stale = []
    for name, render in PAGES.items():
        page, text = DOCS / name, render()
        if "--check" not in arguments:
            page.write_text(text)
        elif not page.exists() or page.read_text() != text:
            stale.append(name)
    if stale:
        print(f"generated pages are not what the code says: {', '.join(stale)}; run `make docs`", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

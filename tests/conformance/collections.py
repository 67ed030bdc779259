"""Opens the collections under `data/`."""

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

_DATA = Path(__file__).parent / "data"


def members(archive: str) -> dict[str, bytes]:
    """Names and bytes of an archive's files."""
    with zipfile.ZipFile(_DATA / archive) as opened:
        return {name: opened.read(name) for name in sorted(opened.namelist())}


@dataclass(frozen=True)
class PapaCase:
    """A case of Papa Parse's: what it expects, and the errors it would report."""

    description: str
    data: bytes
    delimiter: str
    quote: str
    expected: list[list[str]]
    errors: tuple[str, ...]


def papa_cases() -> list[PapaCase]:
    cases = json.loads(members("papaparse.zip")["cases.json"])
    return [
        PapaCase(
            description=case["description"],
            data=case["input"].encode(),
            delimiter=case["config"].get("delimiter", ","),
            quote=case["config"].get("quoteChar", '"'),
            expected=case["data"],
            errors=tuple(case["errors"]),
        )
        for case in cases
    ]

"""Numbers kept to compare with: what changed since, as a ratio."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.figures import in_columns, number, ratio

FOLDER = Path(__file__).parent / "baselines"
_METRICS = ("mb_per_s", "cpu_s_per_gib", "anon_mib")


def path_of(kind: str) -> Path:
    """The baseline of full (`records`) or quick runs."""
    return FOLDER / f"{kind}.json"


def save(numbers: dict[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(numbers, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def load(path: Path) -> dict[str, Any]:
    """Raises SystemExit if there is none."""
    if not path.exists():
        raise SystemExit(f"there is no {path.name} yet: `python -m bench records` writes it")
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def compared(now: dict[str, Any], then: dict[str, Any]) -> Iterator[str]:
    """A table: each series' median now, and as a ratio to the baseline's. MB/s more is better, the others less."""
    if now["machine"].get("processor") != then["machine"].get("processor"):
        yield "another processor than the baseline's: compare the ratio to naive alone"
    rows = []
    for name, metrics in now["series"].items():
        before = then["series"].get(name)
        cells = [_cell(metrics[metric][0], before[metric][0] if before else 0.0) for metric in _METRICS]
        rows.append((name, *cells, _cell(_against_naive(now, name), _against_naive(then, name))))
    yield from in_columns(("", "MB/s", "CPU s/GiB", "anon MiB", "x naive"), rows)


def _against_naive(numbers: dict[str, Any], name: str) -> float:
    naive, one = numbers["series"].get(f"{name.partition('/')[0]}/naive"), numbers["series"].get(name)
    return ratio(one["mb_per_s"][0], naive["mb_per_s"][0]) if naive and one else 0.0


def _cell(now: float, then: float) -> str:
    if not now:
        return ""
    return f"{number(now)} ({ratio(now, then):.2f})" if then else f"{number(now)} (new)"

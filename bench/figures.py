"""Medians with their spread, ratios, and tables as Markdown."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MB = 1_000_000
MIB = 1 << 20
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Spread:
    """Repetitions of one number."""

    median: float
    low: float
    high: float
    count: int


def spread(values: Iterable[float]) -> Spread:
    """Raises ValueError if there are none."""
    found = sorted(values)
    if not found:
        raise ValueError("no repetition was measured")
    return Spread(statistics.median(found), found[0], found[-1], len(found))


def ratio(part: float, whole: float) -> float:
    """`part / whole`; 0 where there is nothing to compare with."""
    return part / whole if whole else 0.0


def number(value: float) -> str:
    """Three figures or so: 1,234, 123, 12.3, 1.23."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table; columns after the first are aligned right."""
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    return lines + ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]


def in_columns(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The same for a terminal."""
    every = [list(head), *map(list, rows)]
    widths = [max(len(row[column]) for row in every) for column in range(len(head))]
    return [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in every
    ]

"""What a run measured, all of it, and as JSON: what baselines are made of."""

from dataclasses import dataclass, field
from typing import Any

from bench.figures import Spread
from bench.guesses import Guessed
from bench.matrix import Series
from bench.run import Sizes


@dataclass
class Results:
    """Attributes: `kind`, records or quick; `series` in the order of their cases; `failures`, none if all is well."""

    machine: dict[str, str]
    sizes: Sizes
    kind: str = "records"
    series: list[Series] = field(default_factory=list)
    guesses: list[Guessed] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    read_back: bool = False
    seconds: float = 0.0

    def of(self, case: str) -> list[Series]:
        return [one for one in self.series if one.case == case]

    def one(self, case: str, label: str) -> Series | None:
        return next((one for one in self.of(case) if one.label == label), None)

    def numbers(self) -> dict[str, Any]:
        """For a file: kind, machine, size, and `case/label` → metric → median, low, high, count."""
        return {
            "kind": self.kind,
            "machine": self.machine,
            "input_bytes": self.sizes.size,
            "series": {
                f"{one.case}/{one.label}": {
                    "mb_per_s": _list(one.mb_per_s),
                    "cpu_s_per_gib": _list(one.cpu_per_gib),
                    "anon_mib": _list(one.anon_mib),
                    "rss_mib": _list(one.rss_mib),
                    "bad": one.bad,
                    "caught": one.caught,
                }
                for one in self.series
            },
            "guesses": {f"{one.name}/{one.chunk_bytes}": [one.wrong, one.cuts] for one in self.guesses},
        }


def _list(value: Spread) -> list[float]:
    return [round(value.median, 3), round(value.low, 3), round(value.high, 3), value.count]

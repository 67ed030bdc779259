"""The targets the record path is held to, and by how much each is met or missed."""

from dataclasses import dataclass

from bench.figures import number, ratio
from bench.matrix import FLAT
from bench.parallel import CHUNKED, FILES, ONE, TWO
from bench.results import Results

FLAT_MIB = 400.0
FLAT_APART = 0.10
ARRAY_MIB = 100.0


@dataclass(frozen=True, slots=True)
class Target:
    """One target.

    Attributes:
        name: T1 and so on.
        what: the sentence.
        wanted: the number.
        found: what was measured.
        at_most: whether less is better.
        unit: behind the numbers.
    """

    name: str
    what: str
    wanted: float
    found: float
    at_most: bool = False
    unit: str = "x"

    @property
    def met(self) -> bool:
        return self.found <= self.wanted if self.at_most else self.found >= self.wanted

    @property
    def verdict(self) -> str:
        """`met`, or by what share it was missed."""
        if self.met:
            return "met"
        return f"missed by {abs(self.found - self.wanted) / self.wanted:.0%}"

    @property
    def cells(self) -> tuple[str, str, str, str, str]:
        bound = "≤" if self.at_most else "≥"
        found = f"{number(self.found)} {self.unit}"
        return self.name, self.what, f"{bound} {self.wanted:g} {self.unit}", found, self.verdict


def targets(results: Results) -> list[Target]:
    """Those whose cases were run."""
    return [*_speed(results), *_caught(results), *_memory(results), *_parallel(results)]


def _speed(results: Results) -> list[Target]:
    wanted = (
        ("T1", "csv-jsonl", "haulier", "naive", 15.0),
        ("T1", "csv-jsonl", "haulier", "polars-s3", 0.8),
        ("T1", "csv-parquet", "haulier", "naive", 17.0),
        ("T1", "csv-parquet", "haulier", "polars-s3", 0.75),
        # The naive way looks at no value: without a schema Haulier does the same work, with one much more.
        ("T2", "jsonl-jsonl", "haulier, no schema", "naive", 10.0),
        ("T2", "array-jsonl", "haulier, no schema", "naive", 8.0),
        ("T2", "jsonl-jsonl", "haulier", "naive", 10.0),
        ("T2", "array-jsonl", "haulier", "naive", 8.0),
    )
    found = []
    for name, case, ours, theirs, least in wanted:
        left, right = results.one(case, ours), results.one(case, theirs)
        if left and right:
            got = ratio(left.mb_per_s.median, right.mb_per_s.median)
            special = ours.removeprefix("haulier")
            found.append(Target(name, f"{case}{special}: MB/s against {theirs}", least, got))
    return found


def _caught(results: Results) -> list[Target]:
    ours = [one for case in ("csv-jsonl", "csv-parquet") for one in results.of(case) if one.label == "haulier"]
    return [
        Target(
            "T1",
            f"{one.case}: bad rows caught, each with its reason",
            100.0,
            100 * ratio(one.caught, one.bad),
            unit="%",
        )
        for one in ours
    ]


def _memory(results: Results) -> list[Target]:
    found = []
    array = results.one("array-jsonl", "haulier")
    if array:
        found.append(Target("T2", "array-jsonl: anonymous memory", ARRAY_MIB, array.anon_mib.high, True, "MiB"))
    for case in FLAT:
        sizes = results.of(case.name)
        if len(sizes) < 2:
            continue
        small, large = sizes[0].anon_mib, sizes[-1].anon_mib
        most = max(small.high, large.high)
        apart = 100 * ratio(abs(large.median - small.median), small.median)
        found.append(Target("T3", f"{case.title}: anonymous memory at most", FLAT_MIB, most, True, "MiB"))
        found.append(Target("T3", f"{case.title}: apart at both sizes", 100 * FLAT_APART, apart, True, "%"))
    return found


def _parallel(results: Results) -> list[Target]:
    found = []
    wanted = (
        ("chunks", CHUNKED, FILES, 0.9, "a job in chunks against files of their own"),
        ("processes", TWO, ONE, 1.8, "two processes against one"),
    )
    for case, ours, theirs, least, what in wanted:
        left, right = results.one(case, ours), results.one(case, theirs)
        if left and right:
            found.append(Target("T5", what, least, ratio(left.mb_per_s.median, right.mb_per_s.median)))
    return found

"""Which ways are run over which inputs, and what their repetitions come to."""

from dataclasses import dataclass, field
from typing import NamedTuple

from bench.child import Measured
from bench.figures import GIB, MB, MIB, Spread, spread
from bench.job import Job
from bench.ways.registry import BLIND


class Entry(NamedTuple):
    """One line of a case.

    Attributes:
        way: of `bench.ways.registry.WAYS`.
        label: what is special about it, added to the way's name.
        kind: another input than the case's, where the way cannot read that.
        schema: whether the dataset has its schema.
    """

    way: str
    label: str = ""
    kind: str = ""
    schema: bool = True

    @property
    def name(self) -> str:
        return f"{self.way}, {self.label}" if self.label else self.way


HAULIER, NAIVE, POLARS = Entry("haulier"), Entry("naive"), Entry("polars-s3")
POLARS_FILE, DUCKDB = Entry("polars-file"), Entry("duckdb-file")
UNTYPED = Entry("haulier", "no schema", schema=False)


@dataclass(frozen=True, slots=True)
class Case:
    """One table of the results: ways side by side over one input.

    Attributes:
        name: what `--only` knows it by.
        title: what the report calls it.
        kind: of `bench.data.shelf.KINDS`.
        output: jsonl or parquet.
        entries: the ways; the first is the one the others are compared with.
        quick: whether `--quick` has it.
        naive_share: of the naive way's size: it needs up to 63 times its input in memory where columns are many.
    """

    name: str
    title: str
    kind: str
    output: str
    entries: tuple[Entry, ...]
    quick: bool = True
    naive_share: float = 0.25


CASES = (
    Case(
        "csv-jsonl", "CSV → JSON Lines (orders)", "orders.csv", "jsonl",
        (HAULIER, NAIVE, POLARS, POLARS_FILE, DUCKDB), naive_share=1.0,
    ),
    Case(
        "csv-parquet", "CSV → Parquet (orders)", "orders.csv", "parquet",
        (HAULIER, NAIVE, POLARS, POLARS_FILE, DUCKDB), naive_share=1.0,
    ),
    Case(
        "jsonl-jsonl", "JSON Lines → JSON Lines (orders)", "orders.jsonl", "jsonl",
        (HAULIER, UNTYPED, NAIVE, Entry("polars-s3", "no bad rows", kind="good.jsonl")),
    ),
    Case("array-jsonl", "JSON array → JSON Lines (orders)", "orders.json", "jsonl", (HAULIER, UNTYPED, NAIVE)),
    Case("gzip-jsonl", "CSV in gzip → JSON Lines (orders)", "orders.csv.gz", "jsonl", (HAULIER,)),
    Case(
        "lineitem-jsonl", "CSV → JSON Lines (line items, TPC-H's shape)", "lineitem.csv", "jsonl",
        (HAULIER, NAIVE, POLARS, DUCKDB), quick=False,
    ),
    Case(
        "lineitem-parquet", "CSV → Parquet (line items, TPC-H's shape)", "lineitem.csv", "parquet",
        (HAULIER, NAIVE, POLARS, DUCKDB),
    ),
    Case(
        "flights-jsonl", "CSV → JSON Lines (flights from New York in 2013, repeated)", "flights.csv", "jsonl",
        (HAULIER, NAIVE, POLARS, DUCKDB),
    ),
    Case(
        "bytes", "Bytes alone, by Haulier's own transfers: what the endpoint can give and take", "orders.csv", "jsonl",
        (Entry("fetch"), Entry("store")),
    ),
)  # fmt: skip

FLAT = (
    Case("flat-csv-jsonl", "CSV → JSON Lines", "orders.csv", "jsonl", (HAULIER,), quick=False),
    Case("flat-csv-parquet", "CSV → Parquet", "orders.csv", "parquet", (HAULIER,), quick=False),
    Case("flat-gzip", "CSV in gzip → JSON Lines", "orders.csv.gz", "jsonl", (HAULIER,), quick=False),
    Case("flat-jsonl", "JSON Lines → JSON Lines, no schema", "orders.jsonl", "jsonl", (UNTYPED,), quick=False),
    Case("flat-array", "JSON array → JSON Lines, no schema", "orders.json", "jsonl", (UNTYPED,), quick=False),
)
"""JSON without a schema, since its memory is the question and 10 GiB take a while."""


@dataclass(slots=True)
class Series:
    """Repetitions of one way over one input.

    Attributes:
        case: the case's name.
        label: the way's name, and what is special about it.
        read_bytes: of input, decompressed.
        bad: how many bad rows the way could have caught.
        runs: one for each repetition.
    """

    case: str
    label: str
    read_bytes: int
    bad: int
    runs: list[Measured] = field(default_factory=list)

    @classmethod
    def of(cls, case: str, label: str, job: Job) -> "Series":
        bad = job.truth.rejected if job.way not in BLIND else 0
        return cls(case, label, job.read_bytes, bad)

    @property
    def mb_per_s(self) -> Spread:
        """10^6 bytes of input a second."""
        return spread(self.read_bytes / MB / run.answer.seconds for run in self.runs)

    @property
    def cpu_per_gib(self) -> Spread:
        """CPU seconds for 2^30 bytes of input."""
        return spread(run.answer.cpu_seconds * GIB / self.read_bytes for run in self.runs)

    @property
    def anon_mib(self) -> Spread:
        return spread(run.anon_bytes / MIB for run in self.runs)

    @property
    def rss_mib(self) -> Spread:
        return spread(run.rss_bytes / MIB for run in self.runs)

    @property
    def caught(self) -> int:
        """Bad rows set aside."""
        return sum(self.runs[-1].answer.caught.values())

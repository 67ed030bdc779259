"""What the columns' profile costs: `python -m bench.profile_share [MIB]`, its share of a block's CPU time.

One process, no I/O: blocks of 8 MiB of the generated orders go through `BlockProcessor`, and `Profiler.add` is timed
inside it, so that both numbers come from the same run. The first block is shown on its own: it fills the sketches.
"""

import statistics
import sys
import time
from collections.abc import Mapping, Sequence

import polars as pl

from bench.data.orders import HEADER, SCHEMA, csv_rows
from haulier.contracts.dataset import Dataset
from haulier.contracts.limits import MIB, PEEK_BYTES
from haulier.jobs.peek import peek
from worker.records import BlockProcessor, Facts, cutter_for, read_from
from worker.records.profile import Profiler
from worker.records.rejects import Rejection

FACTS = Facts(job_id="j", source="s3://in/orders.csv", accepted_at_ms=0)
WAYS = {
    "texts to JSON Lines": {},
    "typed to JSON Lines": {"schema": SCHEMA},
    "typed to Parquet": {"schema": SCHEMA, "output": {"format": "parquet"}},
}


class Timed:
    """A profiler's `add` that adds up its CPU seconds."""

    def __init__(self, profiler: Profiler) -> None:
        self.profiler, self.seconds = profiler, 0.0
        self._add = profiler.add

    def add(self, frame: pl.DataFrame, rejects: Sequence[Rejection]) -> None:
        started = time.process_time()
        self._add(frame, rejects)
        self.seconds += time.process_time() - started


def shares(data: bytes, config: Mapping[str, object]) -> list[tuple[float, float]]:
    """(CPU ms of the block, CPU ms of its profile) of each whole block."""
    dataset = Dataset.model_validate({"name": "d", **config})
    reading = peek(data[:PEEK_BYTES], key="orders.csv", complete=False, compression="none", dataset=dataset)
    processor = BlockProcessor(reading=reading, dataset=dataset, facts=FACTS)
    profiler = processor._profiler  # noqa: SLF001 - the measurement looks inside what it measures
    if profiler is None:
        raise ValueError("this configuration has no profile")
    timed = Timed(profiler)
    profiler.add = timed.add  # type: ignore[method-assign]
    cutter = cutter_for(
        reading, start=0, end=len(data), given=reading.body_start, max_record_bytes=processor.max_record_bytes
    )
    found = []
    for block in cutter.feed(data[read_from(reading, start=0, given=reading.body_start) :]):
        before, started = timed.seconds, time.process_time()
        processor.process(block)
        found.append(((time.process_time() - started) * 1e3, (timed.seconds - before) * 1e3))
    return found


def main(arguments: list[str]) -> int:
    mib = int(arguments[0]) if arguments else 96
    data = HEADER + csv_rows(42, mib * MIB)[0]
    print(f"{'':22}{'block':>10}{'profile':>10}{'share':>8}{'first block':>14}")
    for name, config in WAYS.items():
        first, *rest = shares(data, config)
        block, profile = (statistics.median(column) for column in zip(*rest, strict=True))
        share, at_first = profile / (block - profile), first[1] / (first[0] - first[1])
        print(f"{name:22}{block:7.1f} ms{profile:7.1f} ms{share:8.1%}{at_first:14.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""What a large day costs the quality report: `python -m scripts.quality_load [JOBS]`.

Time is of adding up records that are in memory; reading them is sixteen queries, a page for each MB.
"""

import random
import sys
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from typing import Any

from haulier.jobs.quality import Day, Tally
from scripts.quality_picture import LAST, SEED, USUAL, jobs_of

DATASETS = 50


def records(jobs: int) -> Iterator[dict[str, Any]]:
    day, chance = Day.of(LAST, UTC), random.Random(SEED)
    feed = replace(USUAL["orders"], jobs=jobs // DATASETS)
    for at in range(DATASETS):
        yield from jobs_of(f"orders-{at:02d}", feed, day, chance)


def main() -> int:
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    day = Day.of(LAST, UTC)
    few = list(records(2000))
    started = time.perf_counter()
    tally = Tally(day)
    for _ in range(jobs // 2000):
        for item in few:
            tally.add(item)
    seconds = time.perf_counter() - started
    tracemalloc.start()
    tally = Tally(day)
    for item in records(jobs):
        tally.add(item)
    held = tracemalloc.get_traced_memory()[0] / (1 << 20)
    print(f"{tally.totals.jobs:,} jobs of {DATASETS} datasets: {seconds:.1f} s, {held:.1f} MiB held")
    return 0


if __name__ == "__main__":
    sys.exit(main())

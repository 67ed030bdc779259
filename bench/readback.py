"""What came out is kept and read back: rows and reject codes are counted in the outputs; nobody's word is taken."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq

from bench.child import Child, WayFailed
from bench.data.shelf import KINDS
from bench.endpoint import KEPT
from bench.figures import MIB
from bench.run import Bench


def read_back(bench: Bench, size: int) -> list[str]:
    """Every format once, `size` bytes in one stream, and CSV in chunks; returns what is wrong, a line each."""
    wrong: list[str] = []
    variants = [(kind, "jsonl", 0) for kind in KINDS] + [("orders.csv", "parquet", 0), ("orders.csv", "jsonl", MIB)]
    for kind, output, chunk_bytes in variants:
        recipe = bench.shelf.recipe(kind, size)
        bench.server.serve(recipe)
        bench.server.forget()
        job = replace(bench.job(recipe, output=output), bucket=KEPT, chunk_bytes=chunk_bytes)
        child = Child(job)
        try:
            answer = child.wait().answer
        except WayFailed as failed:
            wrong.append(f"read back: {failed}")
            continue
        finally:
            child.stop()
        rows, codes = counted([bench.server.kept(key) for key in answer.extra["keys"]])
        if (rows, codes) != (recipe.truth.good, recipe.truth.bad):
            wrong.append(
                f"read back: {kind} → {output}, chunks of {chunk_bytes}: {rows:,} rows and {codes} are there where it "
                f"should be {recipe.truth.good:,} and {recipe.truth.bad}"
            )
    bench.server.forget()
    return wrong


def counted(paths: list[Path]) -> tuple[int, dict[str, int]]:
    """Rows of the outputs, and reject codes with their numbers."""
    rows = 0
    codes: Counter[str] = Counter()
    for path in paths:
        if path.name.startswith("rejected!"):
            with path.open(encoding="utf-8") as lines:
                codes.update(json.loads(line)["code"] for line in lines)
        elif path.suffix == ".parquet":
            rows += pq.ParquetFile(path).metadata.num_rows
        else:
            with path.open(encoding="utf-8") as lines:
                rows += sum(1 for line in lines if isinstance(json.loads(line), dict))
    return rows, dict(codes)

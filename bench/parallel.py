"""What parallel work costs: a chunked job against the same bytes as files of their own; two processes against one."""

from dataclasses import replace

from bench.data.recipe import Recipe
from bench.data.shelf import repeated
from bench.job import Job
from bench.matrix import Series
from bench.run import Bench, Sizes

CHUNKED, FILES = "one job in chunks", "files of their own"
ONE, TWO = "one process", "two processes"


def chunks(bench: Bench, sizes: Sizes) -> list[Series]:
    """One process either way, with the worker's eight slots; guess, proof and redo are within the time."""
    part, count, whole = _inputs(bench, sizes)
    jobs = {
        CHUNKED: replace(bench.job(whole), chunk_bytes=sizes.chunk),
        FILES: replace(bench.job(part), files=count),
    }
    return bench.side_by_side("chunks", jobs, sizes.repeat)


def processes(bench: Bench, sizes: Sizes) -> list[Series]:
    """Each process has one parsing thread and one core to itself; two share a job's chunks, every other one each.

    With two, the endpoint has no core of its own: what it takes is missing.
    """
    _, _, whole = _inputs(bench, sizes)
    single = replace(bench.job(whole), chunk_bytes=sizes.chunk, slots=2, threads=1, core=0)
    count = -(-whole.size // sizes.chunk)
    pair = [replace(single, core=core, chunks=tuple(range(core, count, 2))) for core in (0, 1)]
    series = [Series.of("processes", ONE, single), Series.of("processes", TWO, single)]
    ways: list[list[Job]] = [[single], pair]
    for _ in range(sizes.repeat):
        for one, jobs in zip(series, ways, strict=True):
            measured = bench.once(one, jobs)
            one.runs += [measured] if measured is not None else []
    return [one for one in series if one.runs]


def _inputs(bench: Bench, sizes: Sizes) -> tuple[Recipe, int, Recipe]:
    """A file, how many of it make the size, and the object that holds as many times its rows."""
    part = bench.shelf.recipe("orders.csv", sizes.chunk)
    count = max(round(sizes.size / part.size), 1)
    return part, count, repeated(part, count)

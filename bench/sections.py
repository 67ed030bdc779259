"""All sections of a run, in order."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from bench import guesses
from bench.data import hostile
from bench.data.shelf import PIECE_BYTES, SEED
from bench.emulated import emulated
from bench.figures import MIB
from bench.machine import described
from bench.matrix import CASES, FLAT, Case, Series
from bench.parallel import chunks, processes
from bench.readback import read_back
from bench.results import Results
from bench.run import Bench, Sizes, chosen, wanted
from haulier.contracts.dataset import Dataset

_HOSTILE_BYTES = 8 * MIB


def run(bench: Bench, sizes: Sizes, only: Sequence[str], *, quick: bool) -> Results:
    """Everything that is wanted; what fails is noted, and the rest still runs."""
    began = time.monotonic()
    results = Results(described(), sizes, "quick" if quick else "records", failures=bench.failures)
    if wanted("readback", only):
        results.read_back = True
        bench.failures += read_back(bench, (4 if quick else 16) * MIB)
    for case in chosen(CASES, only, quick=quick):
        results.series += bench.case(case, sizes)
    for name, section in _SECTIONS.items():
        if wanted(name, only) and not (quick and not only and name in _SLOW):
            results.series += section(bench, sizes)
    for case in chosen(FLAT, only, quick=quick):
        results.series += _flat(bench, case, sizes)
    if wanted("guesses", only):
        results.guesses += _guesses(bench, quick=quick)
    results.seconds = time.monotonic() - began
    return results


def _flat(bench: Bench, case: Case, sizes: Sizes) -> list[Series]:
    """The case at both sizes, once: the peak of a long run is its own repetition."""
    both = [replace(sizes, size=size, repeat=1) for size in (sizes.size, sizes.flat)]
    return [series for one in both for series in bench.case(case, one)]


_SECTIONS: dict[str, Callable[[Bench, Sizes], list[Series]]] = {
    "chunks": chunks,
    "processes": processes,
    "emulator": emulated,
}
_SLOW = ("processes", "emulator")
NAMES = (*_SECTIONS, "guesses", "readback", *(case.name for case in (*CASES, *FLAT)))


def _guesses(bench: Bench, *, quick: bool) -> Iterator[guesses.Guessed]:
    for guessed in guesses.over(_files(bench, quick=quick), guesses.CHUNK_SIZES[: 1 if quick else None]):
        bench.say(f"guesses: {guessed.name}: {guessed.wrong} of {guessed.cuts} wrong at {guessed.chunk_bytes:,} bytes")
        yield guessed


def _files(bench: Bench, *, quick: bool) -> Iterator[tuple[str, bytes, Dataset]]:
    """Real files (each piece once) and hostile ones."""
    size = 8 * MIB if quick else PIECE_BYTES
    for kind in ("orders.csv", "lineitem.csv", "flights.csv"):
        recipe = bench.shelf.recipe(kind, size)
        data = b"".join((bench.shelf.root / segment.file).read_bytes() for segment in recipe.segments)
        yield kind.removesuffix(".csv"), data, Dataset.model_validate(recipe.dataset)
    for name, data in hostile.files(SEED, MIB if quick else _HOSTILE_BYTES):
        yield name, data, Dataset.model_validate({"name": "bench", "format": {"delimiter": ",", "type": "csv"}})

"""RESULTS.md, written by the bench itself: never edit it by hand."""

from collections.abc import Iterator

from bench.figures import GIB, MIB, Spread, number, ratio, table
from bench.matrix import CASES, FLAT, Series
from bench.results import Results
from bench.targets import targets
from bench.ways.registry import BLIND

_HEAD = ("", "MB/s", "x naive", "x fastest", "CPU s/GiB", "anon MiB", "RSS MiB", "bad rows caught")
_READING = """\
MB/s: 10⁶ bytes of input (decompressed) a second of work, without start-up and imports. CPU s/GiB: user and system of
the way's process, all threads, for 2³⁰ bytes. anon: greatest anonymous memory, sampled 20 times a second; RSS: the
kernel's own greatest. Each number is the median, its lowest and highest in brackets. Ways of a table were run in turn,
in one run; "x fastest" is the share of the fastest of them, whatever it catches. Bad rows caught: set aside with a
reason; the others of a way became nulls, were cut, filled, or dropped. Inputs repeat a seeded piece of 61 MiB (flights:
the file of 30 MiB); the naive way reads a quarter of its size after the first two tables, since its memory grows with
the number of columns, and its MB/s do not change with size."""
_GUESSING = """\
Where a chunk's first record starts is guessed from the bytes after its start and proven afterwards; a wrong guess costs
one more parse of that chunk, never a wrong result. Wrong of all cuts, by chunk size."""


def lines(results: Results) -> Iterator[str]:
    """The whole page."""
    yield from ("# Results", "", "<!-- Written by `python -m bench records`; do not edit. -->", "")
    yield from _where(results)
    yield from _targets(results)
    yield from ("## Side by side", "", _READING, "")
    for case in CASES:
        if found := results.of(case.name):
            yield from _case(case.title, found)
    yield from _flat(results)
    for case_name, title in (
        ("chunks", "A job in chunks against the same bytes as files"),
        ("processes", "Two worker processes against one (a thread and a core each)"),
        ("emulator", "The endpoint against the emulator"),
    ):
        if found := results.of(case_name):
            yield from _case(title, found)
            yield from _redone(found)
    yield from _guesses(results)
    yield from _failures(results)


def _where(results: Results) -> Iterator[str]:
    sizes = results.sizes
    yield (
        f"{sizes.size / GIB:.3g} GiB of input ({sizes.naive / MIB:.0f} MiB for the naive way), {sizes.repeat} "
        f"repetition(s), {results.seconds / 60:.0f} minutes in all. Absolute numbers are this"
        " machine's; trust the ratios."
    )
    yield ""
    yield from table(("", "machine and versions"), results.machine.items())
    yield ""


def _targets(results: Results) -> Iterator[str]:
    if found := targets(results):
        yield from ("## Targets", "", *table(("", "what", "wanted", "found", ""), (one.cells for one in found)), "")


def _case(title: str, found: list[Series]) -> Iterator[str]:
    naive = next((one.mb_per_s.median for one in found if one.label == "naive"), 0.0)
    # Ways that do different things have no fastest.
    fastest = max(one.mb_per_s.median for one in found) if found[0].label not in BLIND else 0.0
    yield from (f"### {title}", "")
    yield from table(_HEAD, (_row(one, naive, fastest) for one in found))
    yield ""


def _row(one: Series, naive: float, fastest: float) -> tuple[str, ...]:
    speed = one.mb_per_s
    against = number(ratio(speed.median, naive)) if naive else ""
    caught = f"{one.caught:,} of {one.bad:,}" if one.bad else "none there"
    memory = _cell(one.anon_mib), _cell(one.rss_mib)
    bound = number(ratio(speed.median, fastest)) if fastest else ""
    return one.label, _cell(speed), against, bound, _cell(one.cpu_per_gib), *memory, caught


def _cell(value: Spread) -> str:
    if value.count == 1:
        return number(value.median)
    return f"{number(value.median)} [{number(value.low)}-{number(value.high)}]"


def _flat(results: Results) -> Iterator[str]:
    cases = [(case, results.of(case.name)) for case in FLAT]
    if not any(found for _, found in cases):
        return
    yield from ("## Memory at two sizes", "", "Haulier, one stream; peak anonymous memory.", "")
    rows = []
    for case, found in cases:
        for one in found:
            cells = (_cell(one.mb_per_s), _cell(one.anon_mib), _cell(one.rss_mib))
            rows.append((f"{case.title}, {one.read_bytes / GIB:.3g} GiB", *cells))
    yield from table(("", "MB/s", "anon MiB", "RSS MiB"), rows)
    yield ""


def _redone(found: list[Series]) -> Iterator[str]:
    redone = [int(run.answer.extra.get("redone", 0)) for one in found for run in one.runs]
    if any(redone):
        yield from (f"Chunks the proof wanted parsed again: {sum(redone)} in {len(redone)} runs.", "")


def _guesses(results: Results) -> Iterator[str]:
    if not results.guesses:
        return
    yield from ("## How often a chunk's guess is wrong", "", _GUESSING, "")
    sizes = sorted({one.chunk_bytes for one in results.guesses})
    rows: dict[str, dict[int, str]] = {}
    for one in results.guesses:
        cell = f"{one.wrong:,} of {one.cuts:,}" if one.cuts else "no cut owns a record"
        rows.setdefault(one.name, {})[one.chunk_bytes] = cell
    head = ("", *(f"{size / MIB:.3g} MiB" for size in sizes))
    yield from table(head, ((name, *(cells.get(size, "") for size in sizes)) for name, cells in rows.items()))
    yield ""


def _failures(results: Results) -> Iterator[str]:
    if results.read_back:
        yield (
            "Every format's output was kept once (a small input) and read back: rows and reject codes were counted in "
            f"the objects themselves. {'All agree with the generator.' if not results.failures else 'See below.'}"
        )
        yield ""
    if results.failures:
        yield from ("## What failed", "", *(f"- {failure}" for failure in results.failures), "")

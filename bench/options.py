"""The command line: `python -m bench records | compare | clean`."""

import argparse
import shutil
import sys
from pathlib import Path

from bench import baselines, sections
from bench.child import main as run_way
from bench.data.shelf import MARK, Shelf
from bench.endpoint import main as run_endpoint
from bench.figures import GIB, MIB
from bench.job import Job
from bench.report import lines
from bench.results import Results
from bench.run import Bench, Sizes
from bench.server import Server
from bench.targets import targets

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / ".cache" / "bench"
RESULTS = Path(__file__).parent / "RESULTS.md"


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m bench", description="Measures Haulier beside other ways.")
    commands = made.add_subparsers(dest="command", required=True, metavar="{records,compare,clean}")
    names = ", ".join(sections.NAMES)
    records = commands.add_parser("records", help="the record path against the naive way and the best engines")
    records.add_argument(
        "--quick", action="store_true", help="64 MiB, once, fewer cases; writes neither page nor baseline"
    )
    records.add_argument("--only", default="", metavar="NAMES", help=f"by beginning, comma-separated: {names}")
    records.add_argument("--gib", type=float, default=1.0, help="input of the comparisons (default 1)")
    records.add_argument("--flat-gib", type=float, default=10.0, help="second size for memory (default 10)")
    records.add_argument("--naive-mib", type=float, default=256.0, help="input of the naive way (default 256)")
    records.add_argument("--repeat", type=int, default=3, help="runs of each way (default 3)")
    records.add_argument("--save", action="store_true", help="keep a quick run's numbers as the quick baseline")
    compare = commands.add_parser("compare", help="the last run against the baseline")
    compare.add_argument("--baseline", type=Path, help="a file; the one of the last run's kind if not said")
    clean = commands.add_parser("clean", help="remove all data")
    for command in (records, compare, clean):
        command.add_argument("--data", type=Path, default=DATA, help="where data lies (default .cache/bench)")
    commands.add_parser("way").add_argument("job")
    endpoint = commands.add_parser("endpoint")
    endpoint.add_argument("root", type=Path)
    endpoint.add_argument("work", type=Path)
    return made


def main(arguments: list[str]) -> int:
    """Returns the exit code: 1 if a way failed or gave a wrong answer; a missed target is no failure."""
    options = parser().parse_args(arguments)
    match options.command:
        case "way":
            return run_way(Job.from_json(options.job))
        case "endpoint":
            return run_endpoint(options.root, options.work)
        case "compare":
            return _compare(options)
        case "clean":
            return _clean(options.data)
        case _:
            return _records(options)


def _records(options: argparse.Namespace) -> int:
    quick: bool = options.quick
    sizes = Sizes(
        size=64 * MIB if quick else int(options.gib * GIB),
        naive=16 * MIB if quick else int(options.naive_mib * MIB),
        flat=int(options.flat_gib * GIB),
        chunk=8 * MIB if quick else 64 * MIB,
        repeat=1 if quick else options.repeat,
    )
    only = [name for name in options.only.split(",") if name]
    shelf = Shelf(options.data.resolve(), ROOT / ".cache" / "demo")
    with Server(shelf.root) as server:
        results = sections.run(Bench(shelf, server, _say), sizes, only, quick=quick)
    _keep(results, shelf.root, save=not only and (options.save or not quick))
    for target in targets(results):
        _say("  ".join(target.cells))
    for failure in results.failures:
        print(failure, file=sys.stderr)
    return 1 if results.failures else 0


def _clean(data: Path) -> int:
    if not data.exists():
        return 0
    if not (data / MARK).exists():
        print(f"{data} is not a data directory of the bench; nothing is removed", file=sys.stderr)
        return 1
    shutil.rmtree(data)
    return 0


def _keep(results: Results, data: Path, *, save: bool) -> None:
    """The last run's page and numbers; of a full run they become the repository's."""
    page = "\n".join(lines(results)).rstrip() + "\n"
    (data / "last.md").write_text(page, encoding="utf-8")
    baselines.save(results.numbers(), data / "last.json")
    if save:
        baselines.save(results.numbers(), baselines.path_of(results.kind))
    if save and results.kind == "records":
        RESULTS.write_text(page, encoding="utf-8")


def _compare(options: argparse.Namespace) -> int:
    last = baselines.load(options.data / "last.json")
    for line in baselines.compared(last, baselines.load(options.baseline or baselines.path_of(last["kind"]))):
        _say(line)
    return 0


def _say(line: str) -> None:
    print(line, flush=True)

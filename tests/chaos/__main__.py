"""`python -m tests.chaos [--seconds N] [--seed N] [--workers N]`: exit code 1 if anything was lost, twice or hung."""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

from haulier import local
from haulier.client import connect
from haulier.local.clone import repository
from haulier.local.home import HOME_VARIABLE, Home
from haulier.local.recording import RECORD_CALLS
from haulier.local.workers import worker_environment
from tests.chaos.cargo import DATASETS
from tests.chaos.driver import Driver
from tests.chaos.evidence import gather, keep, keep_logs, read_logs
from tests.chaos.meddling import Meddling
from tests.chaos.pool import Pool
from tests.chaos.proxy import Proxy
from tests.chaos.quiet import settle
from tests.chaos.report import Run, as_text, write_docs
from tests.chaos.schedule import plan
from tests.chaos.stack import Stack
from tests.chaos.verdict import judge

QUIET_SECONDS = 900
"""The janitor leaves an ended job alone for two minutes before it cleans, and comes once a minute."""

WARM_UP_SECONDS = 120


def main(arguments: list[str]) -> int:
    options = _options(arguments)
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1_000_000)
    directory = (options.directory or repository() / ".cache" / "chaos" / f"seed-{seed}").resolve()
    command = f"make chaos SECONDS={options.seconds} SEED={seed} WORKERS={options.workers}"
    _say(f"seed {seed}; again with: {command}")
    for name in [name for name in os.environ if name.startswith(("AWS_", "HAULIER_")) and name != RECORD_CALLS]:
        del os.environ[name]
    home = directory / "home"
    os.environ[HOME_VARIABLE] = str(home)
    # What an earlier run with this seed left, if it was killed.
    local.down(log=_say)
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        run = _run(seed, options.seconds, options.workers, directory)
    finally:
        keep_logs(directory, home)
        local.down(log=_say)
    _say(as_text(run.rows()))
    if run.verdict.violations:
        for violation in run.verdict.violations:
            _say(f"VIOLATED: {violation}")
        (directory / "violations.txt").write_text("\n".join([command, *run.verdict.violations, ""]))
        _say(f"the evidence is in {directory}; again with: {command}")
        return 1
    if options.write_docs:
        write_docs(repository() / "docs" / "failure-modes.md", run.rows(), command)
    if not options.keep:
        shutil.rmtree(directory)
    return 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seconds", type=int, default=120, help="how long faults and files go on")
    parser.add_argument("--seed", type=int, help="decides the schedule; drawn and printed if not given")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--directory", type=Path, help="where state and evidence go")
    parser.add_argument("--keep", action="store_true", help="keep the evidence of a good run, too")
    parser.add_argument("--write-docs", action="store_true", help="put the table into docs/failure-modes.md")
    return parser.parse_args(arguments)


def _run(seed: int, seconds: float, workers: int, directory: Path) -> Run:
    schedule = plan(seed, seconds, workers)
    (directory / "schedule.json").write_text(json.dumps(schedule.as_json(), indent=1))
    info = local.up(workers=0, log=_say, environment="chaos")
    home, stack, client = Home.find(repository()), Stack(info), connect("chaos", environ=info.client_environment())
    for name, text in DATASETS.items():
        stack.put(f"config/datasets/{name}.yaml", text.encode())
    logs = directory / "logs"
    logs.mkdir()
    with contextlib.ExitStack() as opened:
        proxy = opened.enter_context(Proxy(info.endpoint_url, workers, schedule, directory / "calls.jsonl"))
        environment = worker_environment(info, home) | stack.worker_keys()
        environments = [
            {name: value.replace(info.endpoint_url, url) for name, value in environment.items()}
            for url in proxy.endpoint_urls
        ]
        pool = Pool(environments, logs, schedule.first)
        opened.callback(pool.destroy)
        meddling = Meddling(stack, client, proxy, schedule)
        driver = Driver(schedule, pool, meddling, proxy, directory / "timeline.jsonl")
        pool.wait_until_ready()
        _warm_up(stack, meddling)
        _say(f"{seconds:g} s of faults: {len(schedule.acts)} acts, {len(schedule.storms)} storms")
        proxy.begin()
        driver.play()
        proxy.calm()
        pool.calm()
        _say("calm; waiting until all is over")
        quiet = settle(stack, pool, seconds=QUIET_SECONDS, log=_say)
        pool.close()
        events, problems = read_logs(logs)
        evidence = gather(stack, pool, meddling, problems)
        verdict = judge(evidence)
        keep(evidence, directory)
    return Run(
        seed=seed,
        workers=workers,
        chaos_seconds=seconds,
        quiet_seconds=quiet,
        blows=pool.done,
        meddling=meddling.done,
        faults=proxy.faults,
        calls=sum(proxy.calls.values()),
        events=events,
        failed_acts=len(driver.failed_acts),
        verdict=verdict,
    )


def _warm_up(stack: Stack, meddling: Meddling) -> None:
    """One file of each way, before the schedule begins: the functions' first calls take seconds."""
    for kind in ("small", "cut"):
        meddling.put(kind)
    deadline = time.monotonic() + WARM_UP_SECONDS
    while sum(item.get("status") == "SUCCEEDED" for item in stack.items()) < 2:
        if time.monotonic() > deadline:
            raise TimeoutError(f"two files are not processed after {WARM_UP_SECONDS} s, though nothing is wrong yet")
        time.sleep(0.2)


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

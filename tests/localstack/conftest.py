"""The stacks, deployed once for the whole run into the LocalStack that HAULIER_LOCALSTACK_URL names."""

import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from haulier import local
from haulier.contracts.names import Names
from haulier.local.clone import repository
from haulier.local.deployment import deploy
from haulier.local.home import Home, take_lock
from haulier.local.identity import adopt_worker_role
from haulier.local.stack import ACCOUNT, REGION, StackInfo
from haulier.local.synthesis import synthesis_environment
from haulier.local.workers import Workers, worker_environment
from tests.stack.conftest import Stack, name

__all__ = ["name"]

URL = "HAULIER_LOCALSTACK_URL"
HERE = Path(__file__).parent
LAST = "test_nothing_is_left.py"
PROCESSORS = {"x86_64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}
SETTINGS = {
    # Functions run in containers of the AWS runtime, for the machine's own processor.
    "HAULIER_LAMBDA_PLATFORM": PROCESSORS[os.uname().machine],
    # The embedded emulator refuses alarms of several metrics; LocalStack takes them.
    "HAULIER_ALARM_METRIC_MATH": "true",
    # LocalStack checks no signature, and tells the function nobody's name.
    "HAULIER_API_CHECKS_CALLERS": "false",
}

# Without an address there is nothing to collect: these tests are asked for, never skipped.
collect_ignore_glob = [] if os.environ.get(URL) else ["test_*.py"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"localstack: needs the LocalStack that {URL} names")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.localstack)
            item.add_marker(pytest.mark.timeout(600))
    items.sort(key=lambda item: HERE in item.path.parents and item.path.name == LAST)


def synthesise(home: Home, environment: str) -> None:
    """The app with the settings of a laptop, and those that LocalStack needs."""
    subprocess.run(
        [sys.executable, "-m", "infra.app"],
        cwd=repository(),
        env=synthesis_environment(home, environment) | SETTINGS,
        check=True,
    )


@contextmanager
def kept_running(pool: Workers) -> Iterator[None]:
    """Starts a worker again when it dies, as the embedded stack's supervisor does."""
    over = threading.Event()

    def keep() -> None:
        while not over.wait(1):
            pool.tick(time.monotonic(), None)

    thread = threading.Thread(target=keep)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """An environment of its own in each run, so that a LocalStack may be used again."""
    url = os.environ.get(URL, "").rstrip("/")
    assert url, f"{URL} names no LocalStack"
    environment = f"ls{uuid.uuid4().hex[:6]}"
    names = Names(environment)
    home = Home(tmp_path_factory.mktemp("localstack"))
    home.prepare()
    info = StackInfo(
        endpoint_url=url,
        region=REGION,
        environment=environment,
        account=ACCOUNT,
        pid=os.getpid(),
        directory=str(home.root),
        input_bucket=names.input_bucket(ACCOUNT, REGION),
        output_bucket=names.output_bucket(ACCOUNT, REGION),
    )
    lock = take_lock(home.lock)
    assert lock is not None
    with pytest.MonkeyPatch.context() as patch:
        for variable in [variable for variable in os.environ if variable.startswith("AWS_")]:
            patch.delenv(variable)
        synthesise(home, environment)
        for line in deploy(home.assembly, endpoint_url=url):
            print(line)
        adopt_worker_role(home, info)
        with Workers(home, most=2, environment=worker_environment(info, home), lock=lock) as pool:
            pool.wait_until_ready()
            # Tests that stop a worker ask the embedded stack for its processes.
            patch.setattr(local, "info", lambda: pool.described_in(info))
            with kept_running(pool):
                yield Stack(info, home.root / "no call is recorded")
    os.close(lock)

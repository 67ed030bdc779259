import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from haulier.local.emulator import Emulator
from haulier.local.home import Home
from haulier.local.stack import ACCESS_KEY, SECRET_KEY
from tests.ports.services import REGION, Fakes, Services, at_server

ENDPOINT = "HAULIER_PORTS_ENDPOINT"
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents and "fakes" not in item.name:
            item.add_marker(pytest.mark.stack)


@pytest.fixture(scope="session")
def emulator_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An emulator of its own, without stacks."""
    home = Home(tmp_path_factory.mktemp("emulator"))
    for folder in (home.logs, home.objects, home.temporary):
        folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(home.root / "lock", os.O_CREAT | os.O_RDWR)
    with Emulator(home, lock=lock) as emulator:
        yield emulator.endpoint_url
    os.close(lock)


@pytest.fixture(params=["fakes", "emulator", *(["endpoint"] if os.environ.get(ENDPOINT) else [])])
async def services(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Services]:
    if request.param == "fakes":
        fakes = Fakes()
        yield fakes
        fakes.close()
        return
    url = os.environ[ENDPOINT] if request.param == "endpoint" else request.getfixturevalue("emulator_url")
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    monkeypatch.setenv("AWS_REGION", REGION)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    if request.param == "emulator":
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    async with at_server(request.param, url) as server:
        yield server

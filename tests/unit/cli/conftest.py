import json
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from haulier.cli import invocation
from haulier.cli.app import app
from tests.unit.client.fakes import Stack


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A stack in memory that every command finds, and no embedded one."""
    made = Stack()
    monkeypatch.setattr(invocation, "running_stack", lambda _: None)
    monkeypatch.setattr(invocation, "reach", lambda *_, **__: made.connection)
    return made


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.delenv("HAULIER_DEBUG", raising=False)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, list(arguments), input=stdin)

    return call


def rows(result: Result) -> list[dict[str, Any]]:
    """The JSON lines a command wrote to stdout."""
    return [json.loads(line) for line in result.stdout.splitlines()]

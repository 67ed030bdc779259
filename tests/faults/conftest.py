"""The world a fault strikes, and what must hold after every test whatever happened in it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.fakes.world import World


@pytest.fixture
async def world() -> AsyncIterator[World]:
    before = asyncio.all_tasks()
    made = World()
    yield made
    made.close()
    left = [task for task in asyncio.all_tasks() - before if task is not asyncio.current_task() and not task.done()]
    assert not left, f"tasks are left behind: {left}"

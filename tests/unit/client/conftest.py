import pytest

from tests.unit.client.fakes import Stack


@pytest.fixture
def stack() -> Stack:
    return Stack()

"""The allocator is told to keep memory, once, and nothing breaks where it cannot be told."""

import ctypes

import pytest

from worker import memory


class Recording:
    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def mallopt(self, number: int, value: int) -> int:
        self.asked.append((number, value))
        return 1


def test_memory_is_kept_when_the_environment_says_nothing(monkeypatch):
    library = Recording()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    for name in ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_ARENA_MAX"):
        monkeypatch.delenv(name, raising=False)
    assert memory.keep_memory()
    assert library.asked == [(-3, 32 << 20), (-1, 256 << 20), (-8, 2)]


def test_what_the_environment_says_stands_when_memory_is_kept(monkeypatch):
    library = Recording()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", "1")
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1")
    monkeypatch.setenv("MALLOC_ARENA_MAX", "1")
    assert memory.keep_memory()
    assert library.asked == []


@pytest.mark.parametrize("library", [object()])
def test_nothing_happens_when_the_c_library_has_no_mallopt(monkeypatch, library):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    assert not memory.keep_memory()

"""The allocator is told to keep memory, once, and nothing breaks where it cannot be told."""

import ctypes
import os
import subprocess
import sys

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
    assert library.asked == [(-3, 32 << 20), (-1, 256 << 20), (-8, 1)]


def test_what_the_environment_says_stands_when_memory_is_kept(monkeypatch):
    library = Recording()
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", "1")
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1")
    monkeypatch.setenv("MALLOC_ARENA_MAX", "1")
    assert memory.keep_memory()
    assert library.asked == []


def test_polars_allocator_is_told_before_polars_is_there_when_the_worker_is_imported():
    script = "import os, sys, worker; print(os.environ['_RJEM_MALLOC_CONF'], 'polars' in sys.modules)"
    environment = {name: value for name, value in os.environ.items() if name != "_RJEM_MALLOC_CONF"}
    told = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["narenas:1,dirty_decay_ms:5000,muzzy_decay_ms:5000", "False"]


def test_what_the_environment_says_of_polars_stands_when_memory_is_kept(monkeypatch):
    monkeypatch.setenv("_RJEM_MALLOC_CONF", "narenas:4")
    memory.keep_polars_memory()
    assert os.environ["_RJEM_MALLOC_CONF"] == "narenas:4"


@pytest.mark.parametrize("library", [object()])
def test_nothing_happens_when_the_c_library_has_no_mallopt(monkeypatch, library):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    assert not memory.keep_memory()

import os
import threading
import time
from contextlib import asynccontextmanager

from tests.fakes.clock import ManualClock
from tests.fakes.world import World
from worker import __main__ as entry
from worker.runtime.health import STALE_SECONDS, Health, is_healthy, told
from worker.runtime.pulse import Pulse
from worker.settings import Settings


def test_the_mark_is_written_when_the_loop_turns(tmp_path):
    health = Health(tmp_path / "mark", ManualClock())
    assert not is_healthy(tmp_path / "mark")
    health.mark()
    assert is_healthy(tmp_path / "mark")
    health.clear()
    assert not is_healthy(tmp_path / "mark")


def test_the_mark_is_not_written_when_the_loop_hangs(tmp_path):
    clock = ManualClock()
    health = Health(tmp_path / "mark", clock)
    clock.turn(STALE_SECONDS + 1)
    health.mark()
    assert not (tmp_path / "mark").exists()
    health.turned()
    health.mark()
    assert (tmp_path / "mark").exists()


def test_the_keeper_goes_on_when_the_mark_cannot_be_written(tmp_path):
    health = Health(tmp_path / "no such directory" / "mark", ManualClock())
    health.mark()
    (tmp_path / "no such directory").mkdir()
    health.mark()
    assert is_healthy(tmp_path / "no such directory" / "mark")


def aged(path, seconds):
    """Makes the mark so old."""
    then = time.time() - seconds
    os.utime(path, (then, then))


async def test_the_check_fails_when_the_keeper_hangs(tmp_path):
    """Only the keeper's thread writes the mark: while it hangs, the mark grows old however well the loop turns."""
    world, mark = World(), tmp_path / "mark"
    health = Health(mark, world.clock)
    ticked, go_on = threading.Event(), threading.Event()

    def tick() -> None:
        health.mark()
        ticked.set()
        assert go_on.wait(10)

    worker = world.worker()

    @asynccontextmanager
    async def opened():
        yield worker.ports

    with Pulse(worker.keeper, opened, world.clock, on_tick=tick, on_death=lambda: None):
        assert ticked.wait(10)
        assert is_healthy(mark)
        aged(mark, STALE_SECONDS + 1)
        for _ in range(100):
            world.clock.turn(1)
            health.turned()
        assert not is_healthy(mark)
        go_on.set()
    world.close()


def test_the_mark_says_what_the_worker_waits_for_and_the_worker_is_well(tmp_path):
    mark, clock = tmp_path / "mark", ManualClock()
    health = Health(mark, clock)
    health.mark()
    assert told(mark) == "well"
    health.turned(["s3", "sqs"])
    clock.turn(10)
    health.mark()
    assert told(mark) == "waits for s3, sqs"
    assert is_healthy(mark)


def test_the_check_says_what_it_found_and_its_exit_code_is_the_answer(tmp_path, monkeypatch, capsys):
    mark = tmp_path / "mark"
    monkeypatch.setattr(entry, "read_settings", lambda: Settings.model_construct(health_file=str(mark)))
    assert entry.main(["health"]) == 1
    mark.write_text("well\n")
    assert entry.main(["health"]) == 0
    aged(mark, STALE_SECONDS + 1)
    assert entry.main(["health"]) == 1
    assert capsys.readouterr().out.split("\n") == ["there is no mark", "well", "well", ""]

from tests.fakes.clock import ManualClock
from worker.runtime.health import STALE_SECONDS, Health, is_healthy


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

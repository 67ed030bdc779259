import pytest

from tests.fakes.clock import ManualClock
from worker.progress import STALL_SECONDS, Progress, Step


@pytest.mark.parametrize("step", list(Step))
def test_a_stage_is_stalled_when_it_has_not_moved_for_longer_than_its_limit(step):
    clock = ManualClock()
    progress = Progress(clock.monotonic)
    with progress.doing(step) as activity:
        clock.turn(STALL_SECONDS[step])
        assert progress.stalled() is None
        activity.moved()
        clock.turn(STALL_SECONDS[step])
        assert progress.stalled() is None
        clock.turn(0.001)
        assert progress.stalled() is step
    assert progress.stalled() is None


def test_nothing_is_stalled_when_nothing_is_waited_for():
    clock = ManualClock()
    progress = Progress(clock.monotonic)
    clock.turn(10**6)
    assert progress.stalled() is None

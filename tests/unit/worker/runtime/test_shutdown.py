import asyncio
import os
import signal

import pytest

from worker.runtime.shutdown import ExitCode, StopRequest


async def test_the_worker_is_asked_to_stop_when_a_signal_comes_and_hurried_by_a_second():
    with StopRequest() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(stop.requested.wait(), 10)
        assert not stop.hurry.is_set()
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.wait_for(stop.hurry.wait(), 10)
    assert stop.code is ExitCode.STOPPED


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_the_handlers_are_as_they_were_when_the_worker_is_left(number):
    before = signal.getsignal(number)
    with StopRequest():
        assert signal.getsignal(number) is not before
    assert signal.getsignal(number) is before


async def test_nothing_is_finished_without_leases_when_the_keeper_died():
    stop = StopRequest()
    stop.ask(ExitCode.DUTY_DIED, "test")
    assert stop.hurry.is_set()

"""Step Functions' task tokens, as the runtime relies on them."""

from haulier.contracts.events import JobError
from haulier.contracts.reject import Stage
from tests.ports.services import HEARTBEATS, Services

_ERROR = JobError(stage=Stage.READ, code="source_gone", message="it is gone")
_NOTICED_SECONDS = 2
"""The emulator forgets a token when its execution goes on, a moment after the answer; until then it takes another."""


async def test_a_token_takes_one_answer_when_it_succeeds(services: Services) -> None:
    token = await services.token(300)
    assert await services.tokens.heartbeat(token)
    assert await services.tokens.success(token)
    await services.passes(_NOTICED_SECONDS)
    assert not await services.tokens.success(token)
    assert not await services.tokens.heartbeat(token)


async def test_a_token_takes_one_answer_when_it_fails(services: Services) -> None:
    token = await services.token(300)
    assert await services.tokens.failure(token, _ERROR)
    await services.passes(_NOTICED_SECONDS)
    assert not await services.tokens.success(token)


async def test_nobody_waits_for_a_token_when_there_is_no_such_one(services: Services) -> None:
    assert not await services.tokens.success("nobody-gave-this-token")
    assert not await services.tokens.heartbeat("nobody-gave-this-token")


async def test_a_token_dies_when_it_is_silent_for_too_long(services: Services) -> None:
    token = await services.token(2)
    await services.passes(5)
    assert await services.tokens.heartbeat(token) is not services.enforces(HEARTBEATS)

"""SQS, as the runtime relies on it."""

from tests.ports.services import Services


async def _receive(services: Services, *, wait_seconds: int = 1, visibility_seconds: int = 30):
    return await services.queue.receive(10, wait_seconds=wait_seconds, visibility_seconds=visibility_seconds)


async def test_a_message_is_as_it_was_sent_when_it_is_received(services: Services) -> None:
    await services.send('{"a": "é"}')
    (received,) = await _receive(services)
    assert (received.body, received.receives, received.group) == ('{"a": "é"}', 1, "group")


async def test_a_message_is_hidden_when_it_was_received(services: Services) -> None:
    await services.send("x")
    assert len(await _receive(services)) == 1
    assert not await _receive(services, wait_seconds=0)


async def test_a_message_comes_back_when_its_visibility_has_passed(services: Services) -> None:
    await services.send("x")
    (first,) = await _receive(services, visibility_seconds=1)
    await services.passes(1.5)
    (again,) = await _receive(services)
    assert (again.message_id, again.receives) == (first.message_id, 2)


async def test_a_message_stays_hidden_when_its_visibility_is_renewed(services: Services) -> None:
    await services.send("x")
    (received,) = await _receive(services, visibility_seconds=1)
    assert await services.queue.show_after(received.receipt, 60)
    await services.passes(1.5)
    assert not await _receive(services, wait_seconds=0)


async def test_a_message_is_there_at_once_when_it_is_given_back(services: Services) -> None:
    await services.send("x")
    (received,) = await _receive(services)
    assert await services.queue.show_after(received.receipt, 0)
    assert [message.receives for message in await _receive(services)] == [2]


async def test_many_are_renewed_in_one_call_and_the_dead_are_told(services: Services) -> None:
    for body in ("x", "y"):
        await services.send(body)
    received = [*await _receive(services)]
    received += await _receive(services, wait_seconds=0) if len(received) < 2 else []
    assert await services.queue.delete(received[0].receipt)
    found = await services.queue.show_all_after([one.receipt for one in received], 30)
    assert list(found) == [False, True]


async def test_a_message_is_gone_when_it_is_deleted_and_its_receipt_dead(services: Services) -> None:
    await services.send("x")
    (received,) = await _receive(services)
    assert await services.queue.delete(received.receipt)
    assert not await services.queue.show_after(received.receipt, 0)
    assert not await _receive(services, wait_seconds=0)

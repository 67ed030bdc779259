"""DynamoDB, as `haulier.jobs` relies on it: conditions, what a refusal tells, transactions."""

from typing import Any

import pytest

from haulier.jobs.attributes import encode_item
from haulier.jobs.calls import Call, ConditionFailed, TransactionFailed, drive_async
from haulier.jobs.items import key_of
from haulier.jobs.writes import get_chunks, update
from tests.ports.services import Services, get_item

JOB = "j" + "a" * 26


async def test_an_update_makes_the_item_when_there_is_none(services: Services) -> None:
    await services.perform(update(services.table, JOB, "job", sets={"run": 1, "note": "é"}))
    assert await get_item(services, key_of(JOB, "job")) == encode_item(
        {"job_id": JOB, "sk": "job", "run": 1, "note": "é"}
    )


async def test_a_refusal_brings_the_item_that_is_there_when_a_condition_fails(services: Services) -> None:
    await services.perform(update(services.table, JOB, "job", sets={"run": 2}))
    call = update(
        services.table, JOB, "job", sets={"run": 1}, condition="#run = :one", names={"#run": "run"}, values={":one": 1}
    )
    with pytest.raises(ConditionFailed) as refused:
        await services.perform(call)
    assert refused.value.item == encode_item({"job_id": JOB, "sk": "job", "run": 2})


async def test_a_refusal_brings_no_item_when_there_is_none(services: Services) -> None:
    call = update(services.table, JOB, "job", sets={"run": 1}, condition="attribute_exists(sk)")
    with pytest.raises(ConditionFailed) as refused:
        await services.perform(call)
    assert refused.value.item is None


async def test_a_transaction_writes_all_or_nothing_and_says_whose_condition_failed(services: Services) -> None:
    def put(sk: str) -> dict[str, Any]:
        item = encode_item({"job_id": JOB, "sk": sk})
        return {"Put": {"TableName": services.table, "Item": item, "ConditionExpression": "attribute_not_exists(sk)"}}

    async def write(*sks: str) -> None:
        await services.perform(Call("dynamodb", "transact_write_items", {"TransactItems": [put(sk) for sk in sks]}))

    await write("one", "two")
    with pytest.raises(TransactionFailed) as refused:
        await write("three", "two")
    assert [reason and reason.startswith("Conditional") for reason in refused.value.reasons] == [None, True]
    assert await get_item(services, key_of(JOB, "three")) is None


async def test_chunks_are_read_in_their_order_when_there_are_many(services: Services) -> None:
    for chunk in (2, 0, 11, 1):
        await services.perform(update(services.table, JOB, f"r0001#c{chunk:05d}#0", sets={"attempts": chunk + 1}))
    found = await drive_async(get_chunks(services.table, JOB, 1), services.perform)
    assert [(item.chunk, item.attempts) for item in found] == [(0, 1), (1, 2), (2, 3), (11, 12)]

"""DynamoDB, one table, as far as `haulier.jobs` uses it: conditional updates, transactions, batch reads, queries."""

from datetime import UTC, datetime
from typing import Any

from haulier.jobs.calls import ConditionFailed, TransactionFailed
from tests.fakes.expressions import Condition, Item, apply_update

Key = tuple[str, str]


class FakeTable:
    def __init__(self) -> None:
        self.items: dict[Key, Item] = {}
        self.made = datetime(2026, 1, 1, tzinfo=UTC)

    def perform(self, operation: str, params: dict[str, Any]) -> Any:
        return getattr(self, f"_{operation}")(params)

    def _describe_table(self, _: dict[str, Any]) -> Any:
        return {"Table": {"CreationDateTime": self.made}}

    def _get_item(self, params: dict[str, Any]) -> Any:
        item = self.items.get(_key(params["Key"]))
        return {"Item": dict(item)} if item else {}

    def _batch_get_item(self, params: dict[str, Any]) -> Any:
        ((table, wanted),) = params["RequestItems"].items()
        found = [self.items[_key(key)] for key in wanted["Keys"] if _key(key) in self.items]
        return {"Responses": {table: [dict(item) for item in found]}}

    def _query(self, params: dict[str, Any]) -> Any:
        text, values = params["KeyConditionExpression"], params["ExpressionAttributeValues"]
        found = [dict(item) for _, item in sorted(self.items.items()) if Condition(text, {}, values, item).holds()]
        return {"Items": found}

    def _put_item(self, params: dict[str, Any]) -> Any:
        self._check(params, _key(params["Item"]))
        self.items[_key(params["Item"])] = dict(params["Item"])
        return {}

    def _update_item(self, params: dict[str, Any]) -> Any:
        key = _key(params["Key"])
        self._check(params, key)
        item = apply_update(
            params["UpdateExpression"],
            params.get("ExpressionAttributeNames", {}),
            params.get("ExpressionAttributeValues", {}),
            self.items.get(key, dict(params["Key"])),
        )
        self.items[key] = item
        return {"Attributes": dict(item)} if params.get("ReturnValues") == "ALL_NEW" else {}

    def _transact_write_items(self, params: dict[str, Any]) -> Any:
        writes = [next(iter(entry.items())) for entry in params["TransactItems"]]
        reasons = [
            None if self._holds(write, _written(verb, write)) else "ConditionalCheckFailed" for verb, write in writes
        ]
        if any(reasons):
            raise TransactionFailed(reasons)
        for verb, write in writes:
            self._put_item(write) if verb == "Put" else self._update_item(write)
        return {}

    def _holds(self, params: dict[str, Any], key: Key) -> bool:
        text = params.get("ConditionExpression")
        names, values = params.get("ExpressionAttributeNames", {}), params.get("ExpressionAttributeValues", {})
        return not text or Condition(text, names, values, self.items.get(key, {})).holds()

    def _check(self, params: dict[str, Any], key: Key) -> None:
        if not self._holds(params, key):
            wanted = params.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
            item = self.items.get(key)
            raise ConditionFailed(dict(item) if wanted and item else None)


def _key(item: Item) -> Key:
    return item["job_id"]["S"], item["sk"]["S"]


def _written(verb: str, params: dict[str, Any]) -> Key:
    return _key(params["Item"] if verb == "Put" else params["Key"])

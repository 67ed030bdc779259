"""One request, one job, however often it is sent: what a caller's `Idempotency-Key` stands for.

An item of its own (partition `idem#…`) holds the hash of the body the key came with first and the job that follows from
it, and is written before the job is. Killed between the two writes, the request has a key and no job: whoever sends it
again finds the item, is given the same id and writes the job. Killed after both, the job is ACCEPTED, and the same
request hands it over, or the janitor does.

The item lives as long as a job's record does. The key is also part of the job's cause, so that a key that is used again
after that still finds the job of the same object, if there is one.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from haulier.contracts.limits import JOB_TTL_SECONDS
from haulier.jobs.attributes import decode_item, encode_item
from haulier.jobs.calls import Call, ConditionFailed, Steps
from haulier.jobs.items import key_of

KEY_SK = "key"
_SESSION = re.compile(r"^(arn:[^:]*:sts::\d*:assumed-role/[^/]+)/.*$", re.DOTALL)


class KeyTaken(Exception):
    """The caller has used this key with another body."""


def caller_of(user_arn: str) -> str:
    """Who a caller is, whichever of its sessions signs: a role is one caller, a user is one caller.

    A request that is sent again often comes from another session of the same role (the next task, the next invocation),
    so the session's name does not count. Users who share a role, as those of one permission set of IAM Identity Center
    do, share their keys: each must choose keys nobody else does, a UUID for instance.

    Args:
        user_arn: `requestContext.identity.userArn`.
    """
    found = _SESSION.match(user_arn)
    return found[1] if found else user_arn


def cause_of(caller: str, key: str) -> str:
    """What names a request among all others: the key, and whose it is."""
    return f"api:{_digest(caller)[:16]}:{key}"


def body_hash(canonical: str) -> str:
    """Of a body as its model writes it, so that spaces and the order of fields do not count."""
    return _digest(canonical)


def key_id(caller: str, key: str) -> str:
    """Partition key of the item; hashed, since neither an ARN nor a caller's key is of a form of ours."""
    return "idem#" + _digest(f"{caller}\n{key}")


@dataclass(frozen=True, slots=True)
class KeyItem:
    """What a key stands for.

    Attributes:
        body_hash: of the body it came with first.
        for_job: the job of that request.
        version_id: of the object it was for when it came first; the same request later means the same bytes.
    """

    body_hash: str
    for_job: str
    version_id: str | None = None

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Self:
        values = decode_item(item)
        return cls(**{name: values[name] for name in cls.__dataclass_fields__ if name in values})


def find_key(table: str, key: str, body: str) -> Steps[KeyItem | None]:
    """What the key stands for; None if it is new.

    Args:
        table: the job table.
        key: `key_id`.
        body: `body_hash` of the request at hand.

    Raises:
        KeyTaken: for another body.
    """
    answer = yield Call(
        "dynamodb", "get_item", {"TableName": table, "Key": key_of(key, KEY_SK), "ConsistentRead": True}
    )
    return _same(KeyItem.of(answer["Item"]), body) if answer.get("Item") else None


def keep_key(table: str, key: str, wanted: KeyItem, now_ms: int) -> Steps[KeyItem]:
    """Writes what the key stands for, unless another request was faster; returns what it stands for then.

    Raises:
        KeyTaken: the other request had another body.
    """
    item = {
        "job_id": key,
        "sk": KEY_SK,
        "body_hash": wanted.body_hash,
        "for_job": wanted.for_job,
        "version_id": wanted.version_id,
        "expires_at": now_ms // 1000 + JOB_TTL_SECONDS,
    }
    params = {
        "TableName": table,
        "Item": encode_item(item),
        "ConditionExpression": "attribute_not_exists(job_id)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    try:
        yield Call("dynamodb", "put_item", params)
    except ConditionFailed as failed:
        if failed.item is None:
            raise
        return _same(KeyItem.of(failed.item), wanted.body_hash)
    return wanted


def _same(there: KeyItem, body: str) -> KeyItem:
    if there.body_hash != body:
        raise KeyTaken(
            "this Idempotency-Key came before with another body: send a new one with another request, or the first "
            "body again to have its job"
        )
    return there


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

"""The only place that speaks to AWS: botocore clients, made once a process when they are first needed.

botocore without boto3: its clients are the same, and boto3's resources and transfers cost start-up and are not used.
A client error that is part of the protocol becomes a `Refused` (haulier.jobs.calls); anything else stays an accident.
"""

import functools
import os
import random
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from haulier.jobs.calls import Call, Refused, refusal

Perform = Callable[[Call], Any]
Ask = Callable[[str, str, Mapping[str, Any]], Any]
"""Service, operation, parameters → answer; raises as `Aws.ask` does."""

_CONFLICT_TRIES = 5
_CONFLICT_BASE_SECONDS = 0.05
_CONFLICTS = ("TransactionConflictException", "TransactionInProgressException")


class PreconditionFailed(Refused):
    """The object is not the one that was asked for (`If-Match`)."""


class Aws:
    """Clients of one process. Safe to use from several threads.

    Args:
        bucket_owner: account id that must own every bucket; empty if that is not checked.
    """

    def __init__(self, bucket_owner: str = "") -> None:
        self._bucket_owner = bucket_owner
        self._session = botocore.session.Session()
        self._clients: dict[str, Any] = {}
        # Making a client from a session is not safe in threads; using one is.
        self._making = threading.Lock()

    def perform(self, call: Call) -> Any:
        """Makes one call of a procedure; `drive` is given this.

        Raises:
            Refused: an answer that is part of the protocol.
            ClientError: an accident.
        """
        return self.ask(call.service, call.operation, call.params)

    def ask(self, service: str, operation: str, params: Mapping[str, Any]) -> Any:
        """As `perform`, for any service. A `get_object` is answered with `Body` read whole, as bytes, but never more
        than the range that was asked for: a server that ignores the range would send all of it.

        A write that met another one's transaction is made again at once: the queue would only bring it back minutes
        later.
        """
        if service == "s3" and self._bucket_owner:
            params = {**params, "ExpectedBucketOwner": self._bucket_owner}
        for tried in range(1, _CONFLICT_TRIES + 1):
            try:
                answer = getattr(self._client(service), operation)(**params)
            except ClientError as error:
                if tried < _CONFLICT_TRIES and _conflicted(error.response):
                    time.sleep(random.random() * _CONFLICT_BASE_SECONDS * 2**tried)
                    continue
                refused = _refused(error.response)
                if refused is None:
                    raise
                raise refused from error
            if operation == "get_object":
                with answer["Body"] as body:
                    answer["Body"] = body.read(_range_bytes(params))
            return answer
        raise AssertionError("unreachable: the last try returns or raises")

    def _client(self, service: str) -> Any:
        with self._making:
            if service not in self._clients:
                self._clients[service] = self._session.create_client(
                    service, region_name=os.environ.get("AWS_REGION"), config=_CONFIG
                )
            return self._clients[service]


_CONFIG = Config(
    connect_timeout=5,
    read_timeout=30,
    retries={"mode": "standard", "total_max_attempts": 5},
    max_pool_connections=16,
    tcp_keepalive=True,
)


@functools.cache
def connect(bucket_owner: str) -> Aws:
    """The process's clients."""
    return Aws(bucket_owner)


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def _refused(response: Mapping[str, Any]) -> Refused | None:
    if str(response.get("Error", {}).get("Code")) in ("PreconditionFailed", "412"):
        return PreconditionFailed("the object is another one than was asked for")
    return refusal(response)


def _conflicted(response: Mapping[str, Any]) -> bool:
    """Whether another transaction on the same items was under way, and nothing else was wrong."""
    code = response.get("Error", {}).get("Code")
    if code in _CONFLICTS:
        return True
    reasons = {reason.get("Code") for reason in response.get("CancellationReasons", [])}
    return code == "TransactionCanceledException" and "TransactionConflict" in reasons <= {
        "TransactionConflict",
        "None",
    }


def _range_bytes(params: Mapping[str, Any]) -> int | None:
    """How many bytes `Range: bytes=a-b` asks for; None without a range."""
    asked = params.get("Range")
    if asked is None:
        return None
    first, last = asked.removeprefix("bytes=").split("-")
    return int(last) - int(first) + 1

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
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as Unreachable

from haulier.jobs.calls import Call, ConditionFailed, PreconditionFailed, Refused, TransactionFailed, refusal

Perform = Callable[[Call], Any]
Ask = Callable[[str, str, Mapping[str, Any]], Any]
"""Service, operation, parameters → answer; raises as `Aws.ask` does."""

_CONFLICT_TRIES = 5
_CONFLICT_BASE_SECONDS = 0.05
_CONFLICTS = ("TransactionConflictException", "TransactionInProgressException")
_READ_SECONDS = 30
_CONFIG = Config(
    connect_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 5},
    max_pool_connections=16,
    tcp_keepalive=True,
)
_OF_THE_MOMENT = {
    *_CONFLICTS, "TransactionConflict", "Throttling", "ThrottlingError", "ThrottlingException", "ThrottledException",
    "TooManyRequestsException", "RequestThrottled", "RequestLimitExceeded", "SlowDown", "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException",
}  # fmt: skip
"""With a status below 500; those of a transaction's reasons among them."""


class BadRequest(Refused):
    """S3 refuses what a HEAD asks for, and a HEAD's answer has no room for a reason: a version that is of no form it
    knows, a key it cannot take (`../a`), an object under a key of its owner's own (SSE-C).
    """


class Aws:
    """Clients of one process. Safe to use from several threads.

    Args:
        bucket_owner: account id that must own every bucket; empty if that is not checked.
        read_seconds: how long an answer is waited for before the call is made again.
    """

    def __init__(self, bucket_owner: str = "", read_seconds: int = _READ_SECONDS) -> None:
        self._bucket_owner = bucket_owner
        self._config = _CONFIG.merge(Config(read_timeout=read_seconds))
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
                    service, region_name=os.environ.get("AWS_REGION"), config=self._config
                )
            return self._clients[service]


@functools.cache
def connect(bucket_owner: str, read_seconds: int = _READ_SECONDS) -> Aws:
    """The process's clients."""
    return Aws(bucket_owner, read_seconds)


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def _refused(response: Mapping[str, Any]) -> Refused | None:
    code = str(response.get("Error", {}).get("Code"))
    if code in ("PreconditionFailed", "412"):
        return PreconditionFailed("the object is another one than was asked for")
    if code == "400":
        return BadRequest("S3 does not take this key or version")
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


def may_pass(error: Exception) -> bool:
    """Whether an error is of the moment, so that the same call may well succeed later: the service throttles or fails,
    cannot be reached, or somebody else was at the same item.
    """
    if not isinstance(error, ClientError):
        return isinstance(error, (Unreachable, HTTPClientError, ConditionFailed, TransactionFailed))
    answer = error.response
    codes = {answer.get("Error", {}).get("Code"), *(one.get("Code") for one in answer.get("CancellationReasons", []))}
    return answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0) >= 500 or bool(codes & _OF_THE_MOMENT)


def _range_bytes(params: Mapping[str, Any]) -> int | None:
    """How many bytes `Range: bytes=a-b` asks for; None without a range."""
    asked = params.get("Range")
    if asked is None:
        return None
    first, last = asked.removeprefix("bytes=").split("-")
    return int(last) - int(first) + 1

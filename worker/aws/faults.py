"""What an AWS error means for us: one table from error code to class, and one rule for what is not in it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from botocore.exceptions import BotoCoreError, ClientError

from haulier.jobs.calls import Service
from worker.errors import CallRefused, NotPermitted, Outage, ServiceFault, Throttled, Unreachable, WorkerError

CODES: Mapping[str, type[Outage]] = {
    "BandwidthLimitExceeded": Throttled,
    "LimitExceededException": Throttled,
    "OverLimit": Throttled,
    "ProvisionedThroughputExceededException": Throttled,
    "RequestLimitExceeded": Throttled,
    "RequestThrottled": Throttled,
    "RequestThrottledException": Throttled,
    "SlowDown": Throttled,
    "Throttling": Throttled,
    "ThrottlingException": Throttled,
    "TooManyRequestsException": Throttled,
    "KmsThrottled": Throttled,
    "503": Throttled,
    "InternalError": ServiceFault,
    "InternalServerError": ServiceFault,
    "ServiceUnavailable": ServiceFault,
    "TransactionConflictException": ServiceFault,
    "TransactionInProgressException": ServiceFault,
    "AccessDenied": NotPermitted,
    "AccessDeniedException": NotPermitted,
    "403": NotPermitted,
    "ExpiredToken": NotPermitted,
    "ExpiredTokenException": NotPermitted,
    "InvalidAccessKeyId": NotPermitted,
    "SignatureDoesNotMatch": NotPermitted,
    "UnrecognizedClientException": NotPermitted,
    "AWS.SimpleQueueService.NonExistentQueue": NotPermitted,
    "QueueDoesNotExist": NotPermitted,
    "ResourceNotFoundException": NotPermitted,
    "NoSuchBucket": NotPermitted,
    "RequestTimeout": Unreachable,
}
"""What is not here is judged by its HTTP status, see `fault`."""
_CONFLICT = 409
_SERVER = 500


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def fault(error: ClientError, what: str, service: Service) -> WorkerError:
    """Our error for a ClientError; `what` says what was tried, for people.

    A code nobody knows is the service's failure if the answer was 5xx or a conflict (409: somebody else was faster), or
    no status came with it; else the call was refused for what was in it, and that is the chunk's matter or a bug's.
    """
    code = code_of(error)
    told = f"{what}: {code}: {error.response.get('Error', {}).get('Message', '')}"
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    if code in CODES:
        return CODES[code](told, service=service)
    if status is None or status >= _SERVER or status == _CONFLICT:
        return ServiceFault(told, service=service)
    return CallRefused(told)


@asynccontextmanager
async def told(what: str, own: Mapping[str, Any] | None = None, *, service: Service = "s3") -> AsyncIterator[None]:
    """Turns botocore's and aiohttp's errors into ours.

    Args:
        what: what is tried, `GetObject s3://…` for instance.
        own: error code → a callable from message to error, where a code means something special here.
        service: who is asked; the circuit counts its failures.
    """
    try:
        yield
    except ClientError as error:
        special = (own or {}).get(code_of(error))
        raise (special(str(error)) if special else fault(error, what, service)) from error
    except (TimeoutError, BotoCoreError, aiohttp.ClientError, OSError) as error:
        raise Unreachable(f"{what}: {type(error).__name__}: {error}", service=service) from error

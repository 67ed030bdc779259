"""What an AWS error means for us: one table from error code to class, and one rule for what is not in it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
from botocore.exceptions import BotoCoreError, ClientError

from worker.errors import NotPermitted, ServiceFault, Throttled, Unreachable, WorkerError

CODES: Mapping[str, type[WorkerError]] = {
    "ProvisionedThroughputExceededException": Throttled,
    "RequestLimitExceeded": Throttled,
    "RequestThrottled": Throttled,
    "SlowDown": Throttled,
    "Throttling": Throttled,
    "ThrottlingException": Throttled,
    "TooManyRequestsException": Throttled,
    "KmsThrottled": Throttled,
    "503": Throttled,
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
"""What is not here is a ServiceFault: tried again with backoff, counted, and a letter at last."""


def code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def fault(error: ClientError, what: str) -> WorkerError:
    """Our error for a ClientError; `what` says what was tried, for people."""
    code = code_of(error)
    message = error.response.get("Error", {}).get("Message", "")
    return CODES.get(code, ServiceFault)(f"{what}: {code}: {message}")


@asynccontextmanager
async def told(what: str, own: Mapping[str, Any] | None = None) -> AsyncIterator[None]:
    """Turns botocore's and aiohttp's errors into ours.

    Args:
        what: what is tried, `GetObject s3://…` for instance.
        own: error code → a callable from message to error, where a code means something special here.
    """
    try:
        yield
    except ClientError as error:
        special = (own or {}).get(code_of(error))
        raise (special(str(error)) if special else fault(error, what)) from error
    except (TimeoutError, BotoCoreError, aiohttp.ClientError, OSError) as error:
        raise Unreachable(f"{what}: {type(error).__name__}: {error}") from error

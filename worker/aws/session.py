"""Clients: one set a thread, opened in one exit stack, never shared between event loops.

They repeat calls in botocore's `standard` mode: backoff with full jitter of at most 20 s, and a quota of repeats that a
failing service uses up. Not in `adaptive` mode: its rate limit is one for all calls of a client, so a throttled poll
would hold up deletes and beats; it begins with the rate it measures, which is a fraction of a call a second for a
worker that long-polls; and AWS calls it experimental. What adapts to a failing service here is how much work is taken
(`runtime.circuit`).
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

from haulier.jobs.calls import Service

_SERVICES: tuple[Service, ...] = ("dynamodb", "s3", "sqs", "stepfunctions")


@dataclass(frozen=True, slots=True)
class ClientTerms:
    """How patient clients are.

    Attributes:
        connect_seconds: for a connection.
        read_seconds: for the next bytes of an answer; longer than a long poll.
        attempts: tries of a call in all.
        connections: size of the pool of each client.
    """

    connect_seconds: float = 5
    read_seconds: float = 60
    attempts: int = 5
    connections: int = 64


PATIENT = ClientTerms()
"""For work: CompleteMultipartUpload may take minutes, with white space in between to keep the connection alive."""
BRISK = ClientTerms(connect_seconds=2, read_seconds=5, attempts=2, connections=16)
"""For the keeper: a beat that is late is worth less than the next one."""

Clients = dict[Service, Any]


def config(service: Service, terms: ClientTerms) -> AioConfig:
    """Checksums are ours and sent explicitly, so botocore adds none and payloads are not signed: full integrity at a
    third of the CPU (shared measurements, section 2).
    """
    extra: dict[str, Any] = {}
    if service == "s3":
        extra["s3"] = {"payload_signing_enabled": False, "addressing_style": "auto"}
    return AioConfig(
        connect_timeout=terms.connect_seconds,
        read_timeout=terms.read_seconds,
        retries={"mode": "standard", "total_max_attempts": terms.attempts},
        max_pool_connections=terms.connections,
        # Built anew for every request otherwise, a tenth of a small call's CPU (shared measurements, section 3).
        user_agent="haulier-worker",
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        **extra,
    )


@asynccontextmanager
async def open_clients(terms: ClientTerms) -> AsyncIterator[Clients]:
    """Opens all clients; region, credentials and endpoint as botocore finds them (AWS_ENDPOINT_URL, …)."""
    session = get_session()
    async with AsyncExitStack() as stack:
        yield {
            service: await stack.enter_async_context(session.create_client(service, config=config(service, terms)))
            for service in _SERVICES
        }

"""The composition root: the only place that knows ports and adapters.

Two sets of clients: the event loop's, patient, and the keeper's thread's, brisk. Nothing is global.
"""

import asyncio
import os
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

from haulier.contracts.dataset import QueueName
from haulier.contracts.limits import MIB
from worker.aws.perform import Performer
from worker.aws.protection import open_agent
from worker.aws.s3_read import S3Source
from worker.aws.s3_write import S3Store
from worker.aws.session import BRISK, PATIENT, Clients, open_clients
from worker.aws.sqs import SqsQueue
from worker.aws.tokens import TaskTokens
from worker.chunk.join import JoinWork, RecordsOrJoin
from worker.chunk.run import RecordsWork
from worker.clock import Clock, SystemClock
from worker.flow.budget import Budget
from worker.flow.fetch import Fetcher
from worker.flow.threads import Threads
from worker.log import get_logger, write_line
from worker.ports import Ports, Queue, TaskAgent
from worker.runtime.circuit import Circuits
from worker.runtime.closing import Closing
from worker.runtime.handback import Terms
from worker.runtime.health import Health
from worker.runtime.intake import Intake
from worker.runtime.keeper import Keeper
from worker.runtime.loop import Loop, Pace
from worker.runtime.message import Handler
from worker.runtime.meter import Meter
from worker.runtime.protection import Protection
from worker.runtime.pulse import Pulse
from worker.runtime.shutdown import ExitCode, StopRequest
from worker.settings import Settings

_log = get_logger()
SPARE_BYTES = 64 * MIB
"""What all chunks together may hold beyond the one thing a stage that each may always have; see `flow.budget`."""


def ports_of(clients: Clients, settings: Settings, agent: TaskAgent | None = None) -> Ports:
    queues: dict[QueueName, Queue] = {
        name: SqsQueue(clients["sqs"], name, url=url, dlq_url=settings.dlq_urls[name])
        for name, url in settings.queue_urls.items()
    }
    return Ports(
        perform=Performer(clients, bucket_owner=settings.bucket_owner),
        queues=queues,
        tokens=TaskTokens(clients["stepfunctions"]),
        agent=agent,
    )


def meter_of(settings: Settings, clock: Clock) -> Meter:
    """Metrics are lines among JSON logs; people who read `console` logs have no use for them."""
    writes = settings.metrics and settings.log_format == "json"
    return Meter(settings.environment, clock, write_line if writes else None)


def keeper_ports(settings: Settings) -> Callable[[], AbstractAsyncContextManager[Ports]]:
    """Opens the keeper's own ports, on its own loop."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Ports]:
        async with open_clients(BRISK) as clients, open_agent(settings.agent_uri) as agent:
            yield ports_of(clients, settings, agent)

    return opened


async def run(settings: Settings) -> ExitCode:
    """Builds the worker, runs it until it is asked to stop, and takes it apart in the order that keeps leases alive to
    the last: loop, then keeper, then clients.
    """
    clock: Clock = SystemClock()
    protection = Protection(settings.protection_seconds)
    keeper = Keeper(
        table=settings.table,
        clock=clock,
        lease_seconds=settings.lease_seconds,
        visibility_seconds=settings.visibility_seconds,
        heartbeat_seconds=settings.heartbeat_seconds,
        protection=protection,
    )
    health = Health(Path(settings.health_file), clock)
    threads = Threads()
    loop = asyncio.get_running_loop()
    with StopRequest() as stop:

        def died() -> None:
            loop.call_soon_threadsafe(stop.ask, ExitCode.DUTY_DIED, "the keeper died")

        pulse = Pulse(keeper, keeper_ports(settings), clock, on_tick=health.mark, on_death=died)
        try:
            async with open_clients(PATIENT) as clients:
                with pulse:
                    built = build(settings, clients, keeper, stop, health, threads, clock, protection)
                    return await built.run()
        finally:
            threads.close()
            health.clear()


def build(
    settings: Settings,
    clients: Clients,
    keeper: Keeper,
    stop: StopRequest,
    health: Health,
    threads: Threads,
    clock: Clock,
    protection: Protection,
) -> Loop:
    """The main loop over real adapters."""
    ports = ports_of(clients, settings)
    budget = Budget(SPARE_BYTES)
    fetcher = Fetcher(S3Source(clients["s3"], bucket_owner=settings.bucket_owner), clock, budget)
    store = S3Store(clients["s3"], settings.output_bucket, bucket_owner=settings.bucket_owner)
    records = RecordsWork(fetcher=fetcher, store=store, threads=threads, budget=budget, clock=clock)
    join = JoinWork(
        table=settings.table, perform=ports.perform, fetcher=fetcher, store=store, threads=threads, clock=clock
    )
    work = RecordsOrJoin(records=records, join=join)
    closing = Closing(
        table=settings.table, bucket=settings.output_bucket, perform=ports.perform, tokens=ports.tokens, clock=clock
    )
    terms = Terms(
        table=settings.table,
        worker=f"{socket.gethostname()}-{os.getpid()}",
        lease_seconds=settings.lease_seconds,
        max_attempts=settings.max_attempts,
    )
    meter = meter_of(settings, clock)
    handler = Handler(terms=terms, ports=ports, work=work, closing=closing, keeper=keeper, meter=meter, clock=clock)
    return Loop(
        intake=Intake(settings.slots, settings.queues),
        circuits=Circuits(random=random.random, on_change=lambda *change: circuit_changed(meter, *change)),
        protection=protection,
        ports=ports,
        handler=handler,
        stop=stop,
        health=health,
        clock=clock,
        pace=Pace(drain_seconds=settings.drain_seconds, visibility_seconds=settings.visibility_seconds),
    )


def circuit_changed(meter: Meter, service: str, is_open: bool) -> None:
    """Says it in the log and in the metrics."""
    if is_open:
        _log.warning("circuit.opened", service=service)
    else:
        _log.info("circuit.closed", service=service)
    meter.circuit(service, is_open=is_open)

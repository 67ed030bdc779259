"""An HTTP proxy on loopback between workers and emulator, in a thread of its own: it makes calls go wrong, and writes
every call down. Signatures hold, since the host that was signed is passed on as it was sent.
"""

import asyncio
import json
import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from tests.chaos.faults import Fault, Kind, decide, refusal, unprocessed
from tests.chaos.operations import operation
from tests.chaos.schedule import Schedule

HOST = "127.0.0.1"
_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "expect", "proxy-connection"}
_ADDED = ["User-Agent", "Accept", "Accept-Encoding", "Content-Type"]
_MOST_BYTES = 1 << 28
_SEEN_MESSAGES = 400


@dataclass
class Ambush:
    """Waits for the next call of an operation, and strikes the worker that makes it, before or after it is done."""

    operation: str
    after: bool
    strike: Callable[[int], object]


class Proxy:
    """Started on entering, stopped on leaving.

    Args:
        target: the emulator's address.
        workers: how many; each has an address of its own, so that it is known who calls.
        schedule: whose seed and storms decide what goes wrong.
        record: a JSON Lines file of every call: seconds, operation, number, fault, status.

    Attributes:
        endpoint_urls: where it listens, by the worker's number.
        calls: how often each operation was called.
        faults: how often each kind was dealt, by operation.
        unplanned: calls that broke off though nothing was scheduled.
        seen: queue URL and body of messages that workers received, the newest last.
    """

    def __init__(self, target: str, workers: int, schedule: Schedule, record: Path) -> None:
        self._target = target
        self._workers = workers
        self._ambushes: list[Ambush] = []
        self._schedule = schedule
        self._record_path = record
        self._active = False
        self._began = time.monotonic()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self.endpoint_urls: list[str] = []
        self.unplanned = 0
        self.calls: Counter[str] = Counter()
        self.faults: Counter[tuple[Kind, str]] = Counter()
        self.seen: deque[tuple[str, str]] = deque(maxlen=_SEEN_MESSAGES)

    def __enter__(self) -> Self:
        self._record: IO[str] = self._record_path.open("w")
        self._thread.start()
        if not self._ready.wait(20):
            raise RuntimeError("the proxy did not start within 20 s")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(20)
        self._record.close()

    def begin(self) -> None:
        """The schedule's time begins now, and until then nothing goes wrong."""
        self._began = time.monotonic()
        self._active = True

    def calm(self) -> None:
        """From now on everything goes well."""
        self._active = False
        self._ambushes.clear()

    def lie_in_wait(self, ambush: Ambush) -> None:
        self._ambushes.append(ambush)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self) -> None:
        self._stopping = asyncio.Event()
        # A worker that is killed in the middle of a request is what this is for, and no news.
        logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
        application = web.Application(client_max_size=_MOST_BYTES)
        application.router.add_route("*", "/{tail:.*}", self._handle)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        for _ in range(self._workers):
            await web.TCPSite(runner, HOST, 0).start()
        self._ports = [address[1] for address in runner.addresses]
        self.endpoint_urls = [f"http://{HOST}:{port}" for port in self._ports]
        # No connection is kept: a kept one that the emulator closes would be a fault nobody scheduled.
        connector = aiohttp.TCPConnector(limit=0, force_close=True)
        patience = aiohttp.ClientTimeout(total=120)
        async with aiohttp.ClientSession(connector=connector, timeout=patience, auto_decompress=False) as session:
            self._session = session
            self._ready.set()
            await self._stopping.wait()
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        name = operation(request.method, request.raw_path, request.headers)
        number = self.calls[name]
        self.calls[name] += 1
        fault = self._fault(name, number)
        if fault is not None:
            self.faults[fault.kind, name] += 1
        status = 0
        try:
            response = await self._answer(request, name, await request.read(), fault)
            status = response.status
        except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
            # The worker was killed in the middle of its call, or the emulator did not answer.
            self.unplanned += 1
            self._write(name, number, fault, status, f"{type(error).__name__}: {error}")
            return self._drop(request)
        self._write(name, number, fault, status)
        return response

    def _fault(self, name: str, number: int) -> Fault | None:
        if not self._active:
            return None
        now = time.monotonic() - self._began
        service = name.partition(":")[0]
        storm = any(storm.at <= now < storm.until and storm.service == service for storm in self._schedule.storms)
        return decide(self._schedule.seed, name, number, storm=storm)

    async def _answer(self, request: web.Request, name: str, body: bytes, fault: Fault | None) -> web.StreamResponse:
        kind = fault.kind if fault else None
        if kind in (Kind.THROTTLE, Kind.ERROR, Kind.HIDDEN):
            status, content_type, text, more = refusal(kind, name)
            return web.Response(status=status, body=text, headers={"Content-Type": content_type, **more})
        if kind is Kind.UNPROCESSED:
            return web.Response(body=unprocessed(body), headers={"Content-Type": "application/x-amz-json-1.0"})
        if kind is Kind.RESET:
            return self._drop(request)
        self._spring(request, name, after=False)
        status, headers, answer = await self._forward(request, body)
        self._spring(request, name, after=True)
        if name == "sqs:ReceiveMessage":
            self._remember(body, answer)
        if kind is Kind.LOST:
            return self._drop(request)
        if fault is not None and kind is Kind.LATE:
            await asyncio.sleep(fault.seconds)
        if fault is not None and kind in (Kind.CUT, Kind.SLOW) and len(answer) > 1:
            return await self._trickle(request, status, headers, answer, fault)
        if request.method == "HEAD":
            return web.Response(status=status, headers=headers)
        return web.Response(status=status, headers=headers, body=answer)

    def _spring(self, request: web.Request, name: str, *, after: bool) -> None:
        for ambush in self._ambushes:
            if ambush.operation == name and ambush.after == after and request.transport is not None:
                self._ambushes.remove(ambush)
                ambush.strike(self._ports.index(request.transport.get_extra_info("sockname")[1]))
                return

    async def _forward(self, request: web.Request, body: bytes) -> tuple[int, CIMultiDict[str], bytes]:
        headers = CIMultiDict((name, value) for name, value in request.headers.items() if name.lower() not in _HOP)
        async with self._session.request(
            request.method,
            URL(self._target + request.raw_path, encoded=True),
            headers=headers,
            data=body or None,
            skip_auto_headers=_ADDED,
            allow_redirects=False,
        ) as answer:
            content = await answer.read()
        kept = CIMultiDict((name, value) for name, value in answer.headers.items() if name.lower() not in _HOP)
        return answer.status, kept, content

    async def _trickle(
        self, request: web.Request, status: int, headers: CIMultiDict[str], answer: bytes, fault: Fault
    ) -> web.StreamResponse:
        """Half of the body, a pause, and the other half or none."""
        headers["Content-Length"] = str(len(answer))
        response = web.StreamResponse(status=status, headers=headers)
        await response.prepare(request)
        half = len(answer) // 2
        await response.write(answer[:half])
        if fault.kind is Kind.CUT:
            return self._drop(request)
        await asyncio.sleep(fault.seconds)
        await response.write(answer[half:])
        await response.write_eof()
        return response

    def _drop(self, request: web.Request) -> web.StreamResponse:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=599)

    def _remember(self, asked: bytes, answer: bytes) -> None:
        try:
            queue = json.loads(asked)["QueueUrl"]
            self.seen.extend((queue, message["Body"]) for message in json.loads(answer).get("Messages", []))
        except (ValueError, KeyError):
            return

    def _write(self, name: str, number: int, fault: Fault | None, status: int, error: str = "") -> None:
        line = {
            "at": round(time.monotonic() - self._began, 3),
            "operation": name,
            "number": number,
            "fault": fault.kind if fault else None,
            "status": status,
        }
        self._record.write(json.dumps(line | ({"error": error} if error else {})) + "\n")

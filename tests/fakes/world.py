"""All fakes together, a job in them, and workers over them: what a test of the worker starts from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from haulier.contracts.dataset import DEFAULT_DATASET, WORK_QUEUES, Dataset, QueueName
from haulier.contracts.manifest import Manifest
from haulier.contracts.run import Plan, RunPin
from haulier.contracts.source import Source
from haulier.jobs.accept import Accepted, Draft, accept
from haulier.jobs.calls import Call, Refused, drive
from haulier.jobs.enqueue import Targets, enqueue
from haulier.jobs.identity import requested_job_id
from haulier.jobs.items import ChunkItem, JobItem, chunk_sk, key_of, run_sk
from haulier.jobs.writes import get_job, update
from tests.fakes.clock import ManualClock
from tests.fakes.kill import Switch
from tests.fakes.objects import FakeObjects
from tests.fakes.queue import FakeQueue, Letters
from tests.fakes.table import FakeTable
from tests.fakes.tokens import FakeTokens
from worker.chunk.join import JoinWork, RecordsOrJoin
from worker.chunk.run import RecordsWork
from worker.flow.budget import Budget
from worker.flow.fetch import Fetcher
from worker.flow.threads import Threads
from worker.outcome import Outcome
from worker.ports import Ports, Work
from worker.runtime.closing import Closing
from worker.runtime.handback import Terms
from worker.runtime.keeper import Keeper
from worker.runtime.message import Handler
from worker.runtime.meter import Meter

TABLE, OUTPUT, INPUT = "jobs", "out", "in"
LEASE_SECONDS, VISIBILITY_SECONDS, HEARTBEAT_SECONDS = 90.0, 90, 20.0
CSV = b"id,name\n" + b"".join(b"%d,name %d\n" % (n, n) for n in range(50)) + b"51\n"
"""50 good records, one with too few fields."""


@dataclass(frozen=True)
class Worker:
    """One worker's runtime over the world's ports."""

    handler: Handler
    keeper: Keeper
    ports: Ports


class World:
    """Attributes: `switch` counts every call of every port and kills at the chosen one; `failing` says which calls of
    `haulier.jobs` fail, and how; `lines` are the metrics that were written.
    """

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.switch = Switch()
        self.table = FakeTable()
        self.objects = FakeObjects(self.switch, OUTPUT)
        self.queues: dict[QueueName, FakeQueue] = {
            name: FakeQueue(name, self.clock, self.switch) for name in WORK_QUEUES
        }
        self.letters = Letters()
        self.tokens = FakeTokens(self.switch)
        self.threads = Threads()
        self.failing: Callable[[Call], Exception | None] | None = None
        self.lines: list[str] = []

    async def perform(self, call: Call) -> Any:
        self.switch.before(f"{call.service} {call.operation}")
        try:
            answer = self.perform_now(call)
        except Refused:
            self.switch.behind()
            raise
        self.switch.behind()
        return answer

    def perform_now(self, call: Call) -> Any:
        """For the test's own steps: no switch."""
        if self.failing is not None and (error := self.failing(call)) is not None:
            raise error
        if call.service == "sqs" and call.params["QueueUrl"] in self.queue_urls.values():
            name = next(name for name, url in self.queue_urls.items() if url == call.params["QueueUrl"])
            self.queues[name].send(call.params["MessageBody"], call.params.get("MessageGroupId"))
            return {}
        return self._twin(call.service).perform(call.operation, dict(call.params))

    def _twin(self, service: str) -> Any:
        return {"dynamodb": self.table, "s3": self.objects, "sqs": self.letters}[service]

    @property
    def queue_urls(self) -> dict[str, str]:
        return {name: f"https://sqs/{name}" for name in self.queues}

    def submit(
        self,
        data: bytes = CSV,
        *,
        key: str = "incoming/a.csv",
        dataset: Dataset = DEFAULT_DATASET,
        queue: QueueName = "standard",
    ) -> JobItem:
        """A job of one chunk, accepted and on its queue."""
        source = self.objects.put_source(INPUT, key, data)
        job = self.accept(source, dataset=dataset, queue=queue)
        drive(enqueue(TABLE, job, Targets(self.queue_urls), self.clock.now_ms()), self.perform_now)
        return self.job(job.job_id)

    def accept(self, source: Source, *, dataset: Dataset, queue: QueueName, chunked: bool = False) -> JobItem:
        pin = RunPin(
            source=source, dataset=dataset, accepted_at_ms=self.clock.now_ms(), chunked=chunked, queue=queue,
            threshold_bytes=1 << 30, chunk_bytes=1 << 26,
        )  # fmt: skip
        draft = Draft(job_id=requested_job_id(source, dataset.name, ""), source=source, dataset=dataset.name, pin=pin)
        accepted = drive(accept(TABLE, draft, self.clock.now_ms()), self.perform_now)
        assert isinstance(accepted, Accepted)
        return accepted.job

    def plan(self, job: JobItem, plan: Plan) -> None:
        self.perform_now(update(TABLE, job.job_id, run_sk(job.run), sets={"plan": plan.to_json()}))

    def job(self, job_id: str) -> JobItem:
        job = drive(get_job(TABLE, job_id), self.perform_now)
        assert job is not None
        return job

    def chunk(self, job_id: str, chunk: int = 0, round_: int = 0) -> ChunkItem | None:
        key = key_of(job_id, chunk_sk(1, chunk, round_))
        answer = self.table.perform("get_item", {"Key": key})
        return ChunkItem.of(answer["Item"]) if answer else None

    def manifest(self, job_id: str) -> Manifest:
        (key,) = [key for key in self.objects.outputs if key.endswith("_manifest.json") and job_id in key]
        return Manifest.model_validate_json(self.objects.outputs[key])

    def worker(self, work: Work | None = None, *, max_attempts: int = 5) -> Worker:
        """A fresh worker: nothing of an earlier one is left but what the services hold."""
        budget = Budget(64 << 20)
        fetcher = Fetcher(self.objects, self.clock, budget)
        records = RecordsWork(
            fetcher=fetcher, store=self.objects, threads=self.threads, budget=budget, clock=self.clock
        )
        join = JoinWork(
            table=TABLE,
            perform=self.perform,
            fetcher=fetcher,
            store=self.objects,
            threads=self.threads,
            clock=self.clock,
        )
        keeper = Keeper(
            table=TABLE,
            clock=self.clock,
            lease_seconds=LEASE_SECONDS,
            visibility_seconds=VISIBILITY_SECONDS,
            heartbeat_seconds=HEARTBEAT_SECONDS,
        )
        ports = Ports(self.perform, dict(self.queues), self.tokens)
        closing = Closing(table=TABLE, bucket=OUTPUT, perform=self.perform, tokens=self.tokens, clock=self.clock)
        handler = Handler(
            terms=Terms(TABLE, "worker-1", LEASE_SECONDS, max_attempts),
            ports=ports,
            work=work or RecordsOrJoin(records=records, join=join),
            closing=closing,
            keeper=keeper,
            meter=Meter("test", self.clock, self.lines.append),
            clock=self.clock,
        )
        return Worker(handler, keeper, ports)

    async def deliver(self, worker: Worker, queue: QueueName = "standard") -> list[Outcome]:
        """Receives what is visible now and handles it, one message after another."""
        received = await self.queues[queue].receive(10, wait_seconds=0, visibility_seconds=VISIBILITY_SECONDS)
        return [await worker.handler.handle(worker.handler.take(one, self.clock.monotonic())) for one in received]

    async def run_dry(self, *, rounds: int = 60) -> list[Outcome]:
        """Delivers to fresh workers until no queue holds a message, turning the clock past every wait."""
        outcomes: list[Outcome] = []
        for _ in range(rounds):
            for name in self.queues:
                outcomes += await self.deliver(self.worker(), name)
            if not any(queue.messages for queue in self.queues.values()):
                return outcomes
            self.clock.turn(100)
        raise AssertionError(f"messages are left after {rounds} rounds")

    def close(self) -> None:
        self.threads.close()

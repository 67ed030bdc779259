"""The whole system in memory: every Lambda and the worker over one set of fakes, the state machine, and the stream.

Every call of every part goes through the world's switch. Whoever is killed is called again, as SQS, Step Functions and
the stream's event source mapping do it; nothing but what the services hold is left of the one that died.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dispatcher.assemble import Assembler
from dispatcher.datasets import DatasetReader
from dispatcher.intake import Intake
from dispatcher.janitor import Janitor
from dispatcher.notify import Notifier
from dispatcher.plan import Planner
from dispatcher.settings import (
    AssembleSettings,
    IntakeSettings,
    JanitorSettings,
    NotifySettings,
    PlanSettings,
    read,
)
from haulier.jobs.calls import AlreadyExists, Call, NotFound, Refused
from tests.fakes.kill import Killed
from tests.fakes.objects import etag_of
from tests.fakes.world import INPUT, OUTPUT, TABLE, World

MACHINE = "arn:aws:states:eu-west-1:000000000000:stateMachine:haulier-test-chunks"
BATCH_MACHINE = "arn:aws:states:eu-west-1:000000000000:stateMachine:haulier-test-batch"
_TURN_SECONDS = 100.0


@dataclass
class Execution:
    """One run of the state machine, as `infra.workflow` defines it.

    Attributes:
        asked: what Plan or Assemble answered last.
        waiting: tokens that are not answered; None before a pass is sent.
    """

    given: dict[str, Any]
    asked: dict[str, Any] | None = None
    waiting: set[str] | None = None
    status: str = "RUNNING"


@dataclass
class _Stream:
    """Changes of job items, oldest first, until the notifier took them."""

    records: list[dict[str, Any]] = field(default_factory=list)

    def note(self, old: dict[str, Any] | None, new: dict[str, Any]) -> None:
        keys = {name: new[name] for name in ("job_id", "sk")}
        change = {"Keys": keys, "SequenceNumber": str(len(self.records)), "NewImage": new}
        self.records.append(
            {"eventName": "MODIFY", "dynamodb": change | ({"OldImage": old} if old else {})},
        )


class System(World):
    """Attributes: `told` are the ids of what the results queue was told; `kills` how often somebody died."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[str] = []
        self.executions: dict[str, Execution] = {}
        self.stream = _Stream()
        self.told: set[str] = set()
        self.kills = 0
        self._tokens = 0

    # What users do

    def arrives(self, key: str, data: bytes) -> None:
        """An object is written to the input bucket, and its event is on the intake queue."""
        self.objects.put_source(INPUT, key, data)
        made = {"key": key, "size": len(data), "sequencer": "01", "etag": etag_of(data)}
        detail = {"version": "0", "bucket": {"name": INPUT}, "object": made}
        event = {"version": "0", "id": "e", "detail-type": "Object Created", "source": "aws.s3", "detail": detail}
        self.events.append(json.dumps(event))

    async def settle(self, *, rounds: int = 80) -> None:
        """Lets everything go on until nothing is left to do, calling again whoever is killed."""
        for _ in range(rounds):
            self._survive(self._intake)
            for execution in list(self.executions.values()):
                self._survive(lambda execution=execution: self._step(execution))
            for name in self.queues:
                try:
                    await self.deliver(self.worker(), name)
                except Killed:
                    self._revive()
            self._survive(self._notify)
            if not self._busy():
                return
            self.clock.turn(_TURN_SECONDS)
            self._survive(self._sweep)
        raise AssertionError("there is still something to do")

    def _busy(self) -> bool:
        queued = any(queue.messages for queue in self.queues.values())
        running = any(execution.status == "RUNNING" for execution in self.executions.values())
        # The janitor cleans only what is final, and last of all.
        cleaned = all("cleaned_at" in job for job in self._jobs().values())
        return bool(self.events or self.stream.records) or queued or running or not cleaned

    def _survive(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Killed:
            self._revive()

    def _revive(self) -> None:
        self.kills += 1
        self.switch.at, self.switch.dead = None, False

    # The Lambdas

    def _intake(self) -> None:
        if not self.events:
            return
        settings = read(IntakeSettings, self._environment())
        intake = Intake(settings, self._as("intake"), DatasetReader(INPUT), self.clock.now_ms, 1)
        records = [{"messageId": f"m{at}", "body": body} for at, body in enumerate(self.events)]
        failed = {entry["itemIdentifier"] for entry in intake.batch(records)["batchItemFailures"]}
        self.events = [record["body"] for record in records if record["messageId"] in failed]

    def _notify(self) -> None:
        records = list(self.stream.records)
        if not records:
            return
        notifier = Notifier(read(NotifySettings, self._environment()), self._asks("notify"))
        failed = notifier.batch(records)["batchItemFailures"]
        done = int(failed[0]["itemIdentifier"]) if failed else len(records)
        self.stream.records = self.stream.records[done:]
        for number, record in enumerate(self.stream.records):
            record["dynamodb"]["SequenceNumber"] = str(number)

    def _sweep(self) -> None:
        settings = read(JanitorSettings, self._environment())
        Janitor(settings, self._as("janitor"), self.clock.now_ms).round(lambda: 60_000)

    def _step(self, execution: Execution) -> None:
        """One state of an execution: Plan, a pass of the Distributed Map, or Assemble."""
        if execution.status != "RUNNING":
            return
        if execution.asked is None:
            planner = Planner(read(PlanSettings, self._environment()), self._as("plan"), self.clock.now_ms)
            self._answered(execution, planner.answer(execution.given))
        elif execution.waiting is None:
            self._send(execution, execution.asked)
        elif not execution.waiting - set(self.tokens.answers):
            settings = read(AssembleSettings, self._environment())
            assembler = Assembler(settings, self._as("assemble"), self.clock.now_ms)
            self._answered(execution, assembler.answer(execution.asked))

    def _answered(self, execution: Execution, answer: dict[str, Any]) -> None:
        execution.asked, execution.waiting = answer, None
        if answer["verdict"] != "work":
            execution.status = "SUCCEEDED" if answer["verdict"] == "done" else "FAILED"

    def _send(self, execution: Execution, answer: Mapping[str, Any]) -> None:
        execution.waiting = set()
        for item in json.loads(self.objects.buckets[answer["plan"]["bucket"]][answer["plan"]["key"]]):
            self._tokens += 1
            token = f"t{self._tokens}"
            body = {"version": 1, "job_id": answer["job_id"], "run": answer["run"], **item, "token": token}
            self._queue(answer["queue_url"]).send(json.dumps(body), answer["group"])
            execution.waiting.add(token)

    # The services, as the Lambdas reach them

    def _environment(self) -> dict[str, str]:
        queues = {f"HAULIER_{name.upper()}_QUEUE_URL": url for name, url in self.queue_urls.items()}
        return {
            "HAULIER_ENVIRONMENT": "test",
            "HAULIER_TABLE": TABLE,
            "HAULIER_STATUS_INDEX": "by-status",
            "HAULIER_INPUT_BUCKET": INPUT,
            "HAULIER_OUTPUT_BUCKET": OUTPUT,
            "HAULIER_STATE_MACHINE_ARN": MACHINE,
            "HAULIER_BATCH_MACHINE_ARN": BATCH_MACHINE,
            "HAULIER_RESULTS_QUEUE_URL": "https://sqs/results.fifo",
            "HAULIER_COMPLETED_TOPIC_ARN": "arn:completed",
            "HAULIER_FAILED_TOPIC_ARN": "arn:failed",
            "HAULIER_BUS_NAME": "bus",
            "HAULIER_CHUNK_THRESHOLD_BYTES": "4096",
            "HAULIER_CHUNK_BYTES": "4096",
            "HAULIER_ONDEMAND_QUEUE_URL": "https://sqs/ondemand",
            **queues,
        }

    def _as(self, who: str) -> Callable[[Call], Any]:
        asks = self._asks(who)
        return lambda call: asks(call.service, call.operation, call.params)

    def _asks(self, who: str) -> Callable[[str, str, Mapping[str, Any]], Any]:
        def ask(service: str, operation: str, params: Mapping[str, Any]) -> Any:
            self.switch.before(f"{who}: {operation}")
            before = self._jobs()
            try:
                answer = self._serve(service, operation, dict(params))
            except Refused:
                self.switch.behind()
                raise
            finally:
                self._changed(before)
            self.switch.behind()
            return answer

        return ask

    async def perform(self, call: Call) -> Any:
        before = self._jobs()
        try:
            return await super().perform(call)
        finally:
            self._changed(before)

    def _jobs(self) -> dict[Any, Any]:
        return {key: dict(item) for key, item in self.table.items.items() if key[1] == "job"}

    def _changed(self, before: Mapping[Any, Any]) -> None:
        for key, item in self._jobs().items():
            if item != before.get(key):
                self.stream.note(before.get(key), item)

    def _serve(self, service: str, operation: str, params: dict[str, Any]) -> Any:
        match service, operation:
            case "dynamodb", "query" if "IndexName" in params:
                return self._by_status(params)
            case "s3", "get_object" | "head_object" if params["Bucket"] == INPUT:
                return self._read(operation, params)
            case "stepfunctions", "start_execution":
                return self._start(params)
            case "stepfunctions", "describe_execution":
                return self._describe(params)
            case "sqs", "send_message" if params["QueueUrl"].endswith("results.fifo"):
                self.told.add(params["MessageDeduplicationId"])
                return {}
            case (("events" | "sns"), _):
                return {}
        return self.perform_now(Call(service, operation, params))

    def _queue(self, url: str) -> Any:
        return next(self.queues[name] for name, known in self.queue_urls.items() if known == url)

    def _read(self, operation: str, params: dict[str, Any]) -> Any:
        body = self.objects.buckets.setdefault(INPUT, {}).get(params["Key"])
        if body is None:
            raise NotFound(params["Key"])
        length, tag = len(body), f'"{etag_of(body)}"'
        if operation == "head_object":
            return {"ContentLength": length, "ETag": tag}
        if "Range" not in params:
            return {"Body": body, "ContentLength": length, "ETag": tag}
        last = min(int(params["Range"].rpartition("-")[2]), length - 1)
        return {"Body": body[: last + 1], "ContentRange": f"bytes 0-{last}/{length}", "ContentLength": last + 1}

    def _start(self, params: dict[str, Any]) -> Any:
        arn = params["stateMachineArn"].replace(":stateMachine:", ":execution:") + ":" + params["name"]
        if arn in self.executions:
            raise AlreadyExists(arn)
        self.executions[arn] = Execution(json.loads(params["input"]))
        return {"executionArn": arn}

    def _describe(self, params: dict[str, Any]) -> Any:
        if params["executionArn"] not in self.executions:
            raise NotFound(params["executionArn"])
        return {"status": self.executions[params["executionArn"]].status}

    def _by_status(self, params: dict[str, Any]) -> Any:
        asked = {name: value["S"] for name, value in params["ExpressionAttributeValues"].items()}
        found = [item for item in self._jobs().values() if item.get("status_shard") == {"S": asked[":partition"]}]
        between = [item for item in found if asked[":since"] <= item["updated_at"]["S"] <= asked[":until"]]
        return {"Items": sorted(between, key=lambda item: item["updated_at"]["S"])}

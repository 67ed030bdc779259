"""The system with batches: their function, their state machine, and what S3 answers about the input bucket."""

import json
import random
from collections.abc import Callable, Mapping
from typing import Any

from dispatcher.batch import Batcher
from dispatcher.datasets import DatasetReader
from dispatcher.membership import Membership
from dispatcher.settings import BatchSettings, read
from haulier.contracts.events import EVENT_SOURCE, JOB_REQUESTED, JobRequested
from haulier.jobs.calls import Call, drive
from haulier.jobs.items import JobItem
from haulier.jobs.verdicts import cancel, retry
from tests.fakes.world import INPUT, TABLE
from tests.faults.system import BATCH_MACHINE, Execution, System

_EXECUTIONS = BATCH_MACHINE.replace(":stateMachine:", ":execution:")


class BatchSystem(System):
    """Attributes: `left` are groups of the map's present run that no child has admitted yet, by execution; `meddling`
    is what somebody does just before the Lambdas' n-th call; with `replaying` calls of the function that were made
    before are made again at any later time, `replayed` times in all.
    """

    def __init__(self) -> None:
        super().__init__()
        self.left: dict[int, list[dict[str, Any]]] = {}
        self.meddling: tuple[int, Callable[[], None]] | None = None
        self.replaying: random.Random | None = None
        self.replayed = 0
        self._said: list[dict[str, Any]] = []

    # What users do

    def holds(self, key: str, data: bytes) -> None:
        """An object is in the input bucket; its event came long ago."""
        self.objects.put_source(INPUT, key, data)

    def asks(self, **request: Any) -> None:
        detail = json.loads(JobRequested(**({"bucket": INPUT} | request)).to_json())
        event = {"version": "0", "id": "e", "detail-type": JOB_REQUESTED, "source": EVENT_SOURCE, "detail": detail}
        self.events.append(json.dumps(event))

    def cancels(self, job_id: str) -> None:
        self._by_user(cancel(TABLE, job_id, self.clock.now_ms()))

    def retries(self, job_id: str) -> None:
        self._by_user(retry(TABLE, job_id, self.clock.now_ms()))
        self.events.append(json.dumps(self._asks_to_enqueue(job_id)))

    def aborts(self) -> None:
        """Somebody stops every execution by hand."""
        for execution in self.executions.values():
            execution.status = "ABORTED"

    def _asks_to_enqueue(self, job_id: str) -> dict[str, Any]:
        detail = {"version": 1, "job_id": job_id}
        return {"version": "0", "id": "e", "detail-type": JOB_REQUESTED, "source": EVENT_SOURCE, "detail": detail}

    def _by_user(self, steps: Any) -> None:
        before = self._jobs()
        drive(steps, lambda call: self._serve(call.service, call.operation, dict(call.params)))
        self._changed(before)

    # What there is

    def batch(self) -> JobItem:
        (found,) = [job for job in self.items() if job.is_batch]
        return found

    def members(self) -> list[JobItem]:
        return [job for job in self.items() if not job.is_batch]

    def items(self) -> list[JobItem]:
        return [JobItem.of(item) for (_, sk), item in self.table.items.items() if sk == "job"]

    # The function and its machine

    def _step(self, execution: Execution) -> None:
        arn = next(arn for arn, one in self.executions.items() if one is execution)
        if not arn.startswith(_EXECUTIONS):
            super()._step(execution)
        elif execution.status == "RUNNING":
            self._step_of_batch(execution)

    def _step_of_batch(self, execution: Execution) -> None:
        """Next, or one child of Members."""
        left = self.left.setdefault(id(execution), [])
        if left:
            group = left[0]
            self._call(execution.given | group)
            left.pop(0)
            return
        asked = execution.asked or {**execution.given, "section": 0, "round": 0}
        answer = self._call(asked)
        execution.asked = answer
        if answer["verdict"] == "admit":
            plan = answer["plan"]
            left += json.loads(self.objects.buckets[plan["bucket"]][plan["key"]])
        elif answer["verdict"] == "over":
            execution.status = "SUCCEEDED"

    def _call(self, event: dict[str, Any]) -> dict[str, Any]:
        self._said.append(event)
        while self.replaying is not None and self.replaying.random() < 0.6:
            self._batcher().answer(self.replaying.choice(self._said), lambda: 900_000)
            self.replayed += 1
        return self._batcher().answer(event, lambda: 900_000)

    def _batcher(self) -> Batcher:
        settings, perform = read(BatchSettings, self._environment()), self._as("batch")
        members = Membership(settings, perform, DatasetReader(INPUT), self.clock.now_ms, 1)
        return Batcher(settings, perform, members, self.clock.now_ms)

    def _asks(self, who: str) -> Callable[[str, str, Mapping[str, Any]], Any]:
        asks = super()._asks(who)

        def ask(service: str, operation: str, params: Mapping[str, Any]) -> Any:
            if self.meddling is not None and len(self.switch.calls) >= self.meddling[0]:
                act, self.meddling = self.meddling[1], None
                act()
            return asks(service, operation, params)

        return ask

    def _serve(self, service: str, operation: str, params: dict[str, Any]) -> Any:
        if (service, operation, params.get("Bucket")) == ("s3", "list_objects_v2", INPUT):
            answer = self.perform_now(Call(service, operation, params))
            after = params.get("StartAfter", "")
            contents = [entry for entry in answer["Contents"] if entry["Key"] > after]
            return {"Contents": contents[:2], "IsTruncated": len(contents) > 2}
        return super()._serve(service, operation, params)

"""Batches against the cloud in memory: asked for, moved by one call of their function at a time, and looked at."""

import json
from typing import Any

from dispatcher.batch import Batcher
from dispatcher.datasets import DatasetReader
from dispatcher.membership import Membership
from dispatcher.settings import BatchSettings, read
from haulier.contracts.events import JobRequested
from haulier.contracts.states import JobState
from haulier.jobs.items import JobItem
from haulier.jobs.writes import job_becomes
from tests.unit.dispatcher.builders import ENVIRONMENT, INPUT, NOW, OUTPUT, TABLE, an_intake
from tests.unit.dispatcher.cloud import Cloud

KEYS = [f"incoming/{n}.csv" for n in range(5)]


def filled() -> Cloud:
    """A cloud whose input bucket holds the objects."""
    made = Cloud()
    for key in KEYS:
        made.put(INPUT, key, b"a,b\n1,2\n")
    return made


def asked(cloud: Cloud, **request: Any) -> JobItem:
    settings = {name: request.pop(name) for name in list(request) if name.isupper()}
    return an_intake(cloud, **settings).request(JobRequested(**({"bucket": INPUT} | request)))


def batcher(cloud: Cloud, perform: Any = None) -> Batcher:
    settings, perform = read(BatchSettings, ENVIRONMENT), perform or cloud.perform
    members = Membership(settings, perform, DatasetReader(INPUT), lambda: NOW, 1)
    return Batcher(settings, perform, members, lambda: NOW)


def step(cloud: Cloud, job: JobItem, *, left_ms: int = 900_000, perform: Any = None, **more: Any) -> dict[str, Any]:
    event = {"job_id": job.job_id, "run": job.run} | more
    return batcher(cloud, perform).answer(event, lambda: left_ms)


def groups_of(cloud: Cloud, answer: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(cloud.objects[OUTPUT, answer["plan"]["key"]].body)
    return found


def now(cloud: Cloud, job: JobItem) -> JobItem:
    return JobItem.of(cloud.items[job.job_id, "job"])


def members(cloud: Cloud) -> list[JobItem]:
    found = [JobItem.of(item) for (_, sk), item in cloud.items.items() if sk == "job"]
    return [job for job in found if not job.is_batch]


def end_members(cloud: Cloud, state: JobState = JobState.FAILED) -> None:
    for job in members(cloud):
        if not job.final:
            cloud.perform(job_becomes(TABLE, job.job_id, job.run, state, NOW))


def admitted(cloud: Cloud) -> tuple[JobItem, dict[str, Any]]:
    """A batch whose members are on their queue, and the answer to go on from."""
    job = asked(cloud, keys=KEYS)
    answer = step(cloud, job)
    for group in groups_of(cloud, answer):
        step(cloud, job, **group)
    return job, answer

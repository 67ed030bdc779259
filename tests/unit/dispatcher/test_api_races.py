"""Two requests at once: the second runs whole between any two calls of the first."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from haulier.contracts.states import JobState
from haulier.jobs.writes import job_becomes
from tests.unit.dispatcher.asking import Answer, an_api, ask
from tests.unit.dispatcher.builders import INPUT, NOW, TABLE
from tests.unit.dispatcher.cloud import Cloud
from tests.unit.dispatcher.versioned import Versioned

KEY = "incoming/a.csv"


@dataclass
class Interrupted(Versioned):
    """The same, where something happens just before the call of that number.

    Attributes:
        at: number of the call, from now on.
        other: what happens.
    """

    at: int = -1
    other: Callable[[], Any] = list

    def ask(self, service: str, operation: str, params: Any) -> Any:
        self.at -= 1
        if self.at == -1:
            self.other()
        return super().ask(service, operation, params)


def a_cloud() -> Interrupted:
    cloud = Interrupted()
    cloud.put(INPUT, KEY, b"a,b\n1,2\n")
    return cloud


def submit(cloud: Cloud, body: dict[str, Any]) -> Answer:
    return ask(an_api(cloud), "submitJob", body=body, key="k1")


@pytest.mark.parametrize("rewritten", [False, True])
@pytest.mark.parametrize(
    "body", [{"key": KEY}, {"keys": [KEY]}, {"prefix": "incoming/"}], ids=["key", "keys", "prefix"]
)
def test_two_requests_with_one_key_are_one_job_wherever_they_meet(body: dict[str, Any], rewritten: bool) -> None:
    alone = a_cloud()
    submit(alone, body)
    for at in range(len(alone.calls)):
        cloud = a_cloud()
        second: list[Answer] = []

        def other(cloud: Interrupted = cloud, second: list[Answer] = second) -> None:
            if rewritten:
                cloud.put(INPUT, KEY, b"a,b\n3,4\n")
            second.append(submit(cloud, body))

        cloud.at, cloud.other = at, other
        first = submit(cloud, body)

        (job,) = cloud.rows("job")
        assert {answer.body["job_id"] for answer in (first, *second)} == {job["job_id"]}, at
        assert ([answer.status for answer in (first, *second)], job["status"]) == ([202, 202], "QUEUED"), at


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.QUEUED, JobState.CANCELLED])
@pytest.mark.parametrize(
    "routes", [(one, two) for one in ("retryJob", "cancelJob") for two in ("retryJob", "cancelJob")]
)
def test_a_retry_and_a_cancel_that_meet_are_each_done_or_refused(routes: tuple[str, str], state: JobState) -> None:
    for at in range(12):
        cloud = a_cloud()
        job_id = ask(an_api(cloud), "submitJob", body={"key": KEY}).body["job_id"]
        if state != JobState.QUEUED:
            cloud.perform(job_becomes(TABLE, job_id, 1, state, NOW))
        answers: list[Answer] = []

        def send(route: str, cloud: Cloud = cloud, job_id: str = job_id, answers: list[Answer] = answers) -> None:
            answers.append(ask(an_api(cloud), route, job_id=job_id))

        cloud.at, cloud.other = at, lambda: send(routes[1])
        send(routes[0])

        assert {answer.status for answer in answers} <= {200, 202, 409}, at
        retries = sum(answer.status == 202 for answer in answers)
        assert cloud.job(job_id)["run"] == 1 + retries, at
        assert cloud.job(job_id)["status"] in {"QUEUED", "CANCELLED", state}, at

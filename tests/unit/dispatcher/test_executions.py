"""Executions that ended, as the default bus tells of them."""

from typing import Any

import pytest

from haulier.contracts.ids import execution_name
from haulier.contracts.keys import success_key
from haulier.contracts.states import JobState
from haulier.jobs.attributes import decode_item, encode
from haulier.jobs.verdicts import retry
from haulier.jobs.writes import job_becomes
from tests.unit.dispatcher.builders import (
    MACHINE,
    NOW,
    OUTPUT,
    TABLE,
    a_chunked_job,
    a_planner,
    an_assembler,
    committed,
    running,
)
from tests.unit.dispatcher.cloud import Cloud, Died

CSV = b"a,b\n" + b"11111,22222\n" * 1000
LINKS = [(4, 4096), (4096, 8200), (8200, len(CSV))]


def an_end(name: str, status: str = "ABORTED", **more: Any) -> dict[str, Any]:
    """As the Step Functions Developer Guide shows it ("Standard workflow execution status changes")."""
    execution = MACHINE.replace(":stateMachine:", ":execution:") + f":{name}"
    detail = {
        "executionArn": execution,
        "stateMachineArn": MACHINE,
        "name": name,
        "status": status,
        "startDate": 1551225146847,
        "stopDate": 1551225151881,
        "input": '{"job_id": "…", "run": 1}',
        "inputDetails": {"included": True},
        "output": None,
        "outputDetails": None,
        "error": None,
        "cause": None,
        **more,
    }
    return {
        "version": "0",
        "id": "315c1398-40ff-a850-213b-158f73e60175",
        "detail-type": "Step Functions Execution Status Change",
        "source": "aws.states",
        "account": "000000000000",
        "time": "2019-02-26T19:42:21Z",
        "region": "eu-west-1",
        "resources": [execution],
        "detail": detail,
    }


def planned(cloud: Cloud) -> tuple[str, str]:
    """A job with a plan, and the name of its execution."""
    job = a_chunked_job(cloud, CSV)
    a_planner(cloud).answer({"job_id": job, "run": 1})
    running(cloud, job)
    return job, execution_name(job, 1, NOW, 0)


@pytest.mark.parametrize(
    ("status", "more", "told"),
    [
        ("ABORTED", {}, "the execution is ABORTED;"),
        ("TIMED_OUT", {}, "the execution is TIMED_OUT;"),
        ("FAILED", {"error": "Lambda.TooManyRequestsException", "cause": "Rate exceeded"},
         "the execution is FAILED: Lambda.TooManyRequestsException: Rate exceeded;"),
    ],
)  # fmt: skip
def test_a_job_fails_with_what_became_of_its_execution(status: str, more: dict[str, Any], told: str) -> None:
    cloud = Cloud()
    job, name = planned(cloud)
    committed(cloud, job, 0, *LINKS[0])

    an_assembler(cloud).ended(an_end(name, status, **more))

    row = cloud.job(job)
    assert row["status"] == "FAILED"
    assert told in row["error"]
    assert (OUTPUT, f"failed/default/{job}/run=1.json") in cloud.objects


def test_a_job_whose_chunks_are_all_there_is_sealed_though_its_execution_was_stopped() -> None:
    cloud = Cloud()
    job, name = planned(cloud)
    for chunk, link in enumerate(LINKS):
        committed(cloud, job, chunk, *link)

    an_assembler(cloud).ended(an_end(name))

    assert cloud.job(job)["status"] == "SUCCEEDED"
    assert (OUTPUT, success_key("default", job, 1)) in cloud.objects


def test_the_end_of_an_execution_that_was_replaced_ends_nothing() -> None:
    cloud = Cloud()
    job, name = planned(cloud)
    cloud.items[job, "job"]["restarts"] = encode(1)

    an_assembler(cloud).ended(an_end(name))

    assert cloud.job(job)["status"] == "RUNNING"


def test_the_end_of_the_execution_of_a_run_before_ends_nothing() -> None:
    cloud = Cloud()
    job, name = planned(cloud)
    cloud.perform(job_becomes(TABLE, job, 1, JobState.FAILED, NOW))
    steps = retry(TABLE, job, NOW + 1)
    call = next(steps)
    while True:
        try:
            call = steps.send(cloud.perform(call))
        except StopIteration:
            break

    an_assembler(cloud).ended(an_end(name, "FAILED"))

    assert (cloud.job(job)["run"], cloud.job(job)["status"]) == (2, "ACCEPTED")


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED])
def test_a_job_that_is_over_stays_as_it_is(state: JobState) -> None:
    cloud = Cloud()
    job, name = planned(cloud)
    cloud.perform(job_becomes(TABLE, job, 1, state, NOW))
    before = decode_item(cloud.items[job, "job"])

    an_assembler(cloud).ended(an_end(name, "FAILED"))

    assert cloud.job(job) == before


@pytest.mark.parametrize("name", ["by-hand", "j" + "a" * 26 + "-r0001-1-0", ""])
def test_an_execution_of_no_job_of_ours_is_passed_over(name: str) -> None:
    cloud = Cloud()

    an_assembler(cloud).ended(an_end(name))

    assert cloud.items == {}


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize("moment", ["die_before", "die_after"])
def test_the_job_ends_when_the_assembler_dies_at_any_call(moment: str, complete: bool) -> None:
    at = 0
    while True:
        cloud = Cloud()
        job, name = planned(cloud)
        for chunk, link in enumerate(LINKS[: 3 if complete else 1]):
            committed(cloud, job, chunk, *link)
        cloud.calls.clear()
        setattr(cloud, moment, at)
        try:
            an_assembler(cloud).ended(an_end(name))
        except Died:
            pass
        else:
            break
        # Lambda tries what failed again. Of what failed at last, the job is over: the janitor writes the record.
        an_assembler(cloud).ended(an_end(name))
        assert cloud.job(job)["status"] == ("SUCCEEDED" if complete else "FAILED")
        at += 1
    assert at >= 6

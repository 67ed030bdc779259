"""Batches in the dispatcher: what intake refuses, and what the function does next."""

from typing import Any

import pytest

from dispatcher import batch as module
from dispatcher.cleaning import clean
from haulier.contracts.keys import dataset_key
from haulier.contracts.limits import COUNT_ROUNDS
from haulier.contracts.states import JobState
from haulier.jobs.calls import Call, drive
from haulier.jobs.verdicts import cancel
from haulier.jobs.writes import job_becomes
from tests.unit.dispatcher.batching import KEYS, admitted, asked, end_members, filled, groups_of, members, now, step
from tests.unit.dispatcher.builders import BATCH_MACHINE, INPUT, NOW, OUTPUT, TABLE
from tests.unit.dispatcher.cloud import Cloud


@pytest.fixture
def cloud() -> Cloud:
    return filled()


@pytest.fixture(autouse=True)
def _small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("haulier.jobs.listing.GROUP_MEMBERS", 2)
    monkeypatch.setattr("haulier.jobs.listing.LEAST_GROUP_MEMBERS", 1)


def test_a_request_for_many_starts_the_machine_of_batches(cloud: Cloud) -> None:
    job = asked(cloud, prefix="incoming/", cause="c")
    (arn,) = cloud.executions
    assert arn.startswith(BATCH_MACHINE.replace(":stateMachine:", ":execution:"))
    assert (job.operation, job.dataset, job.key, job.queue, job.cause) == (
        "batch", "_batches", "incoming/", "bulk", "c",
    )  # fmt: skip
    assert now(cloud, job).status is JobState.QUEUED
    assert asked(cloud, prefix="incoming/", cause="c").job_id == job.job_id
    assert len(cloud.executions) == 1


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"prefix": "incoming/", "bucket": "another"}, "bucket_not_allowed"),
        ({"prefix": "elsewhere/"}, "prefix_not_allowed"),
        ({"prefix": "processed/"}, "prefix_not_allowed"),
        ({"prefix": "incoming/none"}, "not_found"),
        ({"prefix": "incoming/2", "EXCLUDED_SUFFIXES": ".CSV"}, "not_found"),
        ({"prefix": "incoming/", "dataset": "none"}, "unknown_dataset"),
        ({"keys": ["a"], "dataset": "broken"}, "invalid_dataset"),
        ({"keys_object": "incoming/none"}, "not_found"),
        ({"keys_object": "config/datasets/broken.yaml"}, "own_key"),
        ({"keys_object": "processed/d/chunk.jsonl"}, "own_key"),
        ({"keys_object": "temp/lists/none.txt"}, "not_found"),
        ({"keys_object": "incoming/empty"}, "empty"),
        ({"keys_object": "incoming/huge"}, "too_large"),
    ],
    ids=str,
)
def test_what_can_have_no_member_is_refused_with_the_reason(cloud: Cloud, request_: dict[str, Any], code: str) -> None:
    cloud.put(INPUT, "incoming/empty", b"")
    cloud.put(INPUT, "incoming/huge", b"x", size=2 << 30)
    cloud.put(INPUT, dataset_key("broken"), b"nonsense: 1\n")
    job = asked(cloud, **request_)
    assert (job.status, job.error.code if job.error else None) == (JobState.REJECTED, code)
    assert not cloud.executions


def test_members_are_listed_then_admitted_then_counted(cloud: Cloud) -> None:
    job = asked(cloud, prefix="incoming/", queue="standard")
    answer = step(cloud, job)
    assert (answer["verdict"], answer["section"]) == ("admit", 1)
    assert now(cloud, job).status is JobState.RUNNING
    assert [group["keys"] for group in groups_of(cloud, answer)] == [KEYS[:2], KEYS[2:4], KEYS[4:]]
    for group in groups_of(cloud, answer):
        assert step(cloud, job, **group) == {"group": group["group"]}
        step(cloud, job, **group)
    assert {(one.key, one.status, one.queue, one.batch) for one in members(cloud)} == {
        (key, JobState.QUEUED, "standard", job.job_id) for key in KEYS
    }
    assert len(cloud.sent) == len(KEYS)
    assert {sent["MessageGroupId"] for sent in cloud.sent} == {job.job_id}
    answer = step(cloud, job, section=answer["section"], round=3)
    assert (answer["verdict"], answer["round"], answer["wait"]) == ("wait", 4, 16)
    progress = now(cloud, job).progress
    assert progress is not None
    assert (progress.listed, progress.complete, progress.counted, progress.ahead) == (5, True, 0, {"QUEUED": 5})


def test_the_end_of_all_members_is_the_end_of_the_batch(cloud: Cloud) -> None:
    job, answer = admitted(cloud)
    end_members(cloud)
    assert step(cloud, job, section=answer["section"])["verdict"] == "over"
    ended = now(cloud, job)
    assert (ended.status, ended.error.code if ended.error else None) == (JobState.FAILED, "members_failed")
    assert (OUTPUT, f"failed/_batches/{job.job_id}/run=1.json") in cloud.objects
    assert step(cloud, job, section=answer["section"])["verdict"] == "over"


def test_a_batch_of_nothing_but_what_is_passed_over_fails(cloud: Cloud) -> None:
    job = asked(cloud, prefix="incoming/")
    cloud.objects = {("the-input", "incoming/"): cloud.objects[INPUT, KEYS[0]]}
    assert step(cloud, job)["verdict"] == "over"
    ended = now(cloud, job)
    assert ended.error is not None
    assert (ended.status, ended.error.code) == (JobState.FAILED, "nothing_to_do")
    assert "1 objects" in ended.error.message


@pytest.mark.parametrize(("newer", "code"), [(None, "source_gone"), (b"incoming/1.csv\n", "source_changed")])
def test_a_list_that_changed_under_the_batch_fails_it(cloud: Cloud, newer: bytes | None, code: str) -> None:
    cloud.put(INPUT, "incoming/list", b"incoming/0.csv\n")
    job = asked(cloud, keys_object="incoming/list")
    del cloud.objects[INPUT, "incoming/list"]
    if newer is not None:
        cloud.put(INPUT, "incoming/list", newer)
    assert step(cloud, job)["verdict"] == "over"
    ended = now(cloud, job)
    assert (ended.status, ended.error.code if ended.error else None) == (JobState.FAILED, code)


def test_a_line_that_is_no_key_fails_the_batch_before_any_member_is_admitted(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("haulier.jobs.listing.SECTION_MEMBERS", 2)
    monkeypatch.setattr("haulier.jobs.listing.WINDOW_BYTES", 32)
    cloud.ranged = True
    cloud.put(INPUT, "incoming/list", "\n".join([*KEYS, "x" * 1025]).encode())
    job = asked(cloud, keys_object="incoming/list")
    assert step(cloud, job)["verdict"] == "over"
    ended = now(cloud, job)
    assert (ended.status, ended.error.code if ended.error else None) == (JobState.FAILED, "invalid_list")
    assert not members(cloud)
    cloud.put(INPUT, "incoming/list", "\n".join(KEYS).encode())
    job = asked(cloud, keys_object="incoming/list")
    assert step(cloud, job)["verdict"] == "admit"
    assert len([sk for one, sk in cloud.items if one == job.job_id and sk.startswith("r0001#s")]) == 3


def test_no_member_is_admitted_before_a_list_that_takes_several_calls_is_read_to_its_end(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("haulier.jobs.listing.SECTION_MEMBERS", 2)
    monkeypatch.setattr("haulier.jobs.listing.WINDOW_BYTES", 32)
    cloud.ranged = True
    for last, verdict in (("x" * 1025, "over"), (KEYS[0], "admit")):
        cloud.put(INPUT, "incoming/list", "\n".join([*KEYS, last]).encode())
        job = asked(cloud, keys_object="incoming/list")
        answers = [step(cloud, job, left_ms=0)]
        while answers[-1]["verdict"] == "wait":
            assert not members(cloud)
            answers.append(step(cloud, job, left_ms=0, section=answers[-1]["section"], round=answers[-1]["round"]))
        assert [answer["verdict"] for answer in answers] == ["wait", "wait", verdict]


def test_a_list_with_more_sections_than_an_execution_can_pass_fails_the_batch(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("haulier.jobs.listing.SECTION_MEMBERS", 1)
    monkeypatch.setattr(module, "MAX_SECTIONS", 3)
    cloud.page = 1
    job = asked(cloud, prefix="incoming/")
    assert [step(cloud, job, section=n)["verdict"] for n in range(4)] == ["admit"] * 3 + ["over"]
    ended = now(cloud, job)
    assert (ended.status, ended.error.code if ended.error else None) == (JobState.FAILED, "too_many")


def test_who_lists_second_goes_by_the_list_of_the_first(cloud: Cloud) -> None:
    job = asked(cloud, prefix="incoming/")
    first: list[dict[str, Any]] = []

    def overtaken(call: Call) -> Any:
        if call.operation == "put_item" and not first:
            cloud.put(INPUT, "incoming/9.csv", b"a\n")
            first.append(step(cloud, job))
        return cloud.perform(call)

    answer = step(cloud, job, perform=overtaken)
    assert answer == first[0]
    assert [key for group in groups_of(cloud, answer) for key in group["keys"]] == [*KEYS, "incoming/9.csv"]
    assert len([key for _, key in cloud.objects if "/list/" in key]) == 2
    drive(cancel(TABLE, job.job_id, NOW), cloud.perform)
    step(cloud, job)
    drive(clean(TABLE, OUTPUT, now(cloud, job), NOW), cloud.perform)
    assert [key for _, key in cloud.objects if "/list/" in key] == [answer["plan"]["key"]]


def test_who_comes_second_looks_again(cloud: Cloud) -> None:
    job, _ = admitted(cloud)

    def overtaken(call: Call) -> Any:
        if call.operation == "update_item" and ":progress" in call.params["ExpressionAttributeValues"]:
            step(cloud, job, section=1)
        return cloud.perform(call)

    answer = step(cloud, job, section=1, round=7, perform=overtaken)
    assert (answer["verdict"], answer["round"], answer["wait"]) == ("wait", 8, 1)


def test_an_execution_ends_before_step_functions_ends_it(cloud: Cloud) -> None:
    job, _ = admitted(cloud)
    assert step(cloud, job, section=1, round=COUNT_ROUNDS - 2)["verdict"] == "wait"
    assert step(cloud, job, section=1, round=COUNT_ROUNDS - 1)["verdict"] == "over"
    assert now(cloud, job).status is JobState.RUNNING


def test_a_run_that_is_over_is_left_alone_and_an_unknown_one_is_an_error(cloud: Cloud) -> None:
    job, _ = admitted(cloud)
    cloud.perform(job_becomes(TABLE, job.job_id, 1, JobState.FAILED, NOW))
    assert step(cloud, job)["verdict"] == "over"
    with pytest.raises(LookupError):
        step(cloud, job, run=2)


def test_a_machine_that_gives_up_fails_the_batch_with_its_cause(cloud: Cloud) -> None:
    job = asked(cloud, keys=KEYS)
    answer = step(cloud, job, abandon={"Error": "States.Timeout", "Cause": "why"})
    assert answer["verdict"] == "over"
    ended = now(cloud, job)
    assert ended.error is not None
    assert (ended.status, ended.error.code) == (JobState.FAILED, "execution_failed")
    assert "States.Timeout: why" in ended.error.message

import json
from typing import Any

import pytest

from haulier.contracts.keys import manifest_key, success_key
from haulier.contracts.report import ChunkReport
from haulier.contracts.states import JobState
from haulier.jobs.attributes import decode_item, encode
from haulier.jobs.items import chunk_sk
from haulier.jobs.writes import job_becomes
from tests.unit.dispatcher.builders import (
    INPUT,
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
END = len(CSV)
LINKS = [(4, 4096), (4096, 8200), (8200, END)]


def planned(cloud: Cloud) -> str:
    job = a_chunked_job(cloud, CSV)
    a_planner(cloud).answer({"job_id": job, "run": 1})
    running(cloud, job)
    return job


def ask(cloud: Cloud, job: str, done_pass: int = 0) -> dict[str, Any]:
    answer = an_assembler(cloud).answer({"job_id": job, "run": 1, "pass": done_pass, "queue_url": "", "group": ""})
    assert list(answer) == ["job_id", "run", "verdict", "plan", "queue_url", "group", "pass"]
    return answer


def listed(cloud: Cloud, answer: dict[str, Any]) -> list[tuple[int, int]]:
    body = cloud.objects[answer["plan"]["bucket"], answer["plan"]["key"]].body
    return [(entry["chunk"], entry["round"]) for entry in json.loads(body)]


def test_the_run_succeeds_when_the_chain_holds() -> None:
    cloud = Cloud()
    job = planned(cloud)
    outputs = [committed(cloud, job, chunk, *link) for chunk, link in enumerate(LINKS)]
    cloud.put(OUTPUT, f"processed/default/{job}/run=1/chunk-00000-{'f' * 32}-0000.jsonl", b"a zombie's")
    cloud.items[job, chunk_sk(1, 0, 0)]["attempts"] = encode(2)

    answer = ask(cloud, job)

    assert (answer["verdict"], answer["plan"]) == ("done", {"bucket": "", "key": ""})
    assert cloud.job(job)["status"] == "SUCCEEDED"
    names = [manifest_key("default", job, 1), success_key("default", job, 1)]
    assert sorted(key for bucket, key in cloud.objects if bucket == OUTPUT) == sorted([*names, *outputs])


def test_missing_chunks_are_sent_again_when_a_pass_left_some() -> None:
    cloud = Cloud()
    job = planned(cloud)
    committed(cloud, job, 1, *LINKS[1])

    answer = ask(cloud, job)

    assert (answer["verdict"], answer["pass"], answer["queue_url"]) == ("work", 1, "https://queue/bulk")
    assert answer["plan"]["key"].endswith("/plan-0001.json")
    assert listed(cloud, answer) == [(0, 0), (2, 0)]


def test_a_broken_link_is_redone_from_its_proven_start_when_a_guess_was_wrong() -> None:
    cloud = Cloud()
    job = planned(cloud)
    committed(cloud, job, 0, *LINKS[0])
    committed(cloud, job, 1, 4100, 8200)
    committed(cloud, job, 2, *LINKS[2])

    answer = ask(cloud, job, 3)

    assert (answer["verdict"], answer["pass"], listed(cloud, answer)) == ("work", 4, [(1, 1)])
    redo = decode_item(cloud.items[job, "r0001#c00001#1"])
    assert (redo["given"], redo["end"]) == (4096, 8192)
    assert redo["expires_at"] > NOW // 1000

    committed(cloud, job, 1, *LINKS[1], round_=1)
    assert ask(cloud, job, 4)["verdict"] == "done"


def test_a_redo_begins_with_the_failures_of_the_rounds_before_it() -> None:
    cloud = Cloud()
    job = planned(cloud)
    for chunk, link in enumerate([LINKS[0], (4100, 8200), LINKS[2]]):
        committed(cloud, job, chunk, *link)
    # Four workers died of it; the fifth committed its wrong guess.
    cloud.items[job, "r0001#c00001#0"]["attempts"] = encode(5)

    ask(cloud, job, 0)

    assert decode_item(cloud.items[job, "r0001#c00001#1"])["attempts"] == 4


@pytest.mark.parametrize("moment", ["die_before", "die_after"])
def test_the_run_succeeds_when_the_assembler_dies_at_any_call(moment: str) -> None:
    at = 0
    while True:
        cloud = Cloud()
        job = planned(cloud)
        for chunk, link in enumerate(LINKS):
            committed(cloud, job, chunk, *link)
        cloud.calls.clear()
        setattr(cloud, moment, at)
        try:
            ask(cloud, job)
        except Died:
            pass
        else:
            break
        assert ask(cloud, job)["verdict"] == "done"
        assert (OUTPUT, success_key("default", job, 1)) in cloud.objects
        at += 1
    assert at > 8


def joined(cloud: Cloud, job: str) -> str:
    """Has the join of a run of three chunks committed."""
    key = committed(cloud, job, 3, END, END)
    report = ChunkReport.model_validate_json(decode_item(cloud.items[job, chunk_sk(1, 3, 0)])["report"])
    outputs = (report.outputs[0].model_copy(update={"records": 3}),)
    counted = report.model_copy(update={"read": 0, "written": 0, "input_bytes": 0, "outputs": outputs})
    cloud.items[job, chunk_sk(1, 3, 0)]["report"] = encode(counted.to_json())
    return key


def single(cloud: Cloud) -> tuple[str, list[str]]:
    """A proven run of three chunks whose outputs are to be one object."""
    cloud.put(INPUT, "config/datasets/default.yaml", b"match: [{prefix: incoming/}]\noutput: {layout: single}\n")
    job = planned(cloud)
    return job, [committed(cloud, job, chunk, *link) for chunk, link in enumerate(LINKS)]


def test_the_join_is_ordered_and_then_published_alone_when_the_outputs_are_to_be_one_object() -> None:
    cloud = Cloud()
    job, pieces = single(cloud)

    answer = ask(cloud, job)

    assert (answer["verdict"], listed(cloud, answer)) == ("work", [(3, 0)])
    assert cloud.job(job)["status"] == "RUNNING"
    assert all((OUTPUT, piece) in cloud.objects for piece in pieces)
    key = joined(cloud, job)
    assert ask(cloud, job, 1)["verdict"] == "done"
    names = [manifest_key("default", job, 1), success_key("default", job, 1)]
    assert sorted(name for bucket, name in cloud.objects if bucket == OUTPUT) == sorted([*names, key])
    row = cloud.job(job)
    assert (row["status"], row["chunks"], row["read"], row["written"], row["output_bytes"]) == ("SUCCEEDED", 3, 3, 3, 3)


@pytest.mark.parametrize("moment", ["die_before", "die_after"])
def test_one_object_is_left_when_the_assembler_dies_at_any_call_after_the_join(moment: str) -> None:
    at = 0
    while True:
        cloud = Cloud()
        job, _ = single(cloud)
        key = joined(cloud, job)
        cloud.calls.clear()
        setattr(cloud, moment, at)
        try:
            ask(cloud, job)
        except Died:
            pass
        else:
            break
        assert ask(cloud, job)["verdict"] == "done"
        names = [manifest_key("default", job, 1), success_key("default", job, 1)]
        assert sorted(name for bucket, name in cloud.objects if bucket == OUTPUT) == sorted([*names, key])
        at += 1
    assert at > 8


@pytest.mark.parametrize("moment", ["die_before", "die_after"])
def test_redos_are_ordered_when_the_assembler_dies_at_any_call(moment: str) -> None:
    at = 0
    while True:
        cloud = Cloud()
        job = planned(cloud)
        for chunk, link in enumerate([(4, 4099), (4096, 8201), (8200, END)]):
            committed(cloud, job, chunk, *link)
        cloud.calls.clear()
        setattr(cloud, moment, at)
        try:
            ask(cloud, job)
        except Died:
            pass
        else:
            break
        assert listed(cloud, ask(cloud, job)) in ([(1, 1), (2, 1)], [(1, 1)])
        assert decode_item(cloud.items[job, "r0001#c00001#1"])["given"] == 4099
        at += 1
    assert at > 5


def test_nothing_is_redone_when_the_job_was_cancelled() -> None:
    cloud = Cloud()
    job = planned(cloud)
    cloud.perform(job_becomes(TABLE, job, 1, JobState.CANCELLED, NOW))

    assert ask(cloud, job)["verdict"] == "failed"


def test_nothing_is_redone_when_the_job_is_cancelled_during_the_proof() -> None:
    cloud = Cloud()
    job = planned(cloud)
    query = cloud._dynamodb_query

    def cancelling(**params: Any) -> Any:
        answer = query(**params)
        cloud.perform(job_becomes(TABLE, job, 1, JobState.CANCELLED, NOW))
        return answer

    cloud._dynamodb_query = cancelling  # type: ignore[method-assign]

    assert ask(cloud, job)["verdict"] == "failed"
    assert (OUTPUT, f"temp/{job}/r0001/plan-0001.json") not in cloud.objects


def test_an_error_is_raised_when_there_were_too_many_passes() -> None:
    cloud = Cloud()
    job = planned(cloud)

    assert ask(cloud, job, 59)["pass"] == 60
    with pytest.raises(RuntimeError, match="not complete after 60 passes"):
        ask(cloud, job, 60)


def test_the_job_fails_with_the_cause_when_the_state_machine_gives_up() -> None:
    cloud = Cloud()
    job = planned(cloud)
    cause = {"Error": "States.ItemReaderFailed", "Cause": "no such key"}

    answer = an_assembler(cloud).answer({"job_id": job, "run": 1, "abandon": cause})

    assert answer["verdict"] == "failed"
    row = cloud.job(job)
    assert row["status"] == "FAILED"
    assert "States.ItemReaderFailed: no such key" in row["error"]


def test_a_sealed_job_is_left_alone_when_the_state_machine_gives_up() -> None:
    cloud = Cloud()
    job = planned(cloud)
    cloud.perform(job_becomes(TABLE, job, 1, JobState.SEALED, NOW))

    an_assembler(cloud).answer({"job_id": job, "run": 1, "abandon": "timeout"})

    assert cloud.job(job)["status"] == "SEALED"

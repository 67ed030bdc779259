"""What a batch does for a member, and how it counts them."""

import json
from typing import Any

import pytest

from haulier.contracts.batch import BatchPin, BatchProgress, BatchSection
from haulier.contracts.dataset import Dataset
from haulier.contracts.events import JobError
from haulier.contracts.limits import COUNT_ROUNDS, GIB
from haulier.contracts.states import FINAL, JobState
from haulier.jobs.announce import announcement
from haulier.jobs.attributes import encode_item
from haulier.jobs.batch import BatchRun
from haulier.jobs.calls import Call, drive
from haulier.jobs.items import JobItem
from haulier.jobs.members import WAITING, Due, Member, look, member_id, member_queue, result_of, states_of, tally
from haulier.jobs.mend import Announce, Clean, Execution, Finish, Mending, Restart, mend
from haulier.jobs.tally import counted, groups_of, listed, manifest_of, wait_seconds
from haulier.jobs.times import iso
from haulier.jobs.verdicts import NotAllowed, retry
from tests.fakes.table import FakeTable

_NOW = 1_795_253_400_000
_BATCH = "j" + "b" * 26


def _job(state: JobState, *, batch_run: int | None = 1, **more: Any) -> JobItem:
    values = {
        "job_id": "j" + "a" * 26, "status": state, "run": 1, "dataset": "d", "bucket": "in", "key": "k", "size": 1,
        "accepted_at_ms": _NOW, "updated_at": iso(_NOW), "created_at": iso(_NOW), "chunked": False, "queue": "bulk",
        "batch": _BATCH, "batch_run": batch_run,
    }  # fmt: skip
    return JobItem(**(values | more))


def _batch(state: JobState, **more: Any) -> JobItem:
    return _job(state, **({"operation": "batch", "chunked": True, "dataset": "_batches", "batch": None} | more))


@pytest.mark.parametrize("state", JobState)
def test_in_the_run_that_made_it_only_what_was_never_handed_over_is_due(state: JobState) -> None:
    member = Member("k", _job(state, batch_run=2))
    assert member.due(2) is (Due.HAND_OVER if state is JobState.ACCEPTED else Due.NOTHING)
    assert member.over(2) is (state in FINAL)


@pytest.mark.parametrize(
    ("state", "due"),
    [
        (JobState.REJECTED, Due.ACCEPT),
        (JobState.FAILED, Due.RETRY),
        (JobState.CANCELLED, Due.RETRY),
        (JobState.SUCCEEDED, Due.NOTHING),
        (JobState.ACCEPTED, Due.HAND_OVER),
        (JobState.QUEUED, Due.NOTHING),
        (JobState.RUNNING, Due.NOTHING),
        (JobState.SEALED, Due.NOTHING),
    ],
)
def test_in_a_later_run_what_did_not_succeed_is_done_again_and_nothing_else(state: JobState, due: Due) -> None:
    member = Member("k", _job(state))
    assert member.due(2) is due
    assert member.over(2) is (state is JobState.SUCCEEDED)


def test_a_member_without_a_job_is_due_and_not_over() -> None:
    assert Member("k", None).due(1) is Due.ACCEPT
    assert not Member("k", None).over(1)


def test_members_go_to_bulk_unless_they_must_not_be_interrupted_or_the_request_says_otherwise() -> None:
    urgent = Dataset(name="d", queue="priority")

    def queue(key: str, size: int, asked: Any = None) -> Any:
        return member_queue(key, size, urgent, asked=asked, ondemand_after_seconds=3600)

    assert queue("a/priority/x.csv", 10) == "bulk"
    assert queue("a.csv", 500 * GIB) == "bulk"
    assert queue("a.csv.gz", 500 * GIB) is None
    assert queue("a.csv.gz", 500 * GIB, "standard") == "standard"


def test_the_newest_job_of_a_key_is_found_over_many_runs_and_keys() -> None:
    table = FakeTable()
    keys = [f"k{n}" for n in range(250)]
    for n, key in enumerate(keys):
        run = n % 3  # none, of the first run, of the second
        for made_by in range(1, run + 1):
            values = vars_of(_job(JobState.QUEUED, batch_run=made_by))
            _hold(table, values | {"job_id": member_id(_BATCH, "in", key, made_by)})
    asked: list[int] = []

    def perform(call: Call) -> Any:
        (wanted,) = call.params["RequestItems"].values()
        asked.append(len(wanted["Keys"]))
        return table.perform(call.operation, dict(call.params))

    found = drive(look("t", _BATCH, "in", keys, 2), perform)
    assert [member.key for member in found] == keys
    assert [member.job.batch_run if member.job else 0 for member in found] == [n % 3 for n in range(250)]
    assert max(asked) == 100


def test_a_batch_is_not_retried_when_records_of_its_members_may_expire_before_the_next_run_is_over() -> None:
    table = FakeTable()
    _hold(table, vars_of(_batch(JobState.FAILED, job_id=_BATCH)))
    pin = BatchPin(bucket="in", keys=("k",), accepted_at_ms=_NOW)
    table.items[_BATCH, "r0001"] = encode_item({"job_id": _BATCH, "sk": "r0001", "batch_pin": pin.to_json()})

    def again(days: int) -> JobItem:
        steps = retry("t", _BATCH, _NOW + days * 86_400_000 + 1)
        return drive(steps, lambda call: table.perform(call.operation, dict(call.params)))

    with pytest.raises(NotAllowed, match="by their keys"):
        again(90)
    assert again(89).run == 2


def vars_of(job: JobItem) -> dict[str, Any]:
    return {name: getattr(job, name) for name in JobItem.__dataclass_fields__ if name not in ("progress", "remarks")}


def _hold(table: FakeTable, values: dict[str, Any]) -> None:
    table.items[values["job_id"], "job"] = encode_item(values | {"sk": "job", "status": str(values["status"])})


def test_members_are_counted_by_state_and_only_published_records_are_added_up() -> None:
    members = [
        Member("a", _job(JobState.SUCCEEDED, read=3, written=2, rejected=1, input_bytes=9)),
        Member("b", _job(JobState.SUCCEEDED, read=4, written=4)),
        Member("c", _job(JobState.FAILED, read=100)),
        Member("d", None),
    ]
    found = tally(members)
    assert states_of(found) == {"FAILED": 1, "SUCCEEDED": 2, WAITING: 1}
    assert (found["read"], found["written"], found["rejected"], found["input_bytes"]) == (7, 6, 1, 9)


def test_progress_adds_up_groups_and_shows_what_lies_behind_them() -> None:
    good, open_ = Member("a", _job(JobState.SUCCEEDED, read=2)), Member("b", _job(JobState.RUNNING))
    first = counted(BatchProgress(), [[good, good]], [open_])
    assert (first.counted, states_of(first.tally), first.ahead) == (1, {"SUCCEEDED": 2}, {"RUNNING": 1})
    second = counted(first, [[good]], [])
    assert (second.counted, second.tally["read"], second.ahead) == (2, 6, {})


def test_what_is_listed_is_the_sum_of_sections() -> None:
    sections = [
        BatchSection(key="x", first=0, groups=2, members=5, folders=1, following="k"),
        BatchSection(key="y", first=2, groups=1, members=2, excluded=3),
    ]
    found = listed(BatchProgress(), sections)
    assert (found.listed, found.skipped, found.complete, groups_of(sections)) == (7, 4, True, 3)
    assert not listed(BatchProgress(), sections[:1]).complete


def test_a_result_says_where_a_member_is_published_or_why_not() -> None:
    error = JobError(stage="read", code="c", message="m")
    good, bad = _job(JobState.SUCCEEDED, read=2), _job(JobState.FAILED, error=error)
    assert result_of(Member("k", good)).manifest == f"processed/d/{good.job_id}/run=1/_manifest.json"
    assert (result_of(Member("k", bad)).manifest, result_of(Member("k", bad)).error) == (None, error)
    with pytest.raises(ValueError, match="no job"):
        result_of(Member("k", None))


def test_counts_come_soon_at_first_and_then_each_minute() -> None:
    waits = [wait_seconds(n) for n in range(COUNT_ROUNDS)]
    assert waits[:7] == [2, 4, 8, 16, 32, 60, 60]
    assert sum(waits) > 24 * 3600


def test_the_end_of_a_batch_is_told_with_its_members_and_its_manifest() -> None:
    progress = BatchProgress(counted=1, tally={"FAILED": 1, "SUCCEEDED": 2, "read": 5})
    error = JobError(stage="coordinate", code="members_failed", message="m")
    told = announcement(None, _batch(JobState.FAILED, progress=progress, error=error), "out")
    assert told is not None
    assert told.members == {"FAILED": 1, "SUCCEEDED": 2}
    assert told.manifest == f"s3://out/processed/_batches/{told.job_id}/run=1/_manifest.json"
    cut_short = error.model_copy(update={"code": "execution_failed"})
    told = announcement(None, _batch(JobState.FAILED, progress=progress, error=cut_short), "out")
    assert told is not None
    assert told.manifest is None


def test_the_manifest_follows_from_the_table_alone() -> None:
    progress = BatchProgress(listed=3, skipped=1, complete=True, counted=2, tally={"SUCCEEDED": 3, "read": 5})
    run = BatchRun(_BATCH, 1, BatchPin(bucket="in", prefix="incoming/", accepted_at_ms=_NOW))
    job = _batch(JobState.SEALED, job_id=_BATCH, progress=progress, sealed_at="then")
    found = manifest_of("out", job, run)
    assert (found.members, found.states, found.read, found.skipped, found.ended_at) == (
        3, {"SUCCEEDED": 3}, 5, 1, "then",
    )  # fmt: skip
    assert [key.rsplit("/", 1)[-1] for key in found.results] == ["members-00000.jsonl", "members-00001.jsonl"]
    assert json.loads(found.model_dump_json(exclude_none=True))["prefix"] == "incoming/"


_LATER = _NOW + 3_600_000


@pytest.mark.parametrize(
    ("job", "execution", "mendings"),
    [
        (_batch(JobState.RUNNING), Execution.RUNNING, []),
        (_batch(JobState.RUNNING), Execution.GONE, [Restart()]),
        (_batch(JobState.SEALED), None, [Finish()]),
        (_batch(JobState.CANCELLED), Execution.RUNNING, [Announce()]),
        (_batch(JobState.CANCELLED), Execution.GONE, [Announce(), Restart()]),
        (_batch(JobState.CANCELLED, stopped_at="x"), None, [Announce(), Clean()]),
        (_batch(JobState.FAILED), None, [Announce(), Clean()]),
        (_job(JobState.CANCELLED), None, [Announce(), Clean()]),
    ],
)
def test_the_janitor_sees_a_batch_to_its_end_and_a_cancelled_one_stopped(
    job: JobItem, execution: Execution | None, mendings: list[Mending]
) -> None:
    assert mend(job, (), execution=execution, now_ms=_LATER, requeue_after_seconds=900) == mendings

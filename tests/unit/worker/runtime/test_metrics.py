import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haulier.contracts.events import JobError
from haulier.contracts.metrics import METRICS, Metric
from haulier.contracts.report import ChunkReport
from haulier.jobs.embedded import MOST_DIMENSIONS, MOST_METRICS, embedded
from tests.fakes.clock import ManualClock
from tests.fakes.work import GatedWork
from worker.errors import CallRefused
from worker.outcome import Excused, Failed, Finished, Interrupted, Lost, Refused, Unclaimed
from worker.ports import Received
from worker.progress import Progress
from worker.runtime.held import Held, Stop
from worker.runtime.meter import Meter, measure

ERROR = JobError(stage="read", code="x", message="y")
DOCS = Path(__file__).resolve().parents[4] / "docs" / "metrics.md"


def held(**received: object) -> Held:
    clock = ManualClock()
    one = Held(Received("bulk", "m", "r", "body", **received), Progress(clock.monotonic), clock.monotonic())
    one.measured.names = {"job": "j", "run": 1, "chunk": 2, "round": 0, "attempt": "a"}
    return one


def committed() -> Held:
    one = held()
    one.measured.committed = True
    return one


def by_name(one: Held, outcome: object) -> dict[str, float]:
    return {metric.name: value for metric, value in measure(one, outcome, seconds=1.5).items()}


@pytest.mark.parametrize(
    ("outcome", "ones"),
    [
        (Finished("job over"), set()),
        (Refused(None, ERROR), {"ProcessingFailure", "ProcessingErrors"}),
        (Failed(ERROR, 1), {"ProcessingErrors"}),
        (Excused(ERROR, 1), {"ProcessingErrors", "Outages"}),
        (Lost(), {"LeaseLosses"}),
        (Interrupted(), set()),
    ],
)
def test_each_outcome_is_counted_as_what_it_is(outcome, ones):
    values = by_name(held(), outcome)
    counted = {name for name, value in values.items() if value == 1}
    assert counted == ones
    assert values["ProcessingLatency"] == 1500


def test_records_and_bytes_are_those_of_committed_attempts_only():
    assert "RecordsProcessed" not in by_name(held(), Lost())
    one = committed()
    one.measured.read, one.measured.input_bytes = 10, 99
    values = by_name(one, Finished("committed"))
    assert values["ProcessingSuccess"] == 1
    assert (values["RecordsProcessed"], values["BytesProcessed"]) == (10, 99)


def test_a_committed_chunk_is_a_success_when_a_later_step_of_it_failed():
    values = by_name(committed(), Unclaimed(ERROR, 1, "stepfunctions"))
    assert (values["ProcessingSuccess"], values["ProcessingErrors"]) == (1, 0)


async def test_a_job_is_counted_as_failed_when_its_chunk_s_failures_are_spent(world):
    job = world.submit()
    worker = world.worker(GatedWork(CallRefused("no such thing"), is_open=True), max_attempts=1)
    await world.deliver(worker)
    await world.deliver(worker)
    lines = [json.loads(text) for text in world.lines]
    assert [line["ProcessingFailure"] for line in lines] == [0, 1]
    assert [line["job"] for line in lines] == [job.job_id] * 2


def test_a_stall_a_retry_and_an_expired_lease_are_seen_in_what_is_held():
    one = held()
    one.stop, one.measured.tried_before = Stop.STALLED, True
    values = by_name(one, Failed(ERROR, 2))
    assert (values["Stalls"], values["Retries"], values["LeaseLosses"]) == (1, 1, 0)
    one.stop = Stop.EXPIRED
    assert by_name(one, Excused(ERROR, 1))["LeaseLosses"] == 1


def lines_of(one: Held, outcome: object) -> list[str]:
    lines: list[str] = []
    Meter("prod", ManualClock(), lines.append).settled(one, outcome)
    return lines


def test_the_line_is_what_the_specification_asks_for():
    one = held(sent_at_ms=ManualClock().now_ms() - 700)
    one.measured.committed, one.measured.file_type = True, "csv"
    (text,) = lines_of(one, Finished("committed"))
    assert "\n" not in text
    line = json.loads(text)
    assert line["_aws"]["Timestamp"] == ManualClock().now_ms()
    for directive in line["_aws"]["CloudWatchMetrics"]:
        assert directive["Namespace"] == "Haulier"
        for names in directive["Dimensions"]:
            assert len(names) <= MOST_DIMENSIONS
            assert all(isinstance(line[name], str) and line[name] for name in names)
        assert len(directive["Metrics"]) <= MOST_METRICS
        for metric in directive["Metrics"]:
            assert isinstance(line[metric["Name"]], int | float)
    assert (line["Environment"], line["FileType"], line["QueueWait"]) == ("prod", "csv", 700)
    assert (line["job"], line["attempt"], line["event"]) == ("j", "a", "chunk.measured")
    records = next(d for d in line["_aws"]["CloudWatchMetrics"] if d["Metrics"][0]["Name"] == "RecordsProcessed")
    assert records["Dimensions"] == [["Environment", "FileType"]]


def test_the_wait_in_the_queue_is_told_of_first_deliveries_only():
    (text,) = lines_of(held(sent_at_ms=1, receives=2), Finished("committed"))
    assert "QueueWait" not in json.loads(text)


def test_nothing_is_written_of_a_message_that_was_never_claimed():
    one = held()
    one.measured.names = {}
    assert lines_of(one, Finished("held elsewhere")) == []


def test_nothing_is_written_when_metrics_are_off():
    Meter("prod", ManualClock()).settled(held(), Finished("committed"))
    Meter("prod", ManualClock()).circuit("s3", is_open=True)


def test_a_change_of_the_circuit_is_told_with_its_service():
    lines: list[str] = []
    Meter("prod", ManualClock(), lines.append).circuit("s3", is_open=True)
    line = json.loads(lines[0])
    assert (line["CircuitOpen"], line["Service"]) == (1, "s3")


def test_more_than_a_directive_holds_is_refused():
    many = {Metric(f"m{at}", "Count", ""): 1.0 for at in range(MOST_METRICS + 1)}
    with pytest.raises(ValueError, match="too many"):
        embedded(many, {"Environment": "e"}, now_ms=0, properties={})


@given(st.dictionaries(st.sampled_from(METRICS), st.floats(0, 1e15)), st.text(max_size=5))
def test_every_value_and_every_dimension_of_a_line_is_in_it(values, file_type):
    dimensions = {"Environment": "e", "FileType": file_type, "Service": "s3", "Dataset": "d"}
    line = json.loads(embedded(values, dimensions, now_ms=1, properties={}))
    named = {metric["Name"] for one in line["_aws"]["CloudWatchMetrics"] for metric in one["Metrics"]}
    assert named == {metric.name for metric in values}
    assert all(line[metric.name] == value for metric, value in values.items())


def test_the_page_of_metrics_says_what_the_code_measures():
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([^|]+) \| (.+) \|$", DOCS.read_text(), re.MULTILINE)
    told = {name: (unit, dimensions, meaning) for name, unit, dimensions, meaning in rows}
    assert told == {
        metric.name: (metric.unit, ", ".join(f"`{name}`" for name in metric.dimensions), metric.meaning)
        for metric in METRICS
    }


async def test_a_committed_chunk_is_measured_in_the_whole(world):
    job = world.submit()
    world.clock.turn(3)
    await world.deliver(world.worker())
    (text,) = world.lines
    line = json.loads(text)
    assert (line["job"], line["RecordsProcessed"], line["FileType"]) == (job.job_id, 51, "csv")
    assert (line["QueueWait"], line["BytesProcessed"]) == (
        3000,
        ChunkReport.model_validate(world.chunk(job.job_id).report).input_bytes,
    )

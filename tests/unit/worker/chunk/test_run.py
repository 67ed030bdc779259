"""The real work over faked services: every format, and chunks that prove to be the sequential parse."""

import csv
import gzip
import io
import json
from collections.abc import AsyncIterator

import pytest
import zstandard

from haulier.contracts.dataset import Dataset
from haulier.contracts.messages import ChunkMessage
from haulier.contracts.states import JobState
from haulier.jobs.calls import drive
from haulier.jobs.finish import Ended, NotYet, finish
from haulier.jobs.peek import peek
from haulier.jobs.planning import plan_chunks
from haulier.jobs.prove import Broken
from haulier.jobs.writes import update
from tests.fakes.world import INPUT, OUTPUT, TABLE, World

ROWS = [(str(n), f'name "{n}"\nof {n}, and\r\nmore' if n % 3 else f"plain {n}") for n in range(400)]


def _as_csv() -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("id", "name"), *ROWS])
    return text.getvalue().encode()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    made.close()


def _records(world: World, job_id: str) -> list[tuple[str, str]]:
    lines = b"".join(world.objects.outputs[key] for key in world.manifest(job_id).output_keys).splitlines()
    return [(str(record["id"]), record["name"]) for record in map(json.loads, lines)]


@pytest.mark.parametrize(
    ("key", "data"),
    [
        ("incoming/a.csv", _as_csv()),
        ("incoming/a.csv.gz", gzip.compress(_as_csv())),
        ("incoming/a.csv.zst", zstandard.compress(_as_csv())),
        ("incoming/a.jsonl", "\n".join(json.dumps({"id": i, "name": n}) for i, n in ROWS).encode()),
        ("incoming/a.json", json.dumps([{"id": i, "name": n} for i, n in ROWS]).encode()),
        ("incoming/a.csv", b"\xff\xfe" + _as_csv().decode().encode("utf-16-le")),
    ],
    ids=["csv", "gzip", "zstd", "jsonl", "json", "utf-16"],
)
async def test_every_record_is_published_when_an_object_of_any_format_is_processed(world, key, data):
    job = world.submit(data, key=key)
    await world.deliver(world.worker())
    done = world.job(job.job_id)
    assert (done.status, done.error) == (JobState.SUCCEEDED, None)
    assert _records(world, job.job_id) == ROWS


@pytest.mark.parametrize(("data", "code"), [(gzip.compress(_as_csv())[:-20], "truncated")])
async def test_the_job_fails_when_the_compressed_object_is_cut_off(world, data, code):
    job = world.submit(data, key="incoming/a.csv.gz")
    await world.deliver(world.worker())
    error = world.job(job.job_id).error
    assert (error.code, error.stage) == (code, "read")
    assert not any(key.startswith("processed/") for key in world.objects.outputs)


async def test_parquet_is_published_when_the_dataset_asks_for_it(world):
    dataset = Dataset.model_validate({"name": "d", "output": {"format": "parquet"}})
    job = world.submit(_as_csv(), dataset=dataset)
    await world.deliver(world.worker())
    (key,) = world.manifest(job.job_id).output_keys
    assert key.endswith(".parquet")
    assert world.objects.outputs[key][:4] == world.objects.outputs[key][-4:] == b"PAR1"


@pytest.mark.parametrize("chunk_bytes", [64, 257, 1000, 4096, 10**6])
async def test_the_chunks_together_are_the_sequential_parse_when_the_object_is_cut_anywhere(world, chunk_bytes):
    data = _as_csv()
    source = world.objects.put_source(INPUT, "incoming/a.csv", data)
    dataset = Dataset(name="d")
    job = world.accept(source, dataset=dataset, queue="bulk", chunked=True)
    reading = peek(data, key="a.csv", complete=True, compression="none", dataset=dataset)
    plan = plan_chunks(reading=reading, size=len(data), chunk_bytes=chunk_bytes)
    world.plan(job, plan)
    wanted = [(chunk, 0, None, None) for chunk in range(plan.chunks)]
    for _ in range(40):
        for chunk, round_, given, end in wanted:
            if given is not None:
                sk = f"r0001#c{chunk:05d}#{round_}"
                world.perform_now(update(TABLE, job.job_id, sk, sets={"given": given, "end": end}))
            message = ChunkMessage(job_id=job.job_id, run=1, chunk=chunk, round=round_, token=f"{chunk}/{round_}")
            world.queues["bulk"].send(message.to_json())
            await world.deliver(world.worker(), "bulk")
            assert world.tokens.answers[f"{chunk}/{round_}"] == "success"
        ended = drive(finish(TABLE, OUTPUT, job.job_id, 1, world.clock.now_ms()), world.perform_now)
        if isinstance(ended, Ended):
            break
        assert isinstance(ended, NotYet)
        assert isinstance(ended.proof, Broken)
        wanted = [(redo.chunk, redo.round, redo.given, redo.end) for redo in ended.proof.redos]
    assert world.job(job.job_id).status is JobState.SUCCEEDED
    assert _records(world, job.job_id) == ROWS
    assert not world.objects.uploads

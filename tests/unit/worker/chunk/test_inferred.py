"""An inferred schema is the run's: its chunks, redos and attempts have the same one, whichever way the job takes."""

import bz2
import csv
import gzip
import io
import json
import os
import zipfile
from collections.abc import AsyncIterator

import pytest

from haulier.contracts.dataset import DEFAULT_DATASET, Dataset
from haulier.contracts.limits import PEEK_BYTES
from haulier.contracts.messages import ChunkMessage
from haulier.contracts.states import JobState
from haulier.jobs.calls import drive
from haulier.jobs.finish import Ended, NotYet, finish
from haulier.jobs.peek import compression_of, peek
from haulier.jobs.planning import plan_chunks
from haulier.jobs.writes import update
from tests.fakes.world import INPUT, OUTPUT, TABLE, World
from worker.chunk.source import Head, reading_of
from worker.records.decompress import Decompressor
from worker.records.expansion import Expansion

INFERRING = Dataset.model_validate({"name": "d", "schema": {"infer": True}, "enrich": []})
# By their own first records the later chunks would call n an integer and the code a number.
ROWS = [(str(n), f"{n}.5" if n < 40 else str(n), "007" if n < 40 else "12", "a\nb") for n in range(400)]
TYPES = {"id": "integer", "n": "float", "code": "string", "text": "string"}


WIDE = b"a,b\n" + b"".join(b"%s,x\n" % os.urandom(400).hex().encode() for _ in range(3000))


def _as_csv() -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([tuple(TYPES), *ROWS])
    return text.getvalue().encode()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    made.close()


def _records(world: World, job_id: str) -> list[tuple]:
    lines = b"".join(world.objects.outputs[key] for key in world.manifest(job_id).output_keys).splitlines()
    return [tuple(json.loads(line).values()) for line in lines]


def _agrees(world: World, job_id: str) -> None:
    manifest, job = world.manifest(job_id), world.job(job_id)
    assert job.status is JobState.SUCCEEDED
    assert {column.name: column.type for column in manifest.columns} == TYPES
    assert manifest.inferred == tuple(TYPES)
    assert [column.exact for column in manifest.columns] == [True, True, False, False]
    assert [remark for remark in job.remarks if "inferred" in remark] == list(manifest.remarks)
    assert "n float, code string" in manifest.remarks[0]
    assert _records(world, job_id) == [(int(i), float(n), code, text) for i, n, code, text in ROWS]


@pytest.mark.parametrize("chunk_bytes", [257, 1000])
async def test_all_chunks_have_the_schema_of_the_plan_when_a_run_is_cut(world, chunk_bytes):
    data = _as_csv()
    source = world.objects.put_source(INPUT, "incoming/a.csv", data)
    job = world.accept(source, dataset=INFERRING, queue="bulk", chunked=True)
    reading = peek(data, key="a.csv", complete=True, compression="none", dataset=INFERRING)
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
            assert world.chunk(job.job_id, chunk, round_).report.inferred is None, "the plan says it, once"
        ended = drive(finish(TABLE, OUTPUT, job.job_id, 1, world.clock.now_ms()), world.perform_now)
        if isinstance(ended, Ended):
            break
        assert isinstance(ended, NotYet)
        wanted = [(redo.chunk, redo.round, redo.given, redo.end) for redo in ended.proof.redos]
    _agrees(world, job.job_id)


@pytest.mark.parametrize(("key", "data"), [("a.csv", _as_csv()), ("a.csv.gz", gzip.compress(_as_csv()))])
async def test_the_attempt_that_commits_says_what_it_used_when_there_is_no_plan(world, key, data):
    job = world.submit(data, key=f"incoming/{key}", dataset=INFERRING)
    await world.deliver(world.worker())
    assert world.chunk(job.job_id).report.inferred == TYPES
    _agrees(world, job.job_id)


async def _stream(data: bytes, piece: int) -> AsyncIterator[bytes]:
    for at in range(0, len(data), piece):
        yield data[at : at + piece]


@pytest.mark.parametrize(
    "data",
    [
        b"a,b\n" + b"1,2\n" * 100_000,
        b"a,b\n" + b"1,2\n" * (PEEK_BYTES // 4 - 1),
        b"a,b\n1,2\n",
        gzip.compress(b"a,b\n1,2\n"),
        # As many bytes come out as go in: what more the network brought would be seen.
        gzip.compress(WIDE, 9),
        # Its first block is larger than what is looked at of a plain object.
        bz2.compress(WIDE),
    ],
    ids=["large", "as large as what is looked at", "small", "small gzip", "gzip", "bz2"],
)
async def test_every_attempt_finds_the_same_when_the_network_brings_other_pieces(data):
    packed = compression_of(data[:PEEK_BYTES], key="a.csv", dataset=INFERRING)
    found = []
    for piece in (1000, PEEK_BYTES + 1, 1 << 20, 1 << 23):
        head = Head(_stream(data, piece), len(data))
        expander = Decompressor(packed, Expansion.of(INFERRING.format, "a.csv")) if packed != "none" else None
        looked = await head.look()
        how = {"complete": head.complete, "key": "a.csv", "compression": packed, "dataset": INFERRING}
        found.append(reading_of(looked, expander=expander, **how))
        await head.close()
    assert [reading == found[0] for reading in found] == [True] * len(found)
    assert found[0].inferred is not None


async def test_members_agree_on_a_column_when_a_zip_is_read(world):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1.csv", "id,n\n1,1.5\n2,2\n")
        archive.writestr("2.csv", "id,n,code\n3,3\n4,4,x\n5,5,007\n")
        archive.writestr("3.jsonl", '{"n":6,"id":"seven"}\n{"n":8,"id":8}\n')
    job = world.submit(packed.getvalue(), key="incoming/a.zip", dataset=INFERRING)
    await world.deliver(world.worker())
    manifest = world.manifest(job.job_id)
    assert {column.name: column.type for column in manifest.columns} == {
        "id": "integer",
        "n": "float",
        "code": "string",
    }
    lines = b"".join(world.objects.outputs[key] for key in manifest.output_keys).splitlines()
    records = [json.loads(line) for line in lines]
    assert [(record["id"], record["n"], record.get("code")) for record in records] == [
        (1, 1.5, None), (2, 2.0, None), (4, 4.0, "x"), (5, 5.0, "007"), (8, 8.0, None),
    ]  # fmt: skip
    assert manifest.reject_codes == {"bad_type": 1, "too_few_fields": 1}


async def test_nothing_is_inferred_when_the_dataset_does_not_ask(world):
    job = world.submit(_as_csv(), dataset=DEFAULT_DATASET)
    await world.deliver(world.worker())
    assert world.chunk(job.job_id).report.inferred is None
    assert (world.manifest(job.job_id).columns, world.manifest(job.job_id).inferred) == ((), ())

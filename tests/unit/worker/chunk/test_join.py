"""`layout: single` over faked services: what is joined is what one worker alone would have written."""

import csv
import functools
import gzip
import io
import json
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
import zstandard

import worker.chunk.run
from haulier.contracts.dataset import Dataset
from haulier.contracts.limits import MIB, MIN_PART_BYTES
from haulier.contracts.manifest import Manifest
from haulier.contracts.states import JobState
from haulier.jobs.finish import Ended
from tests.fakes import machine
from tests.fakes.world import World
from worker.errors import Transient
from worker.flow.outputs import Outputs
from worker.outcome import Failed, Finished, Refused

ROWS = [(str(n), f'name "{n}"\nof {n}, and\r\nmore' if n % 3 else f"plain {n}") for n in range(400)]
WIDE = 12 * MIB
"""Bytes of a file whose chunks of 6 MiB give pieces that are copied."""


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    made.close()


def as_csv(rows: list[tuple[str, str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("id", "name"), *rows])
    return text.getvalue().encode()


def as_json_lines(rows: list[tuple[str, str]]) -> bytes:
    return "".join(json.dumps({"id": i, "name": n}) + "\n" for i, n in rows).encode()


def wide(size: int) -> bytes:
    dice = random.Random(7)
    line = b"x" * 900
    return b"id,name\n" + b"".join(b"%d,%s%d\n" % (n, line, dice.random() * 1e9) for n in range(size // 920))


def dataset(**output: Any) -> Dataset:
    return Dataset.model_validate({"name": "d", "enrich": [], "output": {"layout": "single", **output}})


def unpacked(data: bytes, compression: str) -> bytes:
    if compression == "gzip":
        return gzip.decompress(data)
    if compression == "zstd":
        return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True).read()
    return data


async def one_object(world: World, data: bytes, *, how: Dataset, chunk_bytes: int, key: str) -> tuple[Manifest, bytes]:
    """Runs the job in chunks; its manifest and the one object it lists, once nothing else is left of the run."""
    job, wanted = machine.planned(world, data, key=key, dataset=how, chunk_bytes=chunk_bytes)
    assert await machine.run(world, job, wanted) == Ended(JobState.SUCCEEDED)
    manifest = world.manifest(job.job_id)
    (output,) = manifest.output_keys
    left = {key for key in world.objects.outputs if job.job_id in key}
    assert left == {
        output,
        *manifest.rejects_keys,
        *(key for key in left if key.endswith(("_manifest.json", "_SUCCESS"))),
    }
    assert not world.objects.uploads
    assert world.tokens.answers[f"{len(wanted)}/0"] == "success"
    return manifest, world.objects.outputs[output]


async def sequential(data: bytes, *, how: Dataset, key: str) -> tuple[Manifest, bytes]:
    """What one worker alone writes."""
    world = World()
    job = world.submit(data, key=key, dataset=how)
    assert await world.deliver(world.worker()) == [Finished("committed")]
    manifest = world.manifest(job.job_id)
    (output,) = manifest.output_keys
    world.close()
    return manifest, world.objects.outputs[output]


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.parametrize("chunk_bytes", [64, 1000, 7919])
async def test_the_joined_object_is_what_one_worker_writes_when_the_file_is_cut(world, kind, compression, chunk_bytes):
    how = dataset(format=kind, compression=compression)
    key = f"incoming/a.{kind}"
    data = as_csv(ROWS) if kind == "csv" else as_json_lines(ROWS)
    expected_manifest, expected = await sequential(data, how=how, key=key)

    manifest, joined = await one_object(world, data, how=how, chunk_bytes=chunk_bytes, key=key)

    assert unpacked(joined, compression) == unpacked(expected, compression)
    assert (manifest.read, manifest.written) == (expected_manifest.read, expected_manifest.written) == (400, 400)
    assert manifest.profile == expected_manifest.profile
    if compression == "none":
        assert joined == expected


@pytest.mark.parametrize("compression", ["none", "gzip"])
async def test_large_pieces_are_copied_and_never_fetched_when_they_are_joined(world, compression):
    # Already dense text: what gzip makes of it is as large.
    noise = random.Random(3)
    data = b"id,name\n" + b"".join(b"%d,%s\n" % (n, noise.randbytes(1500).hex().encode()) for n in range(WIDE // 3000))
    how = dataset(format="csv", compression=compression)
    chunk_bytes = 6 * MIB if compression == "none" else 11 * MIB
    expected_manifest, expected = await sequential(data, how=how, key="incoming/a.csv")

    manifest, joined = await one_object(world, data, how=how, chunk_bytes=chunk_bytes, key="incoming/a.csv")

    assert unpacked(joined, compression) == unpacked(expected, compression)
    assert manifest.written == expected_manifest.written
    assert manifest.output_bytes == len(joined)
    assert world.objects.copied
    assert sum(end - start for _, start, end in world.objects.copied) > len(joined) - MIN_PART_BYTES


async def test_the_manifest_keeps_the_chunks_counts_and_lists_the_one_object_after_them(world):
    data = as_csv(ROWS) + b"1\n"
    manifest, joined = await one_object(world, data, how=dataset(format="csv"), chunk_bytes=4096, key="incoming/a.csv")

    *chunks, join = manifest.chunks
    assert [chunk.outputs for chunk in chunks] == [()] * len(chunks)
    assert sum(chunk.read for chunk in chunks) == manifest.read == 401
    assert sum(chunk.written for chunk in chunks) == manifest.written == 400
    assert [chunk.base for chunk in manifest.chunks[1:-1]] == [
        sum(before.read for before in chunks[:at]) for at in range(1, len(chunks))
    ]
    assert (join.chunk, join.base, join.first, join.next) == (len(chunks), 401, len(data), len(data))
    assert (join.read, join.written, join.rejected, join.filtered, join.rejects) == (0, 0, 0, 0, None)
    assert [(output.records, output.bytes) for output in join.outputs] == [(400, len(joined))]
    assert manifest.output_bytes == len(joined)
    assert len(manifest.rejects_keys) == 1


async def test_the_header_is_there_once_when_the_first_chunk_wrote_nothing(world):
    how = dataset(format="csv").model_copy(
        update={"transforms": Dataset.model_validate({"name": "d", "transforms": [{"filter": "id > '3'"}]}).transforms}
    )
    data = b"id,name\n" + b"".join(b"%d,name\n" % n for n in (*[1] * 100, *[7] * 100))

    _, joined = await one_object(world, data, how=how, chunk_bytes=512, key="incoming/a.csv")

    assert joined == b"id,name\n" + b"7,name\n" * 100


async def test_nothing_is_joined_when_no_record_was_written(world):
    data = b"id,name\n" + b"1\n" * 500
    job, wanted = machine.planned(world, data, key="incoming/a.csv", dataset=dataset(format="csv"), chunk_bytes=300)

    assert await machine.run(world, job, wanted) == Ended(JobState.SUCCEEDED)

    manifest = world.manifest(job.job_id)
    assert (manifest.output_keys, manifest.rejected, len(manifest.chunks)) == ([], 500, len(wanted))
    assert world.chunk(job.job_id, len(wanted)) is None


async def test_the_run_is_judged_before_anything_is_joined(world):
    how = dataset(format="csv").model_copy(update={"max_invalid_ratio": 0.1})
    job, wanted = machine.planned(
        world, as_csv(ROWS) + b"1\n" * 100, key="incoming/a.csv", dataset=how, chunk_bytes=1000
    )

    assert await machine.run(world, job, wanted) == Ended(JobState.FAILED)

    assert world.chunk(job.job_id, len(wanted)) is None


async def at_the_join(world: World, data: bytes, chunk_bytes: int) -> tuple[Any, int]:
    """A job whose chunks are proven and whose join is on its queue."""
    job, wanted = machine.planned(
        world, data, key="incoming/a.csv", dataset=dataset(format="csv"), chunk_bytes=chunk_bytes
    )
    await machine.run(world, job, wanted, until=len(wanted))
    machine.send(world, job, [(len(wanted), 0)])
    return job, len(wanted)


@pytest.mark.parametrize("harm", ["deleted", "overwritten"])
@pytest.mark.parametrize("size", [30_000, WIDE], ids=["merged", "copied"])
async def test_the_job_fails_and_says_why_when_a_piece_was_tampered_with(world, harm, size):
    job, _ = await at_the_join(world, wide(size), 10_000 if size < WIDE else 6 * MIB)
    piece = min(key for key in world.objects.outputs if "/chunk-00001-" in key)
    if harm == "deleted":
        del world.objects.outputs[piece]
    else:
        body = bytes(len(world.objects.outputs[piece]))
        world.objects.overwrite(piece, body)

    (outcome,) = await world.deliver(world.worker(), "bulk")

    assert isinstance(outcome, Refused)
    failed = world.job(job.job_id)
    assert (failed.status, failed.error.code, failed.error.stage) == (JobState.FAILED, "piece_gone", "write")
    assert "retry the job" in failed.error.message
    assert not world.objects.uploads


async def test_nothing_is_left_of_a_try_when_a_part_cannot_be_stored(world):
    job, join = await at_the_join(world, wide(WIDE + MIB), 6 * MIB)
    before = set(world.objects.outputs)
    world.objects.failing_parts = {3}

    (outcome,) = await world.deliver(world.worker(), "bulk")

    assert isinstance(outcome, Failed)
    assert (set(world.objects.outputs), world.objects.uploads) == (before, {})
    await world.run_dry()
    assert world.chunk(job.job_id, join).report is not None


async def test_the_chunk_is_given_up_when_a_join_is_asked_for_before_its_time(world):
    job, wanted = machine.planned(
        world, as_csv(ROWS), key="incoming/a.csv", dataset=dataset(format="csv"), chunk_bytes=4096
    )
    machine.send(world, job, [(len(wanted), 0)])

    (outcome,) = await world.deliver(world.worker(), "bulk")

    assert isinstance(outcome, Failed)
    assert "before its chunks are proven" in outcome.error.message
    assert not world.objects.outputs


@pytest.fixture
def _rolls_over_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outputs of one part of 8 MiB each."""
    monkeypatch.setattr(worker.chunk.run, "Outputs", functools.partial(Outputs, max_parts=11))


@pytest.mark.usefixtures("_rolls_over_soon")
async def test_one_object_is_left_when_the_output_of_a_run_of_one_chunk_rolls_over(world):
    data = wide(26 * MIB)
    job = world.submit(data, dataset=dataset(format="csv"))

    await world.deliver(world.worker())

    (output,) = world.manifest(job.job_id).output_keys
    assert world.objects.outputs[output] == data
    assert [key for key in world.objects.outputs if "/chunk-" in key] == [output]
    assert len(world.objects.copied) > 1
    assert not world.objects.uploads


@pytest.mark.usefixtures("_rolls_over_soon")
async def test_nothing_is_left_of_an_attempt_when_its_own_join_fails(world, monkeypatch):
    async def refused(*_: object, **__: object) -> None:
        raise Transient("SlowDown")

    world.submit(wide(26 * MIB), dataset=dataset(format="csv"))
    monkeypatch.setattr(world.objects, "copy_part", refused)

    (outcome,) = await world.deliver(world.worker())

    assert isinstance(outcome, Failed)
    assert (world.objects.outputs, world.objects.uploads) == ({}, {})

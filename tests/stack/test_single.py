"""`layout: single`: a file is read by many workers and comes out as one object, the one a single worker would write."""

import csv
import gzip
import io
import json
import random

import pytest

from haulier.client import connect
from haulier.client.progress import progress_of
from haulier.contracts.limits import MIB
from tests.stack.test_chunks import hostile_csv, sequential


def dataset(name: str, chunk_bytes: int, **output: str) -> str:
    how = ", ".join(f"{key}: {value}" for key, value in {"layout": "single", **output}.items())
    return (
        f"match: [{{prefix: incoming/{name}/}}]\nenrich: []\noutput: {{{how}}}\n"
        f"chunking: {{threshold_bytes: 4096, chunk_bytes: {chunk_bytes}}}\n"
    )


def the_object(stack, job) -> bytes:
    """The one object a run lists, once nothing else of it is there."""
    manifest = stack.manifest(job)
    (key,) = manifest.output_keys
    kept = {key, *(f"{stack.prefix(job)}{name}" for name in ("_manifest.json", "_SUCCESS"))}
    assert set(stack.listing(stack.prefix(job))) == kept
    head = stack.s3.head_object(Bucket=stack.info.output_bucket, Key=key)
    (output,) = manifest.chunks[-1].outputs
    assert (head["ETag"].strip('"'), head["ContentLength"]) == (output.etag, output.bytes)
    assert head["Metadata"]["haulier-job"] == job.job_id
    return stack.output(key)


def test_large_pieces_are_joined_to_the_csv_one_worker_would_write(stack, name):
    dice = random.Random(11)
    rows = [(n, dice.randbytes(700).hex(), 'a "quoted"\nvalue') for n in range(9_000)]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("id", "noise", "note"), *rows])
    body = text.getvalue().encode()
    assert len(body) > 12 * MIB
    stack.put_dataset(name, dataset(name, 6 * MIB, format="csv"))

    job = stack.succeed(f"incoming/{name}/large.csv", body, seconds=180)

    assert the_object(stack, job) == body
    manifest = stack.manifest(job)
    *chunks, join = manifest.chunks
    assert (job.chunks, len(chunks), join.chunk) == (3, 3, 3)
    assert sum(chunk.written for chunk in chunks) == manifest.written == join.outputs[0].records == len(rows)
    assert job.output_bytes == manifest.output_bytes == len(body)
    assert [item.chunk for item in stack.chunks(job)] == [0, 1, 2, 3]


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_small_pieces_are_merged_to_the_json_lines_one_worker_would_write(stack, name, compression):
    body = hostile_csv(seed=5, rows=4000)
    stack.put_dataset(name, dataset(name, 7919, compression=compression))

    job = stack.succeed(f"incoming/{name}/hostile.csv", body, seconds=180)

    found = the_object(stack, job)
    lines = gzip.decompress(found) if compression == "gzip" else found
    assert [json.loads(line) for line in lines.splitlines()] == sequential(body)
    assert job.chunks > 10


def test_a_user_sees_and_downloads_the_one_object(stack, name, tmp_path):
    body = b"id,text\n" + b"".join(b"%d,text %d\n" % (n, n) for n in range(2000))
    stack.put_dataset(name, dataset(name, 5000, format="csv"))
    job = stack.succeed(f"incoming/{name}/rows.csv", body)
    info = stack.info
    client = connect(
        info.environment, region=info.region, endpoint_url=info.endpoint_url, environ=info.client_environment()
    )

    progress = progress_of(client.look(job.job_id))
    paths = client.download(job.job_id, tmp_path)

    assert (progress.chunks_done, progress.chunks_total, progress.read) == (job.chunks, job.chunks, 2000)
    assert [path.read_bytes() for path in paths if path.name.startswith("chunk-")] == [body]

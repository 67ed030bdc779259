import json

import pytest

from haulier.client.errors import Damaged, NotFound, Refused
from haulier.client.jobs import look
from haulier.client.results import download, manifest, rejects
from haulier.contracts.keys import manifest_key
from haulier.contracts.manifest import Manifest, ManifestChunk
from haulier.contracts.report import ChunkReport, OutputObject
from haulier.contracts.source import Source
from tests.unit.client.fakes import JOB

REJECT = {"offset": 4, "stage": "parse", "code": "too_few_fields", "message": "2 fields instead of 3", "raw": "1,2"}


def an_object(name: str, body: bytes) -> OutputObject:
    return OutputObject(key=f"processed/default/{JOB}/run=1/{name}", bytes=len(body), records=1, etag="e")


@pytest.fixture
def succeeded(stack):
    """A job of two chunks whose second has a reject."""
    bucket = stack.connection.output_bucket
    bodies = {"chunk-0.jsonl": b'{"a":1}\n', "chunk-1.jsonl": b'{"a":2}\n', "r.jsonl": json.dumps(REJECT).encode()}
    for name, body in bodies.items():
        stack.s3.objects[bucket, an_object(name, body).key] = body

    def chunk(number: int, **more) -> ManifestChunk:
        output = an_object(f"chunk-{number}.jsonl", b'{"a":1}\n')
        counts = {"first": 0, "next": 8, "base": 0, "read": 1, "written": 1, "rejected": 0, "filtered": 0}
        return ManifestChunk.model_validate(counts | {"chunk": number, "outputs": (output,)} | more)

    account = Manifest(
        job_id=JOB,
        run=1,
        dataset="default",
        source=Source(bucket="b", key="k", size=1, etag="e"),
        format="jsonl",
        compression="none",
        accepted_at="",
        sealed_at="",
        engine_revision=1,
        bucket=bucket,
        read=3,
        written=2,
        rejected=1,
        filtered=0,
        reject_codes={},
        input_bytes=10,
        output_bytes=16,
        chunks=(chunk(0), chunk(1, rejects=an_object("r.jsonl", bodies["r.jsonl"]))),
    )
    stack.s3.objects[bucket, manifest_key("default", JOB, 1)] = account.to_json().encode()
    return stack.job(status="SUCCEEDED")


def test_outputs_come_in_the_order_of_the_source_and_the_manifest_last(stack, succeeded, tmp_path):
    counted: list[int] = []
    paths = download(stack.connection, succeeded, tmp_path / "new", on_bytes=counted.append)
    assert [path.name for path in paths] == ["chunk-0.jsonl", "chunk-1.jsonl", "_manifest.json"]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(path.name for path in paths)
    assert sum(counted) == 16


def test_rejects_come_along_when_asked_for(stack, succeeded, tmp_path):
    download(stack.connection, succeeded, tmp_path, rejects=True)
    assert json.loads((tmp_path / "rejected" / "r.jsonl").read_text()) == REJECT


def test_an_object_of_another_size_than_the_manifest_says_never_gets_its_name(stack, succeeded, tmp_path):
    stack.s3.objects[stack.connection.output_bucket, f"processed/default/{JOB}/run=1/chunk-1.jsonl"] = b"short"
    with pytest.raises(Damaged, match="manifest says 8"):
        download(stack.connection, succeeded, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["chunk-0.jsonl"]


@pytest.mark.parametrize("status", ["RUNNING", "FAILED"])
def test_a_job_that_did_not_succeed_has_no_manifest(stack, status):
    with pytest.raises(Refused, match=status):
        manifest(stack.connection, stack.job(status=status))


def test_a_manifest_that_is_gone_is_not_found(stack):
    with pytest.raises(NotFound, match="is gone"):
        manifest(stack.connection, stack.job(status="SUCCEEDED"))


def test_rejects_are_those_the_manifest_lists(stack, succeeded):
    stack.chunk(chunk=0, report=_report(an_object("stray.jsonl", b"")))
    assert list(rejects(stack.connection, look(stack.connection, JOB))) == [REJECT]


def test_a_failed_jobs_rejects_are_those_of_its_committed_chunks(stack):
    stack.job(status="FAILED")
    stack.run()
    body = json.dumps(REJECT).encode()
    stack.s3.objects[stack.connection.output_bucket, an_object("r.jsonl", body).key] = body
    stack.chunk(chunk=0)
    stack.chunk(chunk=1, report=_report(an_object("r.jsonl", body)))
    assert list(rejects(stack.connection, look(stack.connection, JOB))) == [REJECT]


def _report(rejected: OutputObject) -> str:
    return ChunkReport(
        first=0, next=1, read=1, written=0, rejected=1, filtered=0, input_bytes=1, rejects=rejected
    ).to_json()


def test_a_manifest_of_a_later_release_is_read_though_it_says_more(stack, succeeded):
    key = (stack.connection.output_bucket, manifest_key("default", JOB, 1))
    later = json.loads(stack.s3.objects[key]) | {"later": {"a": 1}}
    later["source"]["later"] = later["chunks"][0]["later"] = 1
    expected = manifest(stack.connection, succeeded)
    stack.s3.objects[key] = json.dumps(later).encode()
    assert manifest(stack.connection, succeeded) == expected

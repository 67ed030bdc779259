from pathlib import Path

import pytest

from haulier.client.errors import NotFound, Refused, TimedOut
from haulier.client.uploads import Upload, find_job, job_of, put
from haulier.client.waiting import Patience
from haulier.contracts.source import Source
from haulier.jobs.items import POINTER_SK, pointer_id
from tests.unit.client.fakes import JOB, OTHER

KEY = "incoming/a.csv"


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a\n1\n")
    return path


def point(stack, job: str, etag: str) -> None:
    bucket = stack.connection.input_bucket
    stack.dynamodb.hold(
        {"job_id": pointer_id(bucket, KEY), "sk": POINTER_SK, "current_job": job, "etag": etag, "version_id": ""}
    )


def patience(seconds: float = 3.0) -> Patience:
    """Waits without waiting: its clock goes on by what it is asked to sleep."""
    now = [0.0]

    def sleep(more: float) -> None:
        now[0] += more

    return Patience(poll_seconds=1.0, timeout_seconds=seconds, monotonic=lambda: now[0], sleep=sleep)


def test_a_file_is_stored_under_its_key_and_its_bytes_are_counted(stack, file):
    counted: list[int] = []
    upload = put(stack.connection, file, KEY, on_bytes=counted.append)
    assert stack.s3.objects[stack.connection.input_bucket, KEY] == b"a\n1\n"
    assert sum(counted) == upload.source.size == 4


def test_a_file_that_is_not_there_is_refused_before_anything_is_sent(stack, tmp_path):
    with pytest.raises(NotFound):
        put(stack.connection, tmp_path / "none.csv", KEY)
    assert not stack.s3.objects


@pytest.mark.parametrize("key", ["processed/a.csv", "config/datasets/a.yaml", "temp/x"])
def test_a_key_of_hauliers_own_is_refused(stack, file, key):
    with pytest.raises(Refused, match="Haulier's own"):
        put(stack.connection, file, key)


def test_the_job_is_the_one_the_pointer_names(stack, file):
    upload = put(stack.connection, file, KEY)
    point(stack, JOB, upload.source.etag)
    assert find_job(stack.connection, upload, patience()) == JOB


def test_the_job_of_the_same_bytes_put_before_is_not_taken_for_the_new_one(stack, file):
    first = put(stack.connection, file, KEY)
    point(stack, JOB, first.source.etag)
    second = put(stack.connection, file, KEY)
    assert second.before == JOB
    with pytest.raises(TimedOut, match="no job came of it"):
        find_job(stack.connection, second, patience())
    point(stack, OTHER, first.source.etag)
    assert find_job(stack.connection, second, patience()) == OTHER


def test_an_upload_somebody_wrote_over_is_told_as_such(stack, file):
    upload = put(stack.connection, file, KEY)
    stack.s3.objects[stack.connection.input_bucket, KEY] = b"newer"
    point(stack, OTHER, "another")
    with pytest.raises(Refused, match="written again"):
        find_job(stack.connection, upload, patience())


def test_another_version_of_the_same_bytes_is_another_upload():
    source = Source(bucket="b", key=KEY, size=1, etag="e", version_id="v2")
    upload = Upload(Path("a"), source, None)
    assert job_of({"etag": "e", "version_id": "v1", "current_job": JOB}, upload) is None
    assert job_of({"etag": "e", "version_id": "v2", "current_job": JOB}, upload) == JOB
    assert job_of({"etag": "e", "version_id": "", "current_job": JOB}, upload) == JOB
    assert job_of(None, upload) is None

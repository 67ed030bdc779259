"""The same work against the emulator the tests use, beside the endpoint: what it costs that the S3 is a real one."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from bench.endpoint import INPUT, OUTPUT
from bench.matrix import Series
from bench.run import Bench, Sizes
from haulier.local.emulator import HOST, START_SECONDS, answers, free_port
from haulier.local.processes import terminate

EMULATOR, ENDPOINT = "emulator (ministack)", "the bench's endpoint"


def emulated(bench: Bench, sizes: Sizes) -> list[Series]:
    """CSV → JSON Lines at the naive way's size, since the emulator keeps what it is given."""
    recipe = bench.shelf.recipe("orders.csv", sizes.naive)
    job = bench.job(recipe)
    try:
        with _running(bench.server.work / "emulator") as url:
            s3 = _client(url)
            for bucket in (INPUT, OUTPUT):
                s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
            with bench.real_file(recipe).open("rb") as file:
                s3.upload_fileobj(file, INPUT, recipe.key)
            etag = s3.head_object(Bucket=INPUT, Key=recipe.key)["ETag"].strip('"')
            jobs = {ENDPOINT: job, EMULATOR: replace(job, url=url, etag=etag)}
            return bench.side_by_side("emulator", jobs, sizes.repeat)
    finally:
        bench.drop_real_files()


def _client(url: str) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="eu-central-1",
        aws_access_key_id="bench",
        aws_secret_access_key="bench",  # noqa: S106 - the emulator takes any
        config=Config(s3={"addressing_style": "path"}),
    )


@contextmanager
def _running(folder: Path) -> Iterator[str]:
    """An emulator of S3 alone, on loopback, its objects on disk; removed with all it holds."""
    folder.mkdir(exist_ok=True)
    port = free_port()
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ} | {
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "SERVICES": "s3",
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(folder / "objects"),
        "PERSIST_STATE": "0",
        "TMPDIR": str(folder),
        "DOCKER_HOST": f"unix://{folder}/none",
        # Both would open ports beside the gateway's.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ministack"], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the emulator did not start: {(folder / 'log').read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        yield f"http://{HOST}:{port}"
    finally:
        terminate([process], seconds=2)
        shutil.rmtree(folder)

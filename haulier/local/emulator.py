"""The AWS emulator as a child process: on loopback only, with IAM enforced, far from Docker and the user's AWS."""

import http.client
import os
import socket
import subprocess
import sys
import time
from typing import Self

from haulier.local.clone import repository
from haulier.local.errors import StartFailed
from haulier.local.home import Home
from haulier.local.processes import tail, terminate
from haulier.local.recording import RECORD_CALLS
from haulier.local.stack import ACCESS_KEY, ACCOUNT, REGION, SECRET_KEY

HOST = "127.0.0.1"
START_SECONDS = 30
SERVICES = (
    "s3", "sqs", "sns", "dynamodb", "dynamodbstreams", "lambda", "iam", "sts", "logs", "ssm", "events", "states",
    "scheduler", "cloudformation", "monitoring", "apigateway",
)  # fmt: skip


class Emulator:
    """Started on entering, stopped on leaving.

    Attributes:
        endpoint_url: where it listens.
    """

    def __init__(self, home: Home, *, lock: int) -> None:
        self._home = home
        self._lock = lock
        self._log = home.logs / "emulator.log"
        self._port = free_port()
        self.endpoint_url = f"http://{HOST}:{self._port}"

    def __enter__(self) -> Self:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "haulier.local.gateway"],
                cwd=repository(),
                env=emulator_environment(self._home, self._port),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(self._lock,),
            )
        try:
            self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        terminate([self._process], seconds=2)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not answers(self._port):
            if not self.alive:
                raise StartFailed(f"the emulator ended with code {self._process.returncode}", tail(self._log))
            if time.monotonic() > deadline:
                raise StartFailed(f"the emulator does not answer after {START_SECONDS} s", tail(self._log))
            time.sleep(0.05)


def emulator_environment(home: Home, port: int) -> dict[str, str]:
    """The whole environment of the emulator, and through it of every function it runs: nothing of the user's AWS."""
    names = ("PATH", "HOME", "LANG", "LC_ALL", RECORD_CALLS)
    kept = {name: os.environ[name] for name in names if name in os.environ}
    nowhere = str(home.temporary / "none")
    return kept | {
        "BIND_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "AUTH": "true",
        "SERVICES": ",".join(SERVICES),
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        # Queue URLs name the host: by address, since "localhost" may mean ::1, where nobody listens.
        "MINISTACK_HOST": HOST,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_CONFIG_FILE": nowhere,
        "AWS_SHARED_CREDENTIALS_FILE": nowhere,
        "AWS_EC2_METADATA_DISABLED": "true",
        # Bodies on disk: a 10 GiB object must not live in the emulator's memory.
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(home.objects),
        "PERSIST_STATE": "0",
        "TMPDIR": str(home.temporary),
        # It looks for containers of its own to stop; there are none, and Docker is none of its business here.
        "DOCKER_HOST": f"unix://{nowhere}",
        "LAMBDA_EXECUTOR": "local",
        # Both would open ports beside the gateway's.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
    }


def free_port() -> int:
    """A port of the loopback address that is free at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int) -> bool:
    """Whether the emulator on that port says that it is well."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/_ministack/health")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()

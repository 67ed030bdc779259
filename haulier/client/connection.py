"""Where a stack is, and the one place of the client that speaks to AWS.

Everything has a name that follows from environment, account and region (`haulier.contracts.names`), so a client needs
no more than those and credentials; and the names of buckets that were brought, or that are one (HAULIER_INPUT_BUCKET,
HAULIER_OUTPUT_BUCKET).
"""

import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from haulier.client.errors import NotConfigured
from haulier.contracts.environment import ENVIRONMENT, INPUT_BUCKET, OUTPUT_BUCKET
from haulier.contracts.names import Names
from haulier.jobs.calls import Call, Steps, drive, refusal

R = TypeVar("R")
_ENVIRONMENT = re.compile(r"^[a-z0-9]([a-z0-9-]{0,14}[a-z0-9])?$")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Connection:
    """A stack as the client sees it.

    Attributes:
        names: every physical name of the environment.
        account: the AWS account's id.
        region: the AWS region.
        make_client: a service's name → its boto3 client.
        now_ms: milliseconds since the epoch.
        own_input_bucket: the input bucket, where its name does not follow from the environment's.
        own_output_bucket: the output bucket, where its name does not.
    """

    names: Names
    account: str
    region: str
    make_client: Callable[[str], Any]
    now_ms: Callable[[], int] = _now_ms
    own_input_bucket: str | None = None
    own_output_bucket: str | None = None
    _clients: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def input_bucket(self) -> str:
        return self.own_input_bucket or self.names.input_bucket(self.account, self.region)

    @property
    def output_bucket(self) -> str:
        return self.own_output_bucket or self.names.output_bucket(self.account, self.region)

    @property
    def table(self) -> str:
        return self.names.table

    def client(self, service: str) -> Any:
        """The service's client, made at its first use."""
        if service not in self._clients:
            self._clients[service] = self.make_client(service)
        return self._clients[service]

    def perform(self, call: Call) -> Any:
        """Makes one call. A refusal that is part of the protocol is raised as such (`haulier.jobs.calls.Refused`)."""
        try:
            answer = getattr(self.client(call.service), call.operation)(**call.params)
        except ClientError as error:
            refused = refusal(error.response)
            if refused is not None:
                raise refused from error
            raise
        if call.operation == "get_object":
            answer["Body"] = answer["Body"].read()
        return answer

    def run(self, steps: Steps[R]) -> R:
        """Runs a procedure of `haulier.jobs` to its end."""
        return drive(steps, self.perform)

    def queue_url(self, queue: str) -> str:
        return str(self.client("sqs").get_queue_url(QueueName=queue)["QueueUrl"])


def reach(
    environment: str | None = None,
    *,
    region: str | None = None,
    account: str | None = None,
    endpoint_url: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Connection:
    """Finds a stack. Makes one call (sts) if the account is not given, none otherwise.

    Args:
        environment: the stack's suffix; `HAULIER_ENVIRONMENT` if not given.
        region: the AWS region; as boto3 finds it (AWS_REGION, profile) if not given.
        account: the account's id; asked of sts if not given.
        endpoint_url: an emulator's address; AWS_ENDPOINT_URL if not given.
        environ: environment variables to go by instead of the process's own: HAULIER_ENVIRONMENT,
            HAULIER_INPUT_BUCKET, HAULIER_OUTPUT_BUCKET and AWS_*.

    Raises:
        NotConfigured: there is no environment or no region, or the environment's name cannot be one.
    """
    given = os.environ if environ is None else environ
    environment = environment or given.get(ENVIRONMENT)
    if not environment:
        raise NotConfigured("no environment given", f"name one, or set {ENVIRONMENT}")
    if not _ENVIRONMENT.match(environment):
        raise NotConfigured(
            f"{environment!r} cannot be an environment", "use at most 16 lower case letters, digits and inner hyphens"
        )
    session = boto3.Session(
        aws_access_key_id=given.get("AWS_ACCESS_KEY_ID"),
        aws_secret_access_key=given.get("AWS_SECRET_ACCESS_KEY"),
        aws_session_token=given.get("AWS_SESSION_TOKEN"),
        region_name=region or given.get("AWS_REGION") or given.get("AWS_DEFAULT_REGION"),
        profile_name=None if given.get("AWS_ACCESS_KEY_ID") else given.get("AWS_PROFILE"),
    )
    if not session.region_name:
        raise NotConfigured("no AWS region given", "set AWS_REGION, or choose a profile that has one")
    address = endpoint_url or given.get("AWS_ENDPOINT_URL")

    def make_client(service: str) -> Any:
        return session.client(service, endpoint_url=address, config=_config(address))

    account = account or str(make_client("sts").get_caller_identity()["Account"])
    # Buckets named beside another environment are that one's.
    own = given if given.get(ENVIRONMENT, environment) == environment else {}
    return Connection(
        Names(environment),
        account,
        session.region_name,
        make_client,
        own_input_bucket=own.get(INPUT_BUCKET) or None,
        own_output_bucket=own.get(OUTPUT_BUCKET) or None,
    )


def is_loopback(address: str | None) -> bool:
    """Whether an endpoint is this machine's: an emulator's, which answers at once or is not there."""
    host = urlsplit(address).hostname if address else None
    try:
        return host == "localhost" or (host is not None and ip_address(host).is_loopback)
    except ValueError:
        return False


def _config(address: str | None) -> Config:
    near = is_loopback(address)
    # Names of buckets under an emulator's address do not resolve, so its paths hold them.
    return Config(
        retries={"mode": "standard", "total_max_attempts": 3 if near else 6},
        connect_timeout=1 if near else 5,
        user_agent_extra="haulier-client",
        s3={"addressing_style": "path"} if address else {},
    )

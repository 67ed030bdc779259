"""What is known of a running stack."""

from dataclasses import asdict, dataclass, field
from typing import Any

from haulier.contracts import environment as variables

REGION = "us-east-1"
ACCOUNT = "000000000000"
ACCESS_KEY = "test"
SECRET_KEY = "test"  # noqa: S105 - the emulator's own, published default; it listens on loopback only


@dataclass(frozen=True)
class StackInfo:
    """A stack that is up.

    Attributes:
        endpoint_url: where the emulator listens, on loopback.
        region: the emulator's region.
        environment: the suffix in every name.
        account: the emulator's account id.
        pid: the supervisor's process id.
        directory: where state and logs lie.
        input_bucket: its name.
        output_bucket: its name.
        workers: process ids of the workers that run now.
    """

    endpoint_url: str
    region: str
    environment: str
    account: str
    pid: int
    directory: str
    input_bucket: str
    output_bucket: str
    workers: list[int] = field(default_factory=list)

    def client_environment(self) -> dict[str, str]:
        """Environment of a client of this stack, with the rights of the account's owner."""
        return root_environment(self.endpoint_url) | {
            variables.ENVIRONMENT: self.environment,
            variables.INPUT_BUCKET: self.input_bucket,
            variables.OUTPUT_BUCKET: self.output_bucket,
        }

    def as_state(self) -> dict[str, Any]:
        return asdict(self)


def root_environment(endpoint_url: str) -> dict[str, str]:
    """The AWS variables of the emulator's account owner: all are set, so that no profile of the user's leaks in."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }

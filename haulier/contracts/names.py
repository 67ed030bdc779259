"""Names of AWS resources: one environment suffix names everything, so that no part need import from another's stack."""

from dataclasses import dataclass
from typing import Final

WORKER_SERVICES: Final = ("worker", "worker-ondemand")
"""Spot and on-demand mixed, and on-demand only for what must not be interrupted."""


@dataclass(frozen=True, slots=True)
class Names:
    """Every physical name of one environment.

    Attributes:
        environment: the suffix, `dev` for instance: lower case letters, digits and `-`, at most 16 characters.
    """

    environment: str

    @property
    def prefix(self) -> str:
        return f"haulier-{self.environment}"

    def input_bucket(self, account: str, region: str) -> str:
        return f"{self.prefix}-input-{account}-{region}"

    def output_bucket(self, account: str, region: str) -> str:
        return f"{self.prefix}-output-{account}-{region}"

    def data_bucket(self, account: str, region: str) -> str:
        """Input and output in one, where the deployment asks for that."""
        return f"{self.prefix}-data-{account}-{region}"

    def log_bucket(self, account: str, region: str) -> str:
        """S3's access logs of the others."""
        return f"{self.prefix}-logs-{account}-{region}"

    @property
    def table(self) -> str:
        return f"{self.prefix}-jobs"

    @property
    def status_index(self) -> str:
        return "by-status"

    def queue(self, name: str) -> str:
        """`intake`, `priority`, `standard`, `bulk` or `ondemand`."""
        return f"{self.prefix}-{name}"

    def dlq(self, name: str) -> str:
        """The dead-letter queue of `queue(name)`."""
        return f"{self.prefix}-{name}-dlq"

    @property
    def results_queue(self) -> str:
        return f"{self.prefix}-results.fifo"

    @property
    def bus(self) -> str:
        return self.prefix

    @property
    def api(self) -> str:
        return f"{self.prefix}-api"

    @property
    def state_machine(self) -> str:
        return f"{self.prefix}-chunks"

    @property
    def batch_machine(self) -> str:
        return f"{self.prefix}-batch"

    def function(self, name: str) -> str:
        """`intake`, `plan`, `assemble`, `notify` or `janitor`."""
        return f"{self.prefix}-{name}"

    @property
    def schedule_group(self) -> str:
        return self.prefix

    def schedule(self, name: str) -> str:
        """`janitor`, `cleanup`, `reconcile`, `archive` or `quality`."""
        return f"{self.prefix}-{name}"

    def topic(self, name: str) -> str:
        """`completed`, `failed`, `quality` or `alerts`."""
        return f"{self.prefix}-{name}"

    def stack(self, name: str) -> str:
        """`data`, `pipeline`, `workers` or `access`."""
        return f"{self.prefix}-{name}"

    @property
    def worker_log_group(self) -> str:
        return f"/ecs/{self.prefix}-worker"

    @property
    def worker_role(self) -> str:
        return f"{self.prefix}-worker-task"

    @property
    def deploy_role(self) -> str:
        return f"{self.prefix}-deploy"

    @property
    def cluster(self) -> str:
        """The ECS cluster workers run in."""
        return self.prefix

    def service(self, name: str) -> str:
        """The ECS service of one of `WORKER_SERVICES`."""
        return f"{self.prefix}-{name}"

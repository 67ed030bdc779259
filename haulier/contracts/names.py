"""Names of AWS resources: one environment suffix names everything, so that no part need import from another's stack."""

from dataclasses import dataclass


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
    def state_machine(self) -> str:
        return f"{self.prefix}-chunks"

    def function(self, name: str) -> str:
        """`intake`, `plan`, `assemble`, `notify` or `janitor`."""
        return f"{self.prefix}-{name}"

    def topic(self, name: str) -> str:
        """`completed` or `failed`."""
        return f"{self.prefix}-{name}"

    def stack(self, name: str) -> str:
        """`data`, `pipeline` or `workers`."""
        return f"{self.prefix}-{name}"

    @property
    def worker_log_group(self) -> str:
        return f"/ecs/{self.prefix}-worker"

    @property
    def worker_role(self) -> str:
        return f"{self.prefix}-worker-task"

    @property
    def cluster(self) -> str:
        """The ECS cluster workers run in."""
        return self.prefix

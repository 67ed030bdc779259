"""What names and shapes everything."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from infra.settings.section import Section, by_profile

ENVIRONMENT_PATTERN = r"^[a-z0-9]([a-z0-9-]{0,14}[a-z0-9])?$"


def _number(value: object) -> object:
    """Variables are text, and a Literal takes no text for a number."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


class DeploymentSettings(Section):
    """Environment, profile, functions' target, logs."""

    environment: str = Field(default="dev", pattern=ENVIRONMENT_PATTERN, description="suffix that names everything")
    profile: Literal["dev", "prod"] = Field(
        default="prod",
        description="decides where a setting is not given: `prod` keeps and protects data, `dev` can be destroyed",
    )
    keeps_data: bool = by_profile(
        prod=True, dev=False, description="buckets, table and logs stay when their stack is deleted"
    )
    deletion_protection: bool = by_profile(
        prod=True,
        dev=False,
        description="nobody can delete table or buckets until this is off and deployed",
    )
    termination_protection: bool = by_profile(prod=True, dev=False, description="the stacks cannot be deleted")
    lambda_python: str = Field(default="3.13", pattern=r"^3\.\d+$", description="Python version of the functions")
    lambda_platform: Literal["arm64", "x86_64", "host"] = Field(
        default="arm64",
        description="processor of the functions; `host` bundles no dependency: the emulator runs functions in its own"
        " interpreter, which has them",
    )
    log_retention_days: Annotated[Literal[1, 3, 5, 7, 14, 30, 60, 90, 180, 365], BeforeValidator(_number)] = by_profile(
        prod=30, dev=7, description="how long the functions' and the state machine's logs are kept"
    )

    def disagreements(self) -> list[str]:
        found = super().disagreements()
        if self.deletion_protection and not self.keeps_data:
            found.append(
                "keeps_data is off and deletion_protection is on: a stack whose table is protected cannot be deleted"
            )
        return found

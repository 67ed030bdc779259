"""Roles, tags, who may do what."""

from typing import Annotated

from pydantic import Field, StringConstraints, field_validator
from pydantic_settings import NoDecode

from infra.settings.section import Section

TagKey = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[\w .:/=+@-]+$")]
TagValue = Annotated[str, StringConstraints(max_length=256, pattern=r"^[\w .:/=+@-]*$")]


class GovernanceSettings(Section):
    """Roles, tags, who may do what."""

    permissions_boundary: str | None = Field(
        default=None,
        pattern=r"^(arn:[a-z-]+:iam::(\d{12}|aws):policy/[\w+=,.@/-]+|[\w+=,.@-]+)$",
        description="name or ARN of the managed policy that bounds every role the stacks make",
    )
    role_path: str = Field(
        default="/",
        pattern=r"^/([\w+=,.@-]+/)*$",
        max_length=512,
        description="IAM path of every role the stacks make; `/` at both ends",
    )
    project: TagValue = Field(default="haulier", description="tag `project` of everything")
    cost_centre: TagValue | None = Field(default=None, description="tag `cost-centre` of everything")
    owner: TagValue | None = Field(default=None, description="tag `owner` of everything")
    tags: Annotated[dict[TagKey, TagValue], NoDecode] = Field(
        default={}, description="more tags of everything, or other values for those above: `CostCenter=42,Team=data`"
    )
    cdk_qualifier: str = Field(
        default="hnb659fds", pattern=r"^[a-z0-9]{1,10}$", description="qualifier of the account's `cdk bootstrap`"
    )
    deploy_repository: str | None = Field(
        default=None,
        pattern=r"^[\w.-]+/[\w.-]+$",
        description="GitHub repository (`org/name`) whose workflows may deploy; makes the stack `Access`, their role",
    )
    deploy_subject: str = Field(
        default="ref:refs/heads/main",
        pattern=r"^[\w./:-]+$",
        description="what of the repository may deploy: `ref:refs/heads/main`, or `environment:production`",
    )
    oidc_provider_arn: str | None = Field(
        default=None,
        pattern=r"^arn:[a-z-]+:iam::\d{12}:oidc-provider/token\.actions\.githubusercontent\.com$",
        description="the account's GitHub OIDC provider, if it has one (an account can have only one); else it is made",
    )

    @field_validator("tags", mode="before")
    @classmethod
    def _tag_pairs(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [piece.strip().partition("=") for piece in value.split(",") if piece.strip()]
        if wrong := [key for key, sign, _ in pairs if not sign]:
            raise ValueError(f"{', '.join(wrong)}: write KEY=VALUE, with commas between")
        return {key.strip(): text.strip() for key, _, text in pairs}

    @field_validator("tags")
    @classmethod
    def _no_key_of_aws(cls, value: dict[str, str]) -> dict[str, str]:
        if wrong := [key for key in value if key.lower().startswith("aws:")]:
            raise ValueError(f"{', '.join(wrong)}: keys that begin with aws: are AWS's own")
        if wrong := [key for key in value if [other.lower() for other in value].count(key.lower()) > 1]:
            raise ValueError(f"{', '.join(wrong)}: to IAM these are one key, whatever the case of their letters")
        return value

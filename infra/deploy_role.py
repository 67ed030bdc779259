"""The role a repository's workflows deploy with: no keys are kept anywhere, OpenID Connect says who asks.

A stack of its own, since it must be there before a workflow can deploy the others: `cdk deploy Access`, once, by hand.
"""

from typing import Any

from aws_cdk import Aws, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from constructs import Construct

from haulier.contracts.names import Names
from infra import statements as may
from infra.outputs import outputs
from infra.settings import Settings

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
BOOTSTRAP_ROLES = ("deploy", "file-publishing", "image-publishing", "lookup")
"""The roles `cdk bootstrap` makes for who deploys. What they may do is the account's decision, made there; the one
CloudFormation itself takes (`cfn-exec`) is passed by `deploy` and by nobody else."""


class AccessStack(Stack):
    """The deploy role, and the account's OIDC provider where it has none.

    Attributes:
        role: may take the bootstrap's roles, and nothing else.
    """

    def __init__(self, scope: Construct, *, names: Names, settings: Settings, repository: str, **stack: Any) -> None:
        super().__init__(scope, "Access", stack_name=names.stack("access"), **stack)
        provider = settings.oidc_provider_arn or _provider(self)
        self.role = iam.Role(
            self,
            "Deploy",
            role_name=names.deploy_role,
            description=f"Deploys Haulier from {repository}",
            max_session_duration=Duration.hours(1),
            assumed_by=iam.WebIdentityPrincipal(
                provider,
                {
                    "StringEquals": {
                        f"{ISSUER}:aud": AUDIENCE,
                        f"{ISSUER}:sub": f"repo:{repository}:{settings.deploy_subject}",
                    }
                },
            ),
        )
        roles = f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}:role/cdk-{settings.cdk_qualifier}"
        self.role.add_to_policy(
            may.allow(
                ["sts:AssumeRole"],
                *(f"{roles}-{name}-role-{Aws.ACCOUNT_ID}-{Aws.REGION}" for name in BOOTSTRAP_ROLES),
            )
        )
        self.role.add_to_policy(may.deny_destruction())
        outputs(self, {"DeployRole": self.role.role_arn})


def _provider(scope: Construct) -> str:
    """AWS checks GitHub's certificate by its own list of authorities, so no thumbprint is needed.

    It is the account's only one, so others rely on it by now when this stack goes, or names it in the settings.
    """
    provider = iam.CfnOIDCProvider(scope, "GitHub", url=f"https://{ISSUER}", client_id_list=[AUDIENCE])
    provider.apply_removal_policy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
    return provider.attr_arn

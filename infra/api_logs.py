"""Where the API's requests are written down, and the account-wide right to write them."""

import json

from aws_cdk import Aws, RemovalPolicy
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra import statements as may
from infra.retention import log_group
from infra.settings import Settings

ACCESS_FIELDS = {
    "request_id": "requestId",
    "gateway_id": "extendedRequestId",
    "at": "requestTime",
    "method": "httpMethod",
    "route": "resourcePath",
    "path": "path",
    "status": "status",
    "error": "error.responseType",
    "caller": "identity.userArn",
    "account": "identity.accountId",
    "source_ip": "identity.sourceIp",
    "user_agent": "identity.userAgent",
    "latency_ms": "responseLatency",
    "function_ms": "integrationLatency",
    "answer_bytes": "responseLength",
    "trace": "xrayTraceId",
}
"""Field of a line → context variable of API Gateway. No body is among them, and of the headers the user agent only.

A caller may choose `request_id` by a header, and nobody `gateway_id`. API Gateway escapes what callers send
(DataBiosphere/azul#4348 tried it), so a line is one JSON object whatever the user agent is.
"""

WRITE_LOGS = (
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DescribeLogGroups",
    "logs:DescribeLogStreams",
    "logs:PutLogEvents",
    "logs:GetLogEvents",
    "logs:FilterLogEvents",
)
"""What AWS's own policy for this role holds (AmazonAPIGatewayPushToCloudWatchLogs); a role with less is refused."""


def access_format() -> str:
    """A line of the access log: one JSON object."""
    return json.dumps({name: f"$context.{variable}" for name, variable in ACCESS_FIELDS.items()})


def access_log(scope: Construct, *, name: str, settings: Settings) -> logs.LogGroup:
    return log_group(scope, "AccessLog", physical=f"/aws/apigateway/{name}", settings=settings)


def execution_log(scope: Construct, *, rest_api_id: str, stage: str, settings: Settings) -> logs.LogGroup:
    """The group API Gateway writes its own errors to. It would make it by itself, and keep it for ever."""
    name = f"API-Gateway-Execution-Logs_{rest_api_id}/{stage}"
    return log_group(scope, "ExecutionLog", physical=name, settings=settings)


def account_log_role(scope: Construct, *, api: apigateway.CfnRestApi) -> apigateway.CfnAccount:
    """Gives API Gateway a role to write logs with: one for all REST APIs of account and region.

    It is kept when the stack goes. CloudFormation leaves the account's setting as it is then, and whatever other API
    stands in the account would write no more logs. It may write to any group, since it is not ours alone.
    """
    # API Gateway documents no source that it sends when it takes this role; where it sends one, it must be ours.
    ours = {"StringEqualsIfExists": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
    role = iam.Role(
        scope,
        "LogRole",
        assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com", conditions=ours),
        description="API Gateway writes the logs of this region's REST APIs with it",
    )
    role.add_to_policy(may.allow(WRITE_LOGS, "*"))
    role.add_to_policy(may.deny_destruction())
    account = apigateway.CfnAccount(scope, "Account", cloud_watch_role_arn=role.role_arn)
    # The setting is refused while the role has no policy yet.
    account.node.add_dependency(role)
    # In an account that never had an API there is no setting before the first one (CloudFormation's reference on
    # `AWS::ApiGateway::Account`; aws-cloudformation/rain#163).
    account.node.add_dependency(api)
    policy = role.node.find_child("DefaultPolicy").node.default_child
    assert isinstance(policy, iam.CfnPolicy)  # noqa: S101 - narrows a type, tells nobody anything at run time
    for kept in (role, policy, account):
        kept.apply_removal_policy(RemovalPolicy.RETAIN)
    return account

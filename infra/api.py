"""The HTTP API: API Gateway in front of the function `api`. Its routes and models are `haulier.contracts.api`'s.

Who may call it is said by the callers' own policies, method by method (docs/api.md). The API's policy only denies: an
allow for the account would let everybody in it in, since within one account either policy's allow is enough.
"""

import json
from collections.abc import Mapping

from aws_cdk import Aws
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from haulier.contracts import environment as variables
from haulier.contracts.api import IDEMPOTENCY_HEADER, ROUTES, VERSION, Route, request_schema
from haulier.contracts.model import WireModel
from infra import statements as may
from infra.api_logs import access_format, access_log, account_log_role, execution_log
from infra.function import Surroundings, pipeline_function

API_TIMEOUT_SECONDS = 25
"""API Gateway waits 29 s; the function ends before that, so that its own log says that it did."""
TLS_POLICY = "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09"
"""TLS 1.2 and 1.3 with forward secrecy; a REST API's default still takes TLS 1.0 (API Gateway Developer Guide,
"Security policies for REST APIs")."""

_ERROR = '{"error":{"code":"%s","message":%s,"request_id":"$context.requestId"%s}}'
_AS_TOLD = "$context.error.messageString"
_PROBLEM = ',"problems":[{"field":"body","message":"$context.error.validationErrorString"}]'
GATEWAY_ERRORS: Mapping[str, tuple[str | None, str, str, str]] = {
    # Type → status (None: its own), code, message (as JSON), more.
    "BAD_REQUEST_BODY": ("400", "invalid_request", '"the request is wrong"', _PROBLEM),
    "BAD_REQUEST_PARAMETERS": ("400", "invalid_request", _AS_TOLD, ""),
    "ACCESS_DENIED": ("403", "forbidden", _AS_TOLD, ""),
    "MISSING_AUTHENTICATION_TOKEN": ("403", "forbidden", '"sign the request, and check method and path"', ""),
    "REQUEST_TOO_LARGE": ("413", "too_large", _AS_TOLD, ""),
    "THROTTLED": ("429", "throttled", '"too many requests: try again, later and later"', ""),
    "INTEGRATION_TIMEOUT": ("504", "timed_out", '"it took too long; the same request may be sent again"', ""),
    "DEFAULT_4XX": (None, "refused", _AS_TOLD, ""),
    # Else 502 and 503, too; all of them mean the same to a caller.
    "DEFAULT_5XX": ("500", "internal", '"something went wrong; the same request may be sent again"', ""),
}
"""What API Gateway answers by itself, in the shape of all our errors."""


class HttpApi(Construct):
    """API, stage, function.

    Attributes:
        function: answers every route.
        rest_api: the API.
    """

    def __init__(self, scope: Construct, around: Surroundings) -> None:
        super().__init__(scope, "HttpApi")
        self._around = around
        self.function = self._function()
        self.rest_api = self._rest_api()
        self._validator = self.rest_api.add_request_validator(
            "Validator",
            request_validator_name="body-and-parameters",
            validate_request_body=True,
            validate_request_parameters=True,
        )
        # Each method has a permission of its own to invoke the function, for its own ARN.
        integration = apigateway.LambdaIntegration(self.function, proxy=True, allow_test_invoke=False)
        for route in ROUTES:
            self._method(route, integration)
        for kind, (status, code, message, more) in GATEWAY_ERRORS.items():
            self.rest_api.add_gateway_response(
                f"Answer{kind}",
                type=apigateway.ResponseType.of(kind),
                status_code=status,
                templates={"application/json": _ERROR % (code, message, more)},
            )

    @property
    def url(self) -> str:
        """Where its routes begin, without a slash at the end."""
        return f"https://{self.rest_api.rest_api_id}.execute-api.{Aws.REGION}.{Aws.URL_SUFFIX}/{VERSION}"

    def _function(self) -> lambda_.Function:
        around = self._around
        names = around.names
        return pipeline_function(
            self,
            "api",
            around=around,
            timeout=API_TIMEOUT_SECONDS,
            environment=around.requests
            | {
                variables.OUTPUT_BUCKET: around.storage.output.bucket_name,
                variables.STATUS_INDEX: names.status_index,
                variables.API_CHECKS_CALLERS: "true" if around.settings.api_checks_callers else "false",
            },
            permissions=[
                may.use_table(around.table, "GetItem", "Query", "PutItem", "UpdateItem"),
                may.query_index(around.table, names.status_index),
                *may.read_source(around.storage.input),
                may.read_versions(around.storage.input),
                may.send_to(pair.queue for pair in around.queues.work.values()),
                may.allow(["states:StartExecution"], may.machine_arn(names), may.batch_machine_arn(names)),
            ],
        )

    def _rest_api(self) -> apigateway.RestApi:
        names, settings = self._around.names, self._around.settings
        group = access_log(self, name=names.api, settings=settings)
        api = apigateway.RestApi(
            self,
            "RestApi",
            rest_api_name=names.api,
            description="Haulier: ask for jobs and look at them",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            policy=iam.PolicyDocument(statements=[_deny_other_accounts()]),
            cloud_watch_role=False,
            deploy_options=apigateway.StageOptions(
                stage_name=VERSION,
                caching_enabled=False,
                throttling_rate_limit=settings.api_rate,
                throttling_burst_limit=settings.api_burst,
                metrics_enabled=settings.api_metrics,
                tracing_enabled=settings.tracing,
                logging_level=apigateway.MethodLoggingLevel.ERROR,
                data_trace_enabled=False,
                access_log_destination=apigateway.LogGroupLogDestination(group),
                access_log_format=apigateway.AccessLogFormat.custom(access_format()),
            ),
            default_method_options=apigateway.MethodOptions(authorization_type=apigateway.AuthorizationType.IAM),
        )
        # One output for all who want the address, under a name of ours.
        api.node.try_remove_child("Endpoint")
        cfn = api.node.default_child
        assert isinstance(cfn, apigateway.CfnRestApi)  # noqa: S101 - narrows a type, tells nobody anything at run time
        cfn.security_policy = TLS_POLICY
        cfn.endpoint_access_mode = "STRICT"
        stage = api.deployment_stage
        stage.node.add_dependency(execution_log(self, rest_api_id=api.rest_api_id, stage=VERSION, settings=settings))
        if settings.api_log_role:
            stage.node.add_dependency(account_log_role(self, api=cfn))
        return api

    def _method(self, route: Route, integration: apigateway.LambdaIntegration) -> None:
        resource = self.rest_api.root.resource_for_path(route.path)
        resource.add_method(
            route.method,
            integration,
            operation_name=route.name,
            request_validator=self._validator,
            request_parameters=_parameters(route),
            request_models={"application/json": self._model(route.body)} if route.body else None,
        )

    def _model(self, body: type[WireModel]) -> apigateway.IModel:
        """The request model in the function's own words. A changed model is only in force after a deployment."""
        schema = {"$schema": "http://json-schema.org/draft-04/schema#", **request_schema(body)}
        cfn = apigateway.CfnModel(
            self,
            body.__name__,
            rest_api_id=self.rest_api.rest_api_id,
            name=body.__name__,
            content_type="application/json",
            schema=schema,
        )
        deployment = self.rest_api.latest_deployment
        if deployment is not None:
            deployment.add_to_logical_id(json.dumps(schema, sort_keys=True))
            deployment.node.add_dependency(cfn)
        return apigateway.Model.from_model_name(self, f"{body.__name__}Name", cfn.ref)


def _parameters(route: Route) -> dict[str, bool]:
    """Parameters by their place → whether the request must have them."""
    found: dict[str, bool] = {}
    if route.of_job:
        found["method.request.path.job_id"] = True
    if route.query:
        found |= {f"method.request.querystring.{name}": False for name in route.query.model_fields}
    if route.idempotent:
        found[f"method.request.header.{IDEMPOTENCY_HEADER}"] = False
    return found


def _deny_other_accounts() -> iam.PolicyStatement:
    return iam.PolicyStatement(
        sid="NobodyElsesAccount",
        effect=iam.Effect.DENY,
        principals=[iam.AnyPrincipal()],
        actions=["execute-api:Invoke"],
        resources=["execute-api:/*"],
        conditions={"StringNotEquals": {"aws:PrincipalAccount": Aws.ACCOUNT_ID}},
    )

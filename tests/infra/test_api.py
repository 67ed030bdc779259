"""The HTTP API as the template has it: who may call, what is checked, what is written down."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from haulier.contracts.api import ERRORS, ROUTES, VERSION, SubmitJob, request_schema
from infra.api import API_TIMEOUT_SECONDS, GATEWAY_ERRORS
from infra.api_logs import ACCESS_FIELDS, access_format
from tests.infra.conftest import Stacks, synthesise

DRAFT_4 = {
    "$schema", "additionalProperties", "description", "enum", "items", "maxItems", "maxLength", "maximum", "minItems",
    "minLength", "minimum", "oneOf", "pattern", "properties", "required", "type",
}  # fmt: skip
"""The keywords of draft 4 we use; API Gateway refuses or passes over later drafts' (`$defs`, `const`, …)."""
GATEWAY_WAITS_SECONDS = 29


@pytest.fixture(scope="session")
def without(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    return synthesise(tmp_path_factory.mktemp("without"), api=False)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Stacks:
    """In an account whose API Gateway may write logs already."""
    settings = {"api_log_role": False, "api_rate": 7, "api_burst": 9, "api_metrics": True}
    return synthesise(tmp_path_factory.mktemp("shared"), **settings)


def the_one(stacks: Stacks, kind: str) -> dict[str, Any]:
    (found,) = stacks.of_type(kind).values()
    return found


def paths(stacks: Stacks) -> dict[str, str]:
    """Logical id of each resource of the API → its path."""
    resources = stacks.of_type("AWS::ApiGateway::Resource")

    def path(name: str) -> str:
        properties = resources[name]["Properties"]
        parent = properties["ParentId"].get("Ref")
        return (path(parent) if parent else "") + "/" + properties["PathPart"]

    return {name: path(name) for name in resources}


def methods(stacks: Stacks) -> dict[tuple[str, str], dict[str, Any]]:
    where = paths(stacks)
    found = stacks.of_type("AWS::ApiGateway::Method").values()
    return {
        (m["Properties"]["HttpMethod"], where[m["Properties"]["ResourceId"]["Ref"]]): m["Properties"] for m in found
    }


def test_every_route_is_there_and_nothing_else(prod: Stacks):
    assert set(methods(prod)) == {(route.method, route.path) for route in ROUTES}


def test_every_method_asks_for_a_signature(prod: Stacks):
    assert {method["AuthorizationType"] for method in methods(prod).values()} == {"AWS_IAM"}


def test_other_accounts_are_denied_and_nobody_is_let_in_by_the_api_itself(prod: Stacks):
    (statement,) = the_one(prod, "AWS::ApiGateway::RestApi")["Properties"]["Policy"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Principal"] == {"AWS": "*"}
    assert statement["Resource"] == "execute-api:/*"
    assert statement["Condition"] == {"StringNotEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}}


def test_old_tls_is_refused_and_the_endpoint_is_regional(prod: Stacks):
    api = the_one(prod, "AWS::ApiGateway::RestApi")["Properties"]
    assert api["SecurityPolicy"].startswith("SecurityPolicy_TLS13_1_2")
    assert api["EndpointAccessMode"] == "STRICT"
    assert api["EndpointConfiguration"]["Types"] == ["REGIONAL"]


def test_a_body_is_checked_by_the_model_the_function_reads_it_with(prod: Stacks):
    model = the_one(prod, "AWS::ApiGateway::Model")["Properties"]
    assert {**request_schema(SubmitJob), "$schema": model["Schema"]["$schema"]} == model["Schema"]
    (name,) = prod.of_type("AWS::ApiGateway::Model")
    assert methods(prod)["POST", "/jobs"]["RequestModels"] == {"application/json": {"Ref": name}}


def test_every_request_is_checked_by_a_validator(prod: Stacks):
    (name,) = prod.of_type("AWS::ApiGateway::RequestValidator")
    validator = the_one(prod, "AWS::ApiGateway::RequestValidator")["Properties"]
    assert (validator["ValidateRequestBody"], validator["ValidateRequestParameters"]) == (True, True)
    assert {json.dumps(method["RequestValidatorId"]) for method in methods(prod).values()} == {
        json.dumps({"Ref": name})
    }


def test_the_model_holds_what_api_gateway_understands():
    def keywords(schema: Any) -> set[str]:
        if isinstance(schema, list):
            return set().union(*map(keywords, schema))
        if not isinstance(schema, dict):
            return set()
        below = schema.get("properties", {})
        others = {name: part for name, part in schema.items() if name != "properties"}
        return set(schema) | keywords(list(others.values())) | keywords(list(below.values()))

    assert keywords(request_schema(SubmitJob)) <= DRAFT_4


def test_parameters_are_declared_and_only_the_path_s_must_be_there(prod: Stacks):
    found = methods(prod)
    assert found["GET", "/jobs"]["RequestParameters"] == {
        "method.request.querystring.status": False,
        "method.request.querystring.limit": False,
        "method.request.querystring.next_token": False,
    }
    assert found["POST", "/jobs"]["RequestParameters"] == {"method.request.header.Idempotency-Key": False}
    assert found["GET", "/jobs/{job_id}"]["RequestParameters"] == {"method.request.path.job_id": True}


def test_each_method_may_invoke_the_function_for_itself_and_nobody_else_may(prod: Stacks):
    granted = [
        p["Properties"]
        for p in prod.of_type("AWS::Lambda::Permission").values()
        if p["Properties"]["Principal"] == "apigateway.amazonaws.com"
    ]
    told = set()
    for permission in granted:
        pieces = permission["SourceArn"]["Fn::Join"][1]
        told.add(pieces[-1])
        assert [piece for piece in pieces if piece == {"Ref": "AWS::AccountId"}]
    assert told == {f"/{route.method}{route.path.replace('{job_id}', '*')}" for route in ROUTES}
    assert len(granted) == len(ROUTES)


def test_the_stage_is_throttled_traced_and_keeps_no_cache(prod: Stacks, shared: Stacks):
    stage = the_one(prod, "AWS::ApiGateway::Stage")["Properties"]
    (settings,) = stage["MethodSettings"]
    assert (stage["StageName"], stage["TracingEnabled"]) == (VERSION, True)
    assert (settings["ResourcePath"], settings["HttpMethod"]) == ("/*", "*")
    assert (settings["ThrottlingRateLimit"], settings["ThrottlingBurstLimit"]) == (100, 200)
    assert settings["CachingEnabled"] is settings["DataTraceEnabled"] is settings["MetricsEnabled"] is False
    assert not stage.get("CacheClusterEnabled")
    (chosen,) = the_one(shared, "AWS::ApiGateway::Stage")["Properties"]["MethodSettings"]
    assert (chosen["ThrottlingRateLimit"], chosen["ThrottlingBurstLimit"], chosen["MetricsEnabled"]) == (7, 9, True)


def test_requests_are_written_down_as_json_without_bodies_and_not_kept_for_ever(prod: Stacks):
    access = the_one(prod, "AWS::ApiGateway::Stage")["Properties"]["AccessLogSetting"]
    assert json.loads(access["Format"]) == {name: f"$context.{told}" for name, told in ACCESS_FIELDS.items()}
    assert access["Format"] == access_format()
    assert not [told for told in ACCESS_FIELDS.values() if "body" in told.lower() or "header" in told.lower()]
    kept = {
        json.dumps(group["Properties"]["LogGroupName"]): group["Properties"].get("RetentionInDays")
        for group in prod.of_type("AWS::Logs::LogGroup").values()
    }
    groups = [name for name in kept if "apigateway" in name or "API-Gateway-Execution-Logs_" in name]
    assert len(groups) == 2
    assert {kept[name] for name in groups} == {30}


def test_the_account_s_log_role_outlives_the_stack_and_can_be_left_out(prod: Stacks, shared: Stacks):
    account = the_one(prod, "AWS::ApiGateway::Account")
    (role,) = (name for name in prod.of_type("AWS::IAM::Role") if "LogRole" in name)
    assert account["Properties"]["CloudWatchRoleArn"] == {"Fn::GetAtt": [role, "Arn"]}
    kept = [account, prod.of_type("AWS::IAM::Role")[role]]
    kept += [p for p in prod.of_type("AWS::IAM::Policy").values() if p["Properties"]["Roles"] == [{"Ref": role}]]
    assert [one["DeletionPolicy"] for one in kept] == ["Retain"] * 3
    assert any("LogRole" in name for name in account["DependsOn"])
    assert set(prod.of_type("AWS::ApiGateway::RestApi")) <= set(account["DependsOn"])
    (stage,) = prod.of_type("AWS::ApiGateway::Stage").values()
    assert any("Account" in name for name in stage["DependsOn"])
    assert not shared.of_type("AWS::ApiGateway::Account")
    assert not [name for name in shared.of_type("AWS::IAM::Role") if "LogRole" in name]


def test_without_the_api_nothing_of_it_is_there(without: Stacks):
    kinds = {resource["Type"] for resource in without.pipeline["Resources"].values()}
    assert not [kind for kind in kinds if kind.startswith("AWS::ApiGateway::")]
    assert "ApiUrl" not in without.pipeline["Outputs"]
    assert not [name for name in without.of_type("AWS::Lambda::Function") if "Api" in name]


def test_the_address_is_an_output_and_there_is_one_only(prod: Stacks):
    told = [name for name, output in prod.pipeline["Outputs"].items() if "execute-api" in json.dumps(output)]
    assert told == ["ApiUrl"]


def test_the_function_ends_before_api_gateway_gives_up(prod: Stacks):
    assert prod.function("api")["Timeout"] == API_TIMEOUT_SECONDS < GATEWAY_WAITS_SECONDS


@pytest.mark.parametrize("kind", GATEWAY_ERRORS)
def test_what_api_gateway_answers_by_itself_has_the_shape_of_all_errors(prod: Stacks, kind: str):
    found = prod.named("AWS::ApiGateway::GatewayResponse", "ResponseType", kind)
    template = found["ResponseTemplates"]["application/json"]
    told = json.loads(template.replace("$context.error.messageString", '"text"'))["error"]
    assert set(told) <= {"code", "message", "request_id", "problems"}
    assert told["request_id"] == "$context.requestId"
    status = found.get("StatusCode")
    assert status is None or status == GATEWAY_ERRORS[kind][0]


def test_no_error_has_a_status_that_the_document_does_not_tell(prod: Stacks):
    given = {status for status, *_ in GATEWAY_ERRORS.values() if status}
    assert set(map(int, given)) <= set(ERRORS)
    failed = prod.named("AWS::ApiGateway::GatewayResponse", "ResponseType", "DEFAULT_5XX")
    assert failed["StatusCode"] == "500"


def test_a_line_of_the_access_log_has_an_id_its_caller_cannot_choose(prod: Stacks):
    line = json.loads(the_one(prod, "AWS::ApiGateway::Stage")["Properties"]["AccessLogSetting"]["Format"])
    assert (line["request_id"], line["gateway_id"]) == ("$context.requestId", "$context.extendedRequestId")


def test_what_goes_wrong_behind_the_gateway_is_told_in_words_of_ours(prod: Stacks):
    for kind in ("DEFAULT_5XX", "INTEGRATION_TIMEOUT"):
        found = prod.named("AWS::ApiGateway::GatewayResponse", "ResponseType", kind)
        assert "$context.error" not in found["ResponseTemplates"]["application/json"]


def test_a_changed_model_is_a_new_deployment(prod: Stacks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("infra.api.request_schema", lambda model: {"type": "object", "description": "another"})
    changed = synthesise(tmp_path)
    assert set(changed.of_type("AWS::ApiGateway::Deployment")) != set(prod.of_type("AWS::ApiGateway::Deployment"))


VALID = [
    {"key": "a"},
    {"key": "a", "version_id": "v", "dataset": "flights", "processing_type": "batch"},
    {"keys": ["a", "b"]},
    {"keys_object": "lists/a.txt"},
    {"prefix": "incoming/"},
    {"bucket": "a-bucket", "key": "a"},
]
INVALID = [
    {}, {"key": "a", "keys": ["b"]}, {"keys": []}, {"keys": ["a"] * 1001}, {"key": ""}, {"key": "k" * 1025},
    {"key": 1}, {"key": "a", "more": 1}, {"key": "a", "keys": None}, {"key": None},
    {"key": "a", "dataset": "A B"}, {"key": "a", "processing_type": "fast"}, [],
    "a",
]  # fmt: skip


@pytest.mark.parametrize("body", VALID + INVALID, ids=lambda body: json.dumps(body)[:40])
def test_gateway_and_function_agree_on_what_a_request_is(body: Any):
    """By ministack's own evaluator, which is API Gateway's as far as the embedded stack is concerned."""
    from ministack.services.apigateway_v1 import _json_schema_valid

    schema = request_schema(SubmitJob)
    try:
        SubmitJob.model_validate_json(json.dumps(body))
        read = True
    except ValidationError:
        read = False
    assert _json_schema_valid(schema, body, schema) is read is (body in VALID)


def test_the_function_s_role_holds_what_its_calls_take(prod: Stacks):
    allowed = {
        action
        for statement in prod.statements("HttpApiApiRole")
        if statement["Effect"] == "Allow"
        for action in ([statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"])
    }
    assert allowed == {
        "dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem", "s3:GetObject",
        "s3:GetObjectVersion", "s3:ListBucket", "sqs:SendMessage", "states:StartExecution", "logs:CreateLogStream",
        "logs:PutLogEvents", "xray:PutTraceSegments", "xray:PutTelemetryRecords",
    }  # fmt: skip


def test_the_document_s_routes_are_the_deployed_ones(prod: Stacks):
    document = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())
    told = {(verb.upper(), path) for path, item in document["paths"].items() for verb in item}
    assert told == set(methods(prod))

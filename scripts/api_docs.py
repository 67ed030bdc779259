"""docs/openapi.json, from the routes and models of haulier/contracts/api.py: OpenAPI 3.1, for tools and for people."""

import json
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from haulier.contracts.api import (
    ANYWHERE,
    ERRORS,
    IDEMPOTENCY_HEADER,
    IDEMPOTENCY_PATTERN,
    ROUTES,
    VERSION,
    ErrorAnswer,
    Route,
    request_schema,
    without_nulls,
)
from haulier.contracts.ids import JOB_ID_PATTERN

DESCRIPTION = """Asks for jobs and looks at them. Every request is signed (AWS Signature Version 4, service \
`execute-api`); who may call what is said by the callers' own IAM policies. See api.md beside this document."""
SIGNATURE = {
    "type": "apiKey",
    "name": "Authorization",
    "in": "header",
    "x-amazon-apigateway-authtype": "awsSigv4",
    "description": "AWS Signature Version 4, service execute-api",
}
_REFERENCE = "#/components/schemas/{model}"


def render() -> str:
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def document() -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Haulier", "version": VERSION, "description": DESCRIPTION},
        "servers": [
            {
                "url": f"https://{{api_id}}.execute-api.{{region}}.amazonaws.com/{VERSION}",
                "description": "the output ApiUrl of the Pipeline stack",
                "variables": {"api_id": {"default": "API_ID"}, "region": {"default": "us-east-1"}},
            }
        ],
        "security": [{"sigv4": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"sigv4": SIGNATURE},
            "responses": {
                f"Error{status}": {"description": told, "content": _content(ErrorAnswer)}
                for status, told in ERRORS.items()
            },
            "schemas": _schemas(),
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = {"operationId": route.name, "summary": route.summary}
    parameters = _parameters(route)
    if parameters:
        found["parameters"] = parameters
    if route.body:
        found["requestBody"] = {"required": True, "content": _content(route.body)}
    found["responses"] = {
        str(status): {"description": "OK" if status == 200 else "Accepted", "content": _content(model)}
        for status, model in sorted(route.answers.items())
    } | {
        str(status): {"$ref": f"#/components/responses/Error{status}"} for status in sorted({*ANYWHERE, *route.errors})
    }
    return found


def _parameters(route: Route) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if route.of_job:
        schema = {"type": "string", "pattern": JOB_ID_PATTERN}
        found.append({"name": "job_id", "in": "path", "required": True, "schema": schema})
    if route.query:
        properties = request_schema(route.query)["properties"]
        for name, field in route.query.model_fields.items():
            schema = dict(properties[name])
            told = schema.pop("description", "")
            if field.default is not None:
                schema["default"] = field.default
            found.append({"name": name, "in": "query", "required": False, "description": told, "schema": schema})
    if route.idempotent:
        schema = {"type": "string", "pattern": IDEMPOTENCY_PATTERN}
        told = "the caller's own name of the request: sent again with the same body, it answers the same job"
        place = {"name": IDEMPOTENCY_HEADER, "in": "header", "required": False}
        found.append({**place, "description": told, "schema": schema})
    return found


def _content(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REFERENCE.format(model=model.__name__)}}}


def _schemas() -> dict[str, Any]:
    answers: list[type[BaseModel]] = [model for route in ROUTES for model in route.answers.values()]
    wanted = [(model, "validation") for model in dict.fromkeys([*answers, ErrorAnswer])]
    _, found = models_json_schema(wanted, ref_template=_REFERENCE)  # type: ignore[arg-type]  # a literal, widened
    schemas = {name: _answered(without_nulls(schema)) for name, schema in found["$defs"].items()}
    schemas |= {route.body.__name__: request_schema(route.body) for route in ROUTES if route.body}
    return dict(sorted(schemas.items()))


def _answered(schema: dict[str, Any]) -> dict[str, Any]:
    """A part of an answer: a later release may say more, so a reader must not refuse what it does not know."""
    told = str(schema.get("description", "")).split("\n\nAttributes:")[0]
    kept = {name: part for name, part in schema.items() if name != "additionalProperties"}
    return kept | ({"description": told} if told else {})

"""Requests as API Gateway's proxy integration hands them over, and what came back."""

import json
from dataclasses import dataclass
from typing import Any

from dispatcher.api import Api
from dispatcher.datasets import DatasetReader
from dispatcher.intake import Intake
from dispatcher.settings import ApiSettings, read
from haulier.contracts.api import ROUTES
from tests.unit.dispatcher.builders import INPUT, NOW, an_environment
from tests.unit.dispatcher.cloud import Cloud

ROLE = "arn:aws:sts::000000000000:assumed-role/loader/session-1"
ROUTE = {route.name: route for route in ROUTES}


def an_api(cloud: Cloud, *, now_ms: int = NOW, **changes: str) -> Api:
    settings = read(ApiSettings, an_environment(**changes))
    return Api(settings, Intake(settings, cloud.perform, DatasetReader(INPUT), lambda: now_ms, 1))


@dataclass(frozen=True)
class Answer:
    status: int
    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def error(self) -> dict[str, Any]:
        return self.body["error"]

    @property
    def problems(self) -> dict[str, str]:
        return {problem["field"]: problem["message"] for problem in self.error["problems"]}


def request(
    name: str,
    *,
    body: Any = None,
    job_id: str | None = None,
    query: dict[str, str] | None = None,
    key: str | None = None,
    caller: str | None = ROLE,
    request_id: str = "request-1",
) -> dict[str, Any]:
    """The event of a request to the route of that name."""
    route = ROUTE[name]
    return {
        "httpMethod": route.method,
        "resource": route.path,
        "path": route.path.replace("{job_id}", job_id or ""),
        "multiValueHeaders": {"idempotency-key": [key]} if key is not None else None,
        "pathParameters": {"job_id": job_id} if job_id is not None else None,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} if query else None,
        "body": body if body is None or isinstance(body, str) else json.dumps(body),
        "isBase64Encoded": False,
        "requestContext": {"requestId": request_id, "identity": {"userArn": caller, "accountId": "000000000000"}},
    }


def ask(api: Api, name: str, **given: Any) -> Answer:
    """What the API answers to `request(name, …)`."""
    answer = api.handle(request(name, **given))
    return Answer(answer["statusCode"], json.loads(answer["body"]), answer["headers"])

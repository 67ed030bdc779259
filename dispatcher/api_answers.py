"""What the API says: a model as the body of an answer, or why it declines. Nothing of our insides is told."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from haulier.contracts.api import MAX_PROBLEMS, ApiError, ErrorAnswer, ErrorStatus, Problem
from haulier.contracts.model import WireModel

_FIELD_CHARS = 200
"""Of a field's name in an answer: one that is not ours may be as long as the body."""
_HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-store"}


class Declined(Exception):
    """The request is answered with an error; the text is for whoever sent it.

    Args:
        status: of HTTP.
        code: stable and short.
        message: what is wrong and what to do.
        problems: field by field, where there are some.
        job_id: the job it is about.
    """

    def __init__(
        self,
        status: ErrorStatus,
        code: str,
        message: str,
        *,
        problems: tuple[Problem, ...] = (),
        job_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.problems = problems
        self.job_id = job_id


def invalid(error: ValidationError, *, body: str = "body") -> Declined:
    """What pydantic found, field by field, and not the values: they may be long, or not for every eye."""
    problems = [
        Problem(
            field=".".join(map(str, entry["loc"]))[:_FIELD_CHARS] or body,
            message=entry["msg"].removeprefix("Value error, "),
        )
        for entry in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    return Declined(400, "invalid_request", "the request is wrong", problems=tuple(problems[:MAX_PROBLEMS]))


def wrong(field: str, message: str) -> Declined:
    """One thing is wrong with the request."""
    problem = Problem(field=field[:_FIELD_CHARS], message=message)
    return Declined(400, "invalid_request", "the request is wrong", problems=(problem,))


def answer(status: int, body: WireModel, **headers: str) -> dict[str, Any]:
    """An answer as API Gateway wants it of a proxy integration."""
    return _answer(status, body.to_json(), headers)


def decline(why: Declined, request_id: str) -> dict[str, Any]:
    error = ApiError(code=why.code, message=str(why), request_id=request_id, problems=why.problems, job_id=why.job_id)
    told = ErrorAnswer(error=error).model_dump(exclude_none=True, exclude_defaults=True)
    return _answer(why.status, json.dumps(told, separators=(",", ":")), {})


def _answer(status: int, body: str, headers: Mapping[str, str]) -> dict[str, Any]:
    return {"statusCode": status, "headers": {**_HEADERS, **headers}, "body": body, "isBase64Encoded": False}

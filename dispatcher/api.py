"""Handler of the HTTP API (`haulier.contracts.api`): one function for all its routes, behind API Gateway.

API Gateway has checked the signature, the caller's rights and the body's shape before it calls; the last is checked
here again, since a body of another content type passes it unread. Nothing here waits for work to be done: a job is
written and handed over, and the answer says where it stands.
"""

import base64
import binascii
import functools
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, assert_never

from pydantic import ValidationError

from dispatcher import aws, log
from dispatcher.api_answers import Declined, answer, decline, invalid, wrong
from dispatcher.api_requests import Requests, found
from dispatcher.api_views import detail, position_of, shown, token_of
from dispatcher.datasets import DatasetReader
from dispatcher.intake import Intake
from dispatcher.settings import ApiSettings, read
from haulier.contracts.api import (
    IDEMPOTENCY_HEADER,
    IDEMPOTENCY_PATTERN,
    MAX_BODY_BYTES,
    ROUTES,
    JobPage,
    ListJobs,
    Route,
    SubmitJob,
)
from haulier.contracts.ids import is_job_id
from haulier.contracts.model import WireModel
from haulier.contracts.states import FINAL, JobState
from haulier.jobs.calls import drive
from haulier.jobs.idempotency import caller_of
from haulier.jobs.items import JobItem
from haulier.jobs.newest import newest
from haulier.jobs.writes import get_job

M = TypeVar("M", bound=WireModel)
Event = Mapping[str, Any]
_READ_SECONDS = 5
"""Somebody waits, and API Gateway for 29 s only: an answer that does not come is asked for again in time."""
_SIGNED = re.compile(r"^AWS4-HMAC-SHA256 Credential=(\w+)/")
_ROUTES = {(route.method, route.path): route for route in ROUTES}


@dataclass(frozen=True)
class Api:
    """What the API works with.

    Attributes:
        settings: of the function.
        intake: takes jobs in as it does those of events.
    """

    settings: ApiSettings
    intake: Intake

    def handle(self, event: Event) -> dict[str, Any]:
        """Answers one request; never raises."""
        context = event["requestContext"]
        request_id = str(context.get("requestId") or "")
        # The caller may choose the one by a header (`x-amzn-RequestId`), and nobody the other (API Gateway Developer
        # Guide, "Variables for access logging").
        own_id = str(context.get("extendedRequestId") or request_id)
        told = {"request_id": request_id, "gateway_id": own_id, "route": f"{event['httpMethod']} {event['resource']}"}
        try:
            told["caller"] = caller = _caller(event, checked=self.settings.checks_callers)
            response = self._answer(_route(event), event, caller, own_id)
        except Declined as why:
            log.info("api.declined", **told, status=why.status, code=why.code, job_id=why.job_id)
            return decline(why, request_id)
        except Exception:  # noqa: BLE001 - the edge of one request: what went wrong is for the logs alone
            log.error("api.failed", **told)
            internal = Declined(500, "internal", "something went wrong; the same request may be sent again")
            return decline(internal, request_id)
        log.info("api.answered", **told, status=response["statusCode"])
        return response

    def _answer(self, route: Route, event: Event, caller: str, own_id: str) -> dict[str, Any]:
        requests = Requests(self.intake)
        job_id = _job_id(event) if route.of_job else ""
        match route.name:
            case "submitJob":
                body, key = _body(event, SubmitJob), _key(event)
                return _submitted(requests.submit(body, caller=caller, key=key, request_id=own_id))
            case "listJobs":
                return answer(200, self._page(_query(event, ListJobs)))
            case "getJob":
                table = self.settings.table
                job = found(drive(get_job(table, job_id), self.intake.perform), job_id)
                return answer(200, drive(detail(table, self.settings.output_bucket, job), self.intake.perform))
            case "retryJob":
                return answer(202, shown(requests.retry(job_id)))
            case "cancelJob":
                return answer(200, shown(requests.cancel(job_id)))
            case _:
                assert_never(route.name)

    def _page(self, query: ListJobs) -> JobPage:
        after = position_of(query.next_token, query.status) if query.next_token else None
        states = [query.status] if query.status else list(JobState)
        steps = newest(self.settings.table, self.settings.status_index, states, query.limit, after=after)
        page = drive(steps, self.intake.perform)
        if page.unreadable:
            log.warning("jobs.unreadable", job_ids=page.unreadable)
        return JobPage(
            jobs=tuple(map(shown, page.jobs)),
            next_token=token_of(query.status, page.following) if page.following else None,
        )


def _submitted(job: JobItem) -> dict[str, Any]:
    if job.status == JobState.REJECTED:
        code, message = (job.error.code, job.error.message) if job.error else ("rejected", "it was refused at intake")
        raise Declined(422, code, message, job_id=job.job_id)
    return answer(200 if job.status in FINAL else 202, shown(job), Location=f"jobs/{job.job_id}")


def _route(event: Event) -> Route:
    found = _ROUTES.get((event["httpMethod"], event["resource"]))
    if found is None:
        raise Declined(404, "not_found", "there is no such route")
    return found


def _caller(event: Event, *, checked: bool) -> str:
    """Who asks. API Gateway lets nobody in who did not sign; a call that says nobody came another way.

    Args:
        event: the request.
        checked: false behind an emulator that lets everybody in and names nobody: then who signed is who says so.
    """
    arn = (event["requestContext"].get("identity") or {}).get("userArn")
    if arn:
        return caller_of(arn)
    claimed = _SIGNED.match(_header(event, "Authorization") or "")
    if checked or not claimed:
        raise Declined(403, "forbidden", "sign the request (AWS Signature Version 4, service execute-api)")
    return claimed[1]


def _job_id(event: Event) -> str:
    job_id = (event.get("pathParameters") or {}).get("job_id") or ""
    if not is_job_id(job_id):
        raise wrong("job_id", "a job's id is `j` and 26 of a-z and 2-7")
    return job_id


def _key(event: Event) -> str | None:
    found = _header(event, IDEMPOTENCY_HEADER)
    if found is not None and not re.fullmatch(IDEMPOTENCY_PATTERN, found):
        raise wrong(IDEMPOTENCY_HEADER, "give 1 to 128 visible ASCII characters, a UUID for instance")
    return found


def _header(event: Event, wanted: str) -> str | None:
    given = event.get("multiValueHeaders") or {name: [value] for name, value in (event.get("headers") or {}).items()}
    found = [value for name, values in given.items() if name.lower() == wanted.lower() for value in values]
    if len(found) > 1:
        raise wrong(wanted, "give it once")
    return found[0] if found else None


def _body(event: Event, model: type[M]) -> M:
    body = (event.get("body") or "").encode(errors="surrogatepass")
    try:
        text = base64.b64decode(body, validate=True) if event.get("isBase64Encoded") else body
    except binascii.Error:
        raise wrong("body", "it is not the base64 it claims to be") from None
    if len(text) > MAX_BODY_BYTES:
        raise Declined(413, "too_large", f"the body has {len(text)} bytes, more than {MAX_BODY_BYTES}")
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise invalid(error) from None


def _query(event: Event, model: type[M]) -> M:
    given = event.get("multiValueQueryStringParameters") or {}
    twice = next((name for name, values in given.items() if len(values) > 1), None)
    if twice is not None:
        raise wrong(twice, "give it once")
    try:
        return model.model_validate({name: values[0] for name, values in given.items()})
    except ValidationError as error:
        raise invalid(error, body="query") from None


@functools.cache
def _api() -> Api:
    settings = read(ApiSettings, os.environ)
    perform = aws.connect(settings.bucket_owner, _READ_SECONDS).perform
    return Api(settings, Intake(settings, perform, DatasetReader(settings.input_bucket), aws.now_ms))


def handler(event: Event, context: object) -> dict[str, Any]:  # noqa: ARG001 - Lambda passes both
    """Entry point: a request, as API Gateway's proxy integration hands it over → its answer."""
    return _api().handle(event)

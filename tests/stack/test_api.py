"""The HTTP API as callers use it: signed requests to the deployed API, whose function runs under the shipped role."""

import http.client
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode, urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from haulier.contracts.states import JobState
from tests.stack.conftest import Stack, wait_until

CSV = b"a,b\n1,2\n3,4\n"
UNKNOWN = "j" + "a" * 26


@dataclass(frozen=True)
class Answer:
    status: int
    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def error(self) -> dict[str, Any]:
        assert set(self.body) == {"error"}
        assert {"code", "message", "request_id"} <= set(self.body["error"])
        return self.body["error"]


@dataclass(frozen=True)
class Caller:
    """Someone with keys of the account, or nobody.

    Attributes:
        base: address of the API's stage.
    """

    base: str
    region: str
    keys: Credentials | None = field(repr=False)

    def ask(
        self, method: str, path: str, body: Any = None, *, query: dict[str, str] | None = None, **headers: str
    ) -> Answer:
        url = self.base + path + (f"?{urlencode(query)}" if query else "")
        data = body if isinstance(body, str) or body is None else json.dumps(body)
        told = {"Content-Type": "application/json"} | {name.replace("_", "-"): text for name, text in headers.items()}
        request = AWSRequest(method, url, headers=told, data=data)
        if self.keys:
            SigV4Auth(self.keys, "execute-api", self.region).add_auth(request)
        where = urlsplit(url)
        connection = http.client.HTTPConnection(where.netloc, timeout=60)
        try:
            connection.request(method, f"{where.path}?{where.query}", body=data, headers=dict(request.headers))
            answer = connection.getresponse()
            return Answer(answer.status, json.loads(answer.read()), dict(answer.getheaders()))
        finally:
            connection.close()


def client(stack: Stack, service: str) -> Any:
    environment = stack.info.client_environment()
    return boto3.client(
        service,
        endpoint_url=stack.info.endpoint_url,
        region_name=stack.info.region,
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )


@pytest.fixture(scope="module")
def api_id(stack: Stack) -> str:
    (pipeline,) = client(stack, "cloudformation").describe_stacks(StackName=stack.names.stack("pipeline"))["Stacks"]
    (url,) = (output["OutputValue"] for output in pipeline["Outputs"] if output["OutputKey"] == "ApiUrl")
    found = re.match(r"https://([^.]+)\.execute-api\.[^/]+/v1$", url)
    assert found, url
    return found[1]


@pytest.fixture(scope="module")
def base(stack: Stack, api_id: str) -> str:
    """Where the emulator serves what AWS serves at the output's address."""
    return f"{stack.info.endpoint_url}/restapis/{api_id}/v1/_user_request_"


@pytest.fixture
def owner(stack: Stack, base: str) -> Caller:
    environment = stack.info.client_environment()
    keys = Credentials(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])
    return Caller(base, stack.info.region, keys)


def test_a_job_that_is_asked_for_ends_well_and_says_where_its_results_lie(stack: Stack, owner: Caller, name: str):
    key = f"elsewhere/{name}.csv"
    put = stack.s3.put_object(Bucket=stack.info.input_bucket, Key=key, Body=CSV)
    stack.put(key, b"a,b\n")
    body = {"key": key, "version_id": put["VersionId"], "processing_type": "priority"}

    asked = owner.ask("POST", "/jobs", body)

    assert (asked.status, asked.body["state"], asked.body["queue"]) == (202, "ACCEPTED", "priority")
    job = stack.final(asked.body["job_id"])
    assert job.status == JobState.SUCCEEDED
    shown = owner.ask("GET", f"/jobs/{job.job_id}")
    assert shown.status == 200
    assert (shown.body["state"], shown.body["counts"]["written"]) == ("SUCCEEDED", 2)
    assert shown.body["progress"]["bytes_done"] == len(CSV)
    bucket, _, manifest = shown.body["results"]["manifest"].removeprefix("s3://").partition("/")
    assert bucket == stack.info.output_bucket
    assert json.loads(stack.output(manifest))["job_id"] == job.job_id
    again = owner.ask("POST", "/jobs", body)
    assert (again.status, again.body["job_id"]) == (200, job.job_id)


def test_several_objects_are_one_batch(stack: Stack, owner: Caller, name: str):
    keys = [f"elsewhere/{name}/{at}.csv" for at in range(3)]
    for key in keys:
        stack.put(key, CSV)

    asked = owner.ask("POST", "/jobs", {"keys": keys})

    assert (asked.status, asked.body["operation"]) == (202, "batch")
    batch = stack.final(asked.body["job_id"])
    assert batch.status == JobState.SUCCEEDED
    shown = owner.ask("GET", f"/jobs/{batch.job_id}").body
    assert shown["members"] == {"listed": 3, "complete": True, "states": {"SUCCEEDED": 3}}
    assert shown["counts"]["read"] == 6


def test_jobs_are_listed_newest_first_page_by_page(stack: Stack, owner: Caller, name: str):
    made = {stack.succeed(f"incoming/{name}/{at}.csv", CSV).job_id for at in range(3)}

    first = owner.ask("GET", "/jobs", query={"limit": "2", "status": "SUCCEEDED"})
    second = owner.ask(
        "GET", "/jobs", query={"limit": "2", "status": "SUCCEEDED", "next_token": first.body["next_token"]}
    )

    jobs = first.body["jobs"] + second.body["jobs"]
    assert (first.status, second.status, len(first.body["jobs"])) == (200, 200, 2)
    assert made <= {job["job_id"] for job in jobs}
    assert [job["updated_at"] for job in jobs] == sorted((job["updated_at"] for job in jobs), reverse=True)


BAD = {
    "nothing": {},
    "two of them": {"key": "a", "prefix": "b"},
    "another field": {"key": "a", "colour": "red"},
    "a number": {"key": 5},
    "an unknown type": {"key": "a", "processing_type": "fast"},
    "no json": "{",
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_body_is_refused_with_what_is_wrong_with_it(owner: Caller, what: str):
    answer = owner.ask("POST", "/jobs", BAD[what])

    assert (answer.status, answer.error["code"]) == (400, "invalid_request")
    assert answer.error["problems"]


@pytest.fixture
def validating(stack: Stack, api_id: str) -> None:
    """The emulator leaves out the validator that the template gives to every method: this puts it in."""
    gateway = client(stack, "apigateway")
    validator = gateway.create_request_validator(
        restApiId=api_id, validateRequestBody=True, validateRequestParameters=True
    )
    patches = [{"op": "replace", "path": "/requestValidatorId", "value": validator["id"]}]
    for resource in gateway.get_resources(restApiId=api_id, limit=100)["items"]:
        for method in resource.get("resourceMethods", {}):
            gateway.update_method(
                restApiId=api_id, resourceId=resource["id"], httpMethod=method, patchOperations=patches
            )


def test_a_bad_body_does_not_reach_the_function_where_api_gateway_checks_it(
    stack: Stack, owner: Caller, name: str, validating: None
):
    for what, body in BAD.items():
        answer = owner.ask("POST", "/jobs", body)
        assert (answer.status, answer.error["code"]) == (400, "invalid_request"), what
        assert [problem["field"] for problem in answer.error["problems"]] == ["body"], what
    stack.put(f"elsewhere/{name}.csv", CSV)
    assert owner.ask("POST", "/jobs", {"key": f"elsewhere/{name}.csv", "processing_type": "batch"}).status == 202
    assert owner.ask("GET", "/jobs").status == 200
    assert owner.ask("POST", f"/jobs/{UNKNOWN}/cancel").status == 404


def test_what_a_model_cannot_say_is_refused_field_by_field(owner: Caller):
    too_long = owner.ask("POST", "/jobs", {"key": "ü" * 1000})
    query = owner.ask("GET", "/jobs", query={"limit": "1000"})

    assert [(answer.status, answer.error["problems"][0]["field"]) for answer in (too_long, query)] == [
        (400, "key"),
        (400, "limit"),
    ]


def test_what_intake_refuses_is_a_rejected_job_with_its_reason(stack: Stack, owner: Caller, name: str):
    answer = owner.ask("POST", "/jobs", {"key": f"elsewhere/{name}/gone.csv"})

    assert (answer.status, answer.error["code"]) == (422, "not_found")
    job = stack.job(answer.error["job_id"])
    assert job is not None
    assert job.status == JobState.REJECTED


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/jobs"),
        ("GET", "/jobs"),
        ("GET", f"/jobs/{UNKNOWN}"),
        ("POST", f"/jobs/{UNKNOWN}/retry"),
        ("POST", f"/jobs/{UNKNOWN}/cancel"),
    ],
)
def test_nobody_gets_in_who_does_not_sign(stack: Stack, base: str, method: str, path: str):
    answer = Caller(base, stack.info.region, None).ask(method, path)

    assert (answer.status, answer.error["code"]) == (403, "forbidden")


@pytest.fixture
def reader(stack: Stack, base: str, api_id: str, name: str) -> Iterator[Caller]:
    """A user of the account who may look at jobs and nothing else, as docs/api.md has it."""
    iam = stack.clients["iam"]
    iam.create_user(UserName=name)
    at = f"arn:aws:execute-api:{stack.info.region}:{stack.info.account}:{api_id}/v1/GET"
    statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": [f"{at}/jobs", f"{at}/jobs/*"]}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_user_policy(UserName=name, PolicyName="reads", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    yield Caller(base, stack.info.region, Credentials(key["AccessKeyId"], key["SecretAccessKey"]))
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    iam.delete_user_policy(UserName=name, PolicyName="reads")
    iam.delete_user(UserName=name)


def test_a_user_of_the_account_may_do_what_their_own_policy_says_and_nothing_else(reader: Caller):
    assert reader.ask("GET", "/jobs").status == 200
    assert reader.ask("GET", f"/jobs/{UNKNOWN}").status == 404
    for path, body in (("/jobs", {"key": "a"}), (f"/jobs/{UNKNOWN}/cancel", None), (f"/jobs/{UNKNOWN}/retry", None)):
        # The emulator says this in words of its own, whatever the API's are.
        assert reader.ask("POST", path, body).status == 403, path


def test_nobody_gets_in_who_signs_with_another_secret(reader: Caller):
    assert reader.keys is not None
    impostor = replace(reader, keys=Credentials(reader.keys.access_key, "another secret"))

    answer = impostor.ask("GET", "/jobs")

    assert answer.status == 403
    assert answer.error["code"] == "refused"


def test_an_unknown_job_is_not_found_and_an_id_that_is_none_is_wrong(owner: Caller):
    for method, path in (("GET", ""), ("POST", "/retry"), ("POST", "/cancel")):
        unknown = owner.ask(method, f"/jobs/{UNKNOWN}{path}")
        none = owner.ask(method, f"/jobs/whatever{path}")
        assert (unknown.status, unknown.error["code"]) == (404, "not_found")
        assert (none.status, none.error["problems"][0]["field"]) == (400, "job_id")


def test_a_job_is_cancelled_and_retried(stack: Stack, owner: Caller, name: str):
    job = stack.succeed(f"incoming/{name}/a.csv", CSV)
    refused = owner.ask("POST", f"/jobs/{job.job_id}/cancel")
    assert (refused.status, refused.error["code"]) == (409, "not_allowed")

    retried = owner.ask("POST", f"/jobs/{job.job_id}/retry")

    assert (retried.status, retried.body["run"]) == (202, 2)
    assert stack.final(job.job_id, run=2).status == JobState.SUCCEEDED
    large = b"n\n" + b"".join(b"%d\n" % n for n in range(3_000_000))
    etag = stack.put(f"incoming/{name}/large.csv", large)
    running = stack.pointed(f"incoming/{name}/large.csv", etag)
    cancelled = owner.ask("POST", f"/jobs/{running.job_id}/cancel")
    assert (cancelled.status, cancelled.body["state"]) == (200, "CANCELLED")
    assert owner.ask("POST", f"/jobs/{running.job_id}/cancel").body["state"] == "CANCELLED"


def test_a_request_with_a_key_is_one_job_and_another_body_with_it_a_conflict(stack: Stack, owner: Caller, name: str):
    stack.put(f"elsewhere/{name}/a.csv", CSV)
    body = {"key": f"elsewhere/{name}/a.csv"}

    first = owner.ask("POST", "/jobs", body, Idempotency_Key=name)
    again = owner.ask("POST", "/jobs", body, Idempotency_Key=name)
    other = owner.ask("POST", "/jobs", body | {"processing_type": "batch"}, Idempotency_Key=name)

    assert first.status == 202
    assert again.body["job_id"] == first.body["job_id"]
    assert (other.status, other.error["code"]) == (409, "idempotency_key_reused")
    assert len(stack.jobs_of(body["key"])) == 1
    assert stack.final(first.body["job_id"]).status == JobState.SUCCEEDED


@pytest.fixture
def throttled(stack: Stack, api_id: str) -> Iterator[None]:
    gateway = client(stack, "apigateway")

    def limit(rate: float, burst: int) -> None:
        values = {"rateLimit": rate, "burstLimit": burst}
        patches = [
            {"op": "replace", "path": f"/*/*/throttling/{name}", "value": str(value)} for name, value in values.items()
        ]
        gateway.update_stage(restApiId=api_id, stageName="v1", patchOperations=patches)

    shipped = gateway.get_stage(restApiId=api_id, stageName="v1")["methodSettings"]["*/*"]
    limit(0, 0)
    yield
    limit(shipped["throttlingRateLimit"], shipped["throttlingBurstLimit"])


def test_too_many_requests_are_told_so(owner: Caller, throttled: None):
    answer = owner.ask("GET", "/jobs")

    assert (answer.status, answer.error["code"]) == (429, "throttled")


def test_what_is_listed_after_a_change_is_the_change(stack: Stack, owner: Caller, name: str):
    job = stack.process(f"incoming/{name}/empty.csv", b"")

    def listed() -> list[str]:
        page = owner.ask("GET", "/jobs", query={"status": "REJECTED", "limit": "100"}).body
        return [found["error"]["code"] for found in page["jobs"] if found["job_id"] == job.job_id]

    assert wait_until(listed, "the rejected job in the list") == ["empty"]

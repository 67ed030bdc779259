"""The HTTP API on LocalStack, which checks bodies and no signatures, and tells a function nobody's name."""

from dataclasses import replace

import pytest
from botocore.credentials import Credentials

from tests.stack.conftest import Stack
from tests.stack.test_api import (
    BAD,
    UNKNOWN,
    Caller,
    api_id,
    owner,
    test_a_job_is_cancelled_and_retried,
    test_a_job_that_is_asked_for_ends_well_and_says_where_its_results_lie,
    test_a_request_with_a_key_is_one_job_and_another_body_with_it_a_conflict,
    test_an_unknown_job_is_not_found_and_an_id_that_is_none_is_wrong,
    test_jobs_are_listed_newest_first_page_by_page,
    test_several_objects_are_one_batch,
    test_what_a_model_cannot_say_is_refused_field_by_field,
    test_what_intake_refuses_is_a_rejected_job_with_its_reason,
    test_what_is_listed_after_a_change_is_the_change,
)

__all__ = [
    "api_id",
    "owner",
    "test_a_job_is_cancelled_and_retried",
    "test_a_job_that_is_asked_for_ends_well_and_says_where_its_results_lie",
    "test_a_request_with_a_key_is_one_job_and_another_body_with_it_a_conflict",
    "test_an_unknown_job_is_not_found_and_an_id_that_is_none_is_wrong",
    "test_jobs_are_listed_newest_first_page_by_page",
    "test_several_objects_are_one_batch",
    "test_what_a_model_cannot_say_is_refused_field_by_field",
    "test_what_intake_refuses_is_a_rejected_job_with_its_reason",
    "test_what_is_listed_after_a_change_is_the_change",
]


@pytest.fixture(scope="module")
def base(stack: Stack, api_id: str) -> str:
    """Where LocalStack serves what AWS serves at the output's address."""
    return f"{stack.info.endpoint_url}/_aws/execute-api/{api_id}/v1"


@pytest.mark.parametrize("what", BAD)
def test_a_bad_body_does_not_reach_the_function(owner: Caller, what: str):
    """The validator of the template refuses it, in LocalStack's words and not in the API's."""
    answer = owner.ask("POST", "/jobs", BAD[what])

    assert (answer.status, answer.body) == (400, {"message": "Invalid request body"})


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/jobs", {"key": "a"}),
        ("GET", "/jobs", None),
        ("GET", f"/jobs/{UNKNOWN}", None),
        ("POST", f"/jobs/{UNKNOWN}/retry", None),
        ("POST", f"/jobs/{UNKNOWN}/cancel", None),
    ],
)
def test_who_does_not_sign_is_refused_by_the_function(owner: Caller, method: str, path: str, body: object):
    answer = replace(owner, keys=None).ask(method, path, body)

    assert (answer.status, answer.error["code"]) == (403, "forbidden")


def test_a_signature_is_not_checked(owner: Caller):
    """So nothing here says who may call; the embedded stack does."""
    stranger = replace(owner, keys=Credentials("AKIANOBODYKNOWSTHIS0", "nor this"))

    assert stranger.ask("GET", "/jobs").status == 200

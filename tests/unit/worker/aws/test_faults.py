import aiohttp
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from worker.aws.faults import CODES, told
from worker.errors import CallRefused, NotPermitted, Outage, ServiceFault, SourceGone, Throttled, Unreachable


def _error(code: str, status: int | None = None) -> ClientError:
    metadata = {} if status is None else {"HTTPStatusCode": status}
    response = {"Error": {"Code": code, "Message": "said"}, "ResponseMetadata": metadata}
    return ClientError(response, "Operation")


@pytest.mark.parametrize(
    ("code", "ours"),
    [
        ("ThrottlingException", Throttled),
        ("SlowDown", Throttled),
        ("AccessDenied", NotPermitted),
        ("InternalError", ServiceFault),
        ("never seen", ServiceFault),
    ],
)
async def test_the_error_becomes_what_the_table_says_when_a_client_raises(code, ours):
    with pytest.raises(ours, match="what was tried"):
        async with told("what was tried"):
            raise _error(code)


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="http://x"),
        aiohttp.ClientPayloadError("broken"),
        TimeoutError(),
        ConnectionResetError(),
    ],
)
async def test_the_service_is_unreachable_when_no_answer_comes(error):
    with pytest.raises(Unreachable):
        async with told("x"):
            raise error


@pytest.mark.parametrize(
    ("code", "status", "ours"),
    [
        ("never seen", 500, ServiceFault),
        ("never seen", 503, ServiceFault),
        ("OperationAborted", 409, ServiceFault),
        ("ValidationException", 400, CallRefused),
        ("NoSuchUpload", 404, CallRefused),
        ("SlowDown", 400, Throttled),
    ],
)
async def test_a_code_nobody_knows_is_judged_by_its_status(code, status, ours):
    with pytest.raises(ours):
        async with told("what was tried"):
            raise _error(code, status)


@pytest.mark.parametrize("error", [_error("SlowDown", 503), TimeoutError(), _error("never seen", 500)])
async def test_an_outage_names_its_service(error):
    with pytest.raises(Outage) as caught:
        async with told("what was tried", service="sqs"):
            raise error
    assert caught.value.service == "sqs"


async def test_a_code_means_what_the_caller_says_when_it_says_so():
    with pytest.raises(SourceGone):
        async with told("x", {"NoSuchKey": SourceGone}):
            raise _error("NoSuchKey")


def test_nothing_an_aws_service_says_is_permanent_or_counted_by_itself():
    assert all(issubclass(ours, Outage) for ours in CODES.values())

import aiohttp
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from worker.aws.faults import CODES, told
from worker.errors import NotPermitted, ServiceFault, SourceGone, Throttled, Transient, Unreachable


def _error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "said"}}, "Operation")


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


async def test_a_code_means_what_the_caller_says_when_it_says_so():
    with pytest.raises(SourceGone):
        async with told("x", {"NoSuchKey": SourceGone}):
            raise _error("NoSuchKey")


def test_nothing_an_aws_service_says_is_permanent_by_itself():
    assert all(issubclass(ours, Transient) for ours in CODES.values())

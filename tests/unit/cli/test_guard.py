import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError

from haulier.cli.exits import MEANINGS, ExitCode, outcome_code
from haulier.cli.guard import describe
from haulier.client import errors
from haulier.contracts.errors import InvalidDataset
from haulier.contracts.states import JobState
from haulier.local.errors import AlreadyUp
from tests.unit.client.fakes import refused


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.NotFound("x"), ExitCode.NOT_FOUND),
        (errors.Ambiguous("x"), ExitCode.NOT_FOUND),
        (errors.Refused("x"), ExitCode.NOT_ALLOWED),
        (errors.TimedOut("x"), ExitCode.TIMEOUT),
        (errors.Damaged("x"), ExitCode.DAMAGED),
        (errors.NotConfigured("x"), ExitCode.USAGE),
        (errors.BadAddress("x"), ExitCode.USAGE),
        (errors.HaulierError("x"), ExitCode.UNEXPECTED),
        (InvalidDataset("d", ["line 1: a: wrong"]), ExitCode.BAD_DATASET),
        (AlreadyUp("a stack is up already", "haulier down"), ExitCode.STACK),
        (refused("PutItem", "AccessDeniedException"), ExitCode.NOT_ALLOWED),
        (refused("HeadObject", "403"), ExitCode.NOT_ALLOWED),
        (refused("Query", "ResourceNotFoundException"), ExitCode.STACK),
        (refused("PutObject", "NoSuchBucket"), ExitCode.STACK),
        (refused("GetItem", "ExpiredTokenException"), ExitCode.NOT_ALLOWED),
        (refused("GetItem", "InternalServerError"), ExitCode.UNEXPECTED),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), ExitCode.STACK),
        (NoCredentialsError(), ExitCode.USAGE),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED),
        (PermissionError(13, "no", "f"), ExitCode.UNEXPECTED),
        (ZeroDivisionError(), ExitCode.UNEXPECTED),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_error_has_its_exit_code_and_a_text(error, code):
    told = describe(error)
    assert told.code == code
    assert told.message


def test_every_error_of_the_client_is_told_apart():
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)}
    assert all(describe(kind("x", "hint")).hint == "hint" for kind in kinds)


def test_every_exit_code_has_a_meaning():
    assert set(MEANINGS) == set(ExitCode)


def test_the_problems_of_a_dataset_are_lines_of_their_own():
    assert describe(InvalidDataset("d", ["line 1: a", "line 2: b"])).message.splitlines()[1:] == [
        "  line 1: a",
        "  line 2: b",
    ]


@pytest.mark.parametrize(
    ("states", "code"),
    [
        ([], ExitCode.OK),
        ([JobState.SUCCEEDED], ExitCode.OK),
        ([JobState.SUCCEEDED, JobState.CANCELLED], ExitCode.JOB_CANCELLED),
        ([JobState.CANCELLED, JobState.REJECTED], ExitCode.JOB_REJECTED),
        ([JobState.REJECTED, JobState.FAILED], ExitCode.JOB_FAILED),
    ],
)
def test_the_gravest_outcome_is_the_exit_code(states, code):
    assert outcome_code(states) == code


@pytest.mark.parametrize(
    ("endpoint", "named"), [("http://127.0.0.1:1", True), ("https://s3.eu-west-1.amazonaws.com", False), (None, False)]
)
def test_the_embedded_stack_is_hinted_at_when_the_endpoint_is_this_machines(monkeypatch, endpoint, named):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    if endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        assert ("haulier up" in describe(EndpointConnectionError(endpoint_url=endpoint)).hint) == named
    assert ("haulier up" in describe(refused("Query", "ResourceNotFoundException")).hint) == named

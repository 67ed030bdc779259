import pytest

from haulier.client.connection import is_loopback, reach
from haulier.client.errors import NotConfigured
from haulier.jobs.calls import Call, NotFound
from tests.unit.client.fakes import refused

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "eu-west-1"}


def test_everything_is_named_by_environment_account_and_region_without_a_call():
    found = reach("dev", account="123456789012", environ=KEYS)
    assert found.input_bucket == "haulier-dev-input-123456789012-eu-west-1"
    assert found.table == "haulier-dev-jobs"


def test_the_environment_is_taken_from_the_variables_when_none_is_given():
    assert reach(account="1", environ=KEYS | {"HAULIER_ENVIRONMENT": "prod"}).names.environment == "prod"


def test_buckets_whose_names_do_not_follow_are_taken_from_the_variables():
    own = {"HAULIER_ENVIRONMENT": "dev", "HAULIER_INPUT_BUCKET": "theirs", "HAULIER_OUTPUT_BUCKET": ""}
    found = reach(account="123456789012", environ=KEYS | own)
    assert found.input_bucket == "theirs"
    assert found.output_bucket == "haulier-dev-output-123456789012-eu-west-1"


def test_buckets_named_beside_another_environment_are_not_this_one_s():
    own = {"HAULIER_ENVIRONMENT": "dev", "HAULIER_INPUT_BUCKET": "theirs"}
    assert reach("prod", account="1", environ=KEYS | own).input_bucket == "haulier-prod-input-1-eu-west-1"


@pytest.mark.parametrize("environment", [None, "", "Dev", "a_b", "-a", "a" * 17])
def test_a_name_that_cannot_be_an_environment_is_refused(environment):
    with pytest.raises(NotConfigured) as told:
        reach(environment, account="1", environ=KEYS)
    assert told.value.hint


def test_no_region_is_refused(monkeypatch):
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    keys = {name: value for name, value in KEYS.items() if name != "AWS_REGION"}
    with pytest.raises(NotConfigured, match="region"):
        reach("dev", account="1", environ=keys)


def test_an_answer_of_the_protocol_is_raised_as_such(stack):
    with pytest.raises(NotFound):
        stack.connection.perform(Call("s3", "get_object", {"Bucket": "b", "Key": "k"}))


def test_an_accident_is_raised_as_it_is(stack, monkeypatch):
    def throttled(**_):
        raise refused("GetItem", "ThrottlingException")

    monkeypatch.setattr(stack.dynamodb, "get_item", throttled)
    with pytest.raises(Exception, match="ThrottlingException"):
        stack.connection.perform(Call("dynamodb", "get_item", {}))


def test_an_object_is_answered_as_bytes(stack):
    stack.s3.objects["b", "k"] = b"abc"
    assert stack.connection.perform(Call("s3", "get_object", {"Bucket": "b", "Key": "k"}))["Body"] == b"abc"


@pytest.mark.parametrize(
    ("address", "near"),
    [
        ("http://127.0.0.1:4566", True),
        ("http://localhost:1", True),
        ("http://[::1]:1", True),
        ("https://s3.amazonaws.com", False),
        ("http://10.0.0.1", False),
        (None, False),
    ],
)
def test_an_emulator_that_is_not_there_is_given_up_soon(address, near):
    assert is_loopback(address) == near
    config = reach("dev", account="1", environ=KEYS, endpoint_url=address).client("s3").meta.config
    assert (config.connect_timeout, config.retries["total_max_attempts"]) == ((1, 3) if near else (5, 6))

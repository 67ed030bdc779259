import pytest
from pydantic import ValidationError

from haulier.contracts import limits
from infra.settings import Settings


def test_defaults_are_the_numbers_both_sides_know():
    settings = Settings()
    assert settings.chunk_bytes == limits.DEFAULT_CHUNK_BYTES
    assert settings.chunk_threshold_bytes == limits.DEFAULT_CHUNK_THRESHOLD_BYTES
    assert settings.token_heartbeat_seconds == limits.TOKEN_HEARTBEAT_SECONDS
    assert settings.visibility_seconds == limits.VISIBILITY_SECONDS
    assert settings.input_prefixes == ("incoming/",)
    assert settings.keeps_data


def test_every_setting_says_what_it_is():
    assert not [
        name for name, field in Settings.model_fields.items() if not field.description and name != "environment"
    ]


def test_a_list_is_written_with_commas(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HAULIER_INPUT_PREFIXES", "incoming/, raw/,")
    assert Settings().input_prefixes == ("incoming/", "raw/")


@pytest.mark.parametrize("prefix", ["processed/", "config/", "temp/x/", "", "p"])
def test_a_prefix_that_would_take_our_own_objects_in_is_refused(prefix: str):
    with pytest.raises(ValidationError):
        Settings(input_prefixes=(prefix,))


@pytest.mark.parametrize("environment", ["", "Prod", "a_b", "-a", "a" * 17])
def test_a_suffix_that_no_bucket_could_have_is_refused(environment: str):
    with pytest.raises(ValidationError):
        Settings(environment=environment)


def test_a_token_that_outlives_the_run_is_refused():
    with pytest.raises(ValidationError, match="shorter than execution_timeout_seconds"):
        Settings(token_heartbeat_seconds=600, token_timeout_seconds=3600, execution_timeout_seconds=3600)

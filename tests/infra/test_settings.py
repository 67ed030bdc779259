import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from haulier.contracts import limits
from infra import settings as package
from infra.settings import Settings
from infra.settings.section import dev_defaults
from infra.settings.wrong import misspelt, problems


def told(**settings) -> list[str]:
    with pytest.raises(ValidationError) as wrong:
        Settings(**settings)
    return list(problems(wrong.value))


def test_defaults_are_the_numbers_both_sides_know():
    settings = Settings()
    assert settings.chunk_bytes == limits.DEFAULT_CHUNK_BYTES
    assert settings.chunk_threshold_bytes == limits.DEFAULT_CHUNK_THRESHOLD_BYTES
    assert settings.token_heartbeat_seconds == limits.TOKEN_HEARTBEAT_SECONDS
    assert settings.visibility_seconds == limits.VISIBILITY_SECONDS
    assert settings.input_prefixes == ("incoming/",)


def test_every_setting_says_what_it_is():
    assert not [name for name, field in Settings.model_fields.items() if not field.description]


def test_the_profile_decides_where_nothing_is_given():
    def decided(profile: str) -> dict[str, object]:
        found = Settings(profile=profile)
        names = ("keeps_data", "deletion_protection", "termination_protection", "access_logs")
        return {name: getattr(found, name) for name in names}

    assert set(decided("prod").values()) == {True}
    assert set(decided("dev").values()) == {False}
    assert Settings().profile == "prod"
    assert (Settings(profile="prod").log_retention_days, Settings(profile="dev").log_retention_days) == (30, 7)


def test_what_is_given_wins_over_the_profile(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HAULIER_PROFILE", "dev")
    monkeypatch.setenv("HAULIER_LOG_RETENTION_DAYS", "90")
    settings = Settings(keeps_data=True)
    assert (settings.log_retention_days, settings.keeps_data, settings.deletion_protection) == (90, True, False)


def test_what_dev_takes_is_a_value_the_setting_may_have():
    for name, value in dev_defaults(Settings).items():
        assert getattr(Settings(**{name: value, "profile": "dev"}), name) == value


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HAULIER_KMS_KEY_ARN", "")
    monkeypatch.setenv("HAULIER_CHUNK_BYTES", "")
    assert Settings().kms_key_arn is None
    assert Settings().chunk_bytes == limits.DEFAULT_CHUNK_BYTES


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_can_be_given_as_the_text_a_variable_is(name: str, monkeypatch: pytest.MonkeyPatch):
    usual = getattr(Settings(), name)
    if not isinstance(usual, tuple | dict | None):
        monkeypatch.setenv(f"HAULIER_{name.upper()}", str(usual))
    assert getattr(Settings(), name) == usual


def test_no_section_s_validator_has_the_name_of_another_s():
    """Pydantic takes a validator of the same name for the same one, and one of the two would never run."""
    found: dict[str, str] = {}
    for path in sorted(Path(package.__file__).parent.glob("*.py")):
        for name in re.findall(r"@\w+_validator\(.*?def (\w+)\(", path.read_text(), re.DOTALL):
            assert name not in found, f"{name} is in {found[name]} and {path.name}"
            found[name] = path.name
    assert len(found) > 3


def test_a_list_is_written_with_commas(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HAULIER_INPUT_PREFIXES", "incoming/, raw/,")
    assert Settings().input_prefixes == ("incoming/", "raw/")


def test_tags_are_written_as_pairs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HAULIER_TAGS", "CostCenter=42, Team=data=eng,")
    assert Settings().tags == {"CostCenter": "42", "Team": "data=eng"}


@pytest.mark.parametrize("tags", ["Team", "aws:x=1", "Team=*", "=1", "Team=a,team=b"])
def test_what_cannot_be_a_tag_is_refused(tags: str):
    assert told(tags=tags)[0].startswith("HAULIER_TAGS: ")


@pytest.mark.parametrize("prefix", ["processed/", "config/", "temp/x/", "", "p"])
def test_a_prefix_that_would_take_our_own_objects_in_is_refused(prefix: str):
    with pytest.raises(ValidationError):
        Settings(input_prefixes=(prefix,))


@pytest.mark.parametrize("environment", ["Prod", "a_b", "-a", "a" * 17])
def test_a_suffix_that_no_bucket_could_have_is_refused(environment: str):
    with pytest.raises(ValidationError):
        Settings(environment=environment)


def test_a_token_that_outlives_the_run_is_refused():
    with pytest.raises(ValidationError, match="shorter than execution_timeout_seconds"):
        Settings(token_heartbeat_seconds=600, token_timeout_seconds=3600, execution_timeout_seconds=3600)


LASTING = ("temp_expiry_days", "rejected_expiry_days", "noncurrent_version_days", "incomplete_upload_days")


@pytest.mark.parametrize("name", LASTING)
def test_nothing_a_run_may_still_need_expires_while_it_runs(name: str):
    (sentence,) = told(**{name: 29})
    assert sentence.startswith(f"HAULIER_{name.upper()} (29) must not be shorter than HAULIER_EXECUTION_TIMEOUT_")
    assert getattr(Settings(**{name: 30}), name) == 30
    assert getattr(Settings(**{name: 0}), name) == 0
    a_day = {"execution_timeout_seconds": 86400, "token_timeout_seconds": 3600, "token_heartbeat_seconds": 60}
    assert getattr(Settings(**{name: 1}, **a_day), name) == 1


@pytest.mark.parametrize(
    ("infrequent", "glacier", "legal"),
    [(30, 90, True), (30, 60, True), (0, 0, True), (0, 1, True), (45, 0, True), (29, 90, False), (30, 59, False)],
)
def test_objects_move_as_s3_allows_it(infrequent: int, glacier: int, *, legal: bool):
    wanted = {"processed_infrequent_days": infrequent, "processed_glacier_days": glacier}
    if legal:
        assert Settings(**wanted).processed_glacier_days == glacier
    else:
        assert len(told(**wanted)) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"one_bucket": True, "output_bucket_name": "mine"},
        {"one_bucket": True, "input_bucket_name": "mine", "output_bucket_name": "other"},
        {"input_bucket_name": "mine", "output_bucket_name": "mine"},
        {"bucket_owner": "123456789012"},
        {"bucket_owner": "123456789012", "input_bucket_name": "mine"},
        {"profile": "dev", "deletion_protection": True},
        {"input_bucket_name": "Mine"},
        {"kms_key_arn": "alias/mine"},
        {"role_path": "/team"},
        {"permissions_boundary": "a b"},
        {"deploy_repository": "https://github.com/org/name"},
        {"deploy_repository": "org/name", "deploy_subject": "*"},
        {"oidc_provider_arn": "arn:aws:iam::123456789012:oidc-provider/example.com"},
        {"api_checks_callers": False},
    ],
)
def test_what_contradicts_itself_is_told(settings: dict[str, object]):
    assert len(told(**settings)) == 1


def test_everything_that_is_wrong_is_told_at_once_by_its_variable():
    found = told(profile="stage", role_path="x", chunk_bytes=1)
    assert [line.split(":")[0] for line in found] == ["HAULIER_PROFILE", "HAULIER_CHUNK_BYTES", "HAULIER_ROLE_PATH"]
    assert len(told(one_bucket=True, output_bucket_name="mine", temp_expiry_days=1)) == 2


def test_a_variable_that_is_passed_over_is_told_if_it_looks_like_a_setting():
    given = {"HAULIER_ENVIROMENT": "x", "HAULIER_HOME": "x", "HAULIER_DEBUG": "1", "HAULIER_QUEUES": "x", "PATH": "x"}
    assert list(misspelt(given)) == ["HAULIER_ENVIROMENT is no setting; HAULIER_ENVIRONMENT is"]

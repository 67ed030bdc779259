import pytest

from dispatcher.settings import IntakeSettings, JanitorSettings, SettingsError, read
from tests.unit.dispatcher.builders import an_environment


def test_every_problem_is_told_at_once_when_the_environment_is_wrong() -> None:
    environment = an_environment(TABLE="", INPUT_BUCKET=" ", CHUNK_BYTES="many", MAX_OBJECT_BYTES="0")

    with pytest.raises(SettingsError) as told:
        read(IntakeSettings, environment)

    named = ("HAULIER_TABLE", "HAULIER_INPUT_BUCKET", "HAULIER_CHUNK_BYTES", "HAULIER_MAX_OBJECT_BYTES")
    assert all(name in str(told.value) for name in named)


def test_lists_are_split_at_commas_when_they_are_read() -> None:
    settings = read(IntakeSettings, an_environment(INPUT_PREFIXES="incoming/, raw/,", EXCLUDED_SUFFIXES=".tmp"))

    assert (settings.input_prefixes, settings.excluded_suffixes) == (("incoming/", "raw/"), (".tmp",))


def test_the_defaults_apply_when_a_variable_is_empty() -> None:
    settings = read(JanitorSettings, an_environment(REQUEUE_AFTER_SECONDS="", BUCKET_OWNER=""))

    assert (settings.requeue_after_seconds, settings.bucket_owner) == (900, "")
    assert read(IntakeSettings, an_environment()).input_prefixes == ("incoming/",)

"""How settings are read: each is an environment variable of the same name with `HAULIER_` before it."""

from typing import Any, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from haulier.contracts.environment import PREFIX

DEV = "dev"
"""Key under which a field keeps what the profile `dev` takes for it where nothing is given."""


def by_profile(*, prod: Any, dev: Any, description: str, **rules: Any) -> Any:
    """A field whose default depends on the profile."""
    return Field(default=prod, description=description, json_schema_extra={DEV: dev}, **rules)


class Section(BaseSettings):
    """Some settings that belong together. A variable that is empty counts as not set."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    @model_validator(mode="before")
    @classmethod
    def _take_the_profile_s_defaults(cls, given: Any) -> Any:
        if not isinstance(given, dict) or given.get("profile") != DEV:
            return given
        return dev_defaults(cls) | given

    def disagreements(self) -> list[str]:
        """What is wrong between settings, a sentence each; a section adds its own to those of `super()`."""
        return []

    @model_validator(mode="after")
    def _settings_agree(self) -> Self:
        if found := self.disagreements():
            raise ValueError("\n".join(found))
        return self


def dev_defaults(section: type[Section]) -> dict[str, Any]:
    """Field → what `dev` takes for it, for the fields whose default depends on the profile."""
    return {
        name: field.json_schema_extra[DEV]
        for name, field in section.model_fields.items()
        if isinstance(field.json_schema_extra, dict) and DEV in field.json_schema_extra
    }

"""How every wire model behaves: frozen, nothing extra, names as written."""

from pydantic import BaseModel, ConfigDict


class WireModel(BaseModel):
    """Base of all models that cross a boundary."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True, ser_json_bytes="base64"
    )

    def to_json(self) -> str:
        """The model as compact JSON, without fields that hold None."""
        return self.model_dump_json(exclude_none=True, by_alias=True)


class StoredModel(WireModel):
    """Base of what is kept in the table while releases change: a worker of the former one reads it, too.

    Fields at their default are not written, so that whoever does not use what is new writes nothing that is unknown to
    a predecessor, which would give the work back (`errors.NewerRecord`).
    """

    def to_json(self) -> str:
        return self.model_dump_json(exclude_none=True, exclude_defaults=True, by_alias=True)

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

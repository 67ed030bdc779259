"""What a column of an output holds: counts, bounds and a sketch that says how many values differ.

An attempt's profile lies beside its report in the table and is merged over a run's chunks (`haulier.jobs.profile`);
the run's profile, with numbers in place of sketches, goes into the manifest.
"""

from typing import Literal

from pydantic import Field

from haulier.contracts.model import WireModel

MAX_PROFILED_COLUMNS = 100
"""The first so many columns of an output are profiled."""
PROFILE_BYTES = 256 * 1024
"""A profile in the table is no longer, whatever its columns hold: an item has 400 KB (DynamoDB), the report's too."""
BOUND_CHARS = 64
"""Texts are kept to so many characters in `min` and `max`; `…` after them says that more followed."""

Kind = Literal["string", "integer", "float", "decimal", "boolean", "date", "timestamp", "nested", "other"]
Bound = bool | int | float | str
Rejects = dict[str, dict[str, int]]
"""Column → code → how many records were set aside for it."""


class ColumnProfile(WireModel):
    """One column of an attempt's outputs.

    Attributes:
        name: as in the output.
        kind: what its values are; of `nested` and `other` only counts are known.
        values: how many are not null.
        nulls: how many are.
        min: the least value: a number, a boolean, a decimal's digits, a text (see BOUND_CHARS), days of a date since
            the epoch, microseconds of a timestamp; None if there is no value.
        max: the greatest.
        sketch: see `haulier.jobs.sketch`; None where values are not told apart, or are booleans.
    """

    name: str
    kind: Kind
    values: int = Field(ge=0)
    nulls: int = Field(ge=0)
    min: Bound | None = None
    max: Bound | None = None
    sketch: str | None = None


class ChunkProfile(WireModel):
    """What an attempt wrote, by column.

    Attributes:
        hash: names the function behind the sketches; only sketches of the same one may be merged.
        columns: in the order of the output, MAX_PROFILED_COLUMNS at most.
        left_out: columns of the output beyond those; of a zip whose members have different columns, at least so many.
        rejects: of columns of the dataset's schema and of the output.
    """

    hash: str
    columns: tuple[ColumnProfile, ...] = ()
    left_out: int = Field(default=0, ge=0)
    rejects: Rejects = Field(default_factory=dict)


class ColumnSummary(WireModel):
    """One column of a run's outputs.

    Attributes:
        name: as in the output.
        kind: see ColumnProfile.
        values: how many are not null.
        nulls: how many are.
        min: the least value; a decimal as text with all its digits, a date or timestamp in ISO 8601.
        max: the greatest.
        distinct: how many values differ, estimated (standard error 3.25 %); None where nobody knows.
    """

    name: str
    kind: Kind
    values: int
    nulls: int
    min: Bound | None = None
    max: Bound | None = None
    distinct: int | None = None


class RunProfile(WireModel):
    """What a run wrote, by column. See ChunkProfile."""

    columns: tuple[ColumnSummary, ...] = ()
    left_out: int = 0
    rejects: Rejects = Field(default_factory=dict)

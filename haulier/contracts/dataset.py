"""A dataset: the user's configuration of which keys it matches and what is done to their records.

Written as YAML under `config/datasets/` in the input bucket; `haulier.jobs.datasets` reads it and names field and line
of what is wrong. `docs/datasets.md` is generated from the descriptions below.
"""

from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from haulier.contracts.limits import DEFAULT_CHUNK_BYTES, DEFAULT_CHUNK_THRESHOLD_BYTES, MIN_CHUNK_BYTES
from haulier.contracts.model import WireModel

NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"

type_names = ("string", "integer", "float", "decimal", "boolean", "date", "timestamp")
ColumnType = Literal["string", "integer", "float", "decimal", "boolean", "date", "timestamp"]
FileType = Literal["csv", "tsv", "jsonl", "json"]
Compression = Literal["none", "gzip", "zstd"]
InputCompression = Literal["none", "gzip", "zstd", "bz2", "xz", "zip"]
QueueName = Literal["priority", "standard", "bulk", "ondemand"]
WORK_QUEUES: tuple[QueueName, ...] = get_args(QueueName)
"""`ondemand` is served by workers that neither Spot nor a deployment interrupts (`haulier.jobs.ondemand`)."""
Enrichment = Literal["_processed_at", "_source_file", "_job_id", "_record_offset"]


class Match(WireModel):
    """Which keys belong to the dataset. The longest literal prefix wins, then the longest suffix."""

    prefix: str = Field(description="literal prefix of the key, `incoming/flights/` for instance")
    suffix: str = Field(default="", description="literal suffix of the key, `.csv` for instance; empty matches all")

    def matches(self, key: str) -> bool:
        return key.startswith(self.prefix) and key.endswith(self.suffix)


class Format(WireModel):
    """How the bytes are to be read. What is not said is found out: by extension, else by content."""

    type: Literal["auto", "csv", "tsv", "jsonl", "json"] = Field(
        default="auto", description="`json` is one object or an array of objects; `auto` by extension, else content"
    )
    delimiter: str | None = Field(default=None, description="one character; found out if not given")
    quote: str = Field(default='"', description="the quoting character; a quote inside is doubled")
    header: bool = Field(default=True, description="whether the first record names the columns")
    columns: tuple[str, ...] | None = Field(default=None, description="names where there is no header")
    encoding: Literal["auto", "utf-8", "utf-16", "latin-1", "cp1252"] = Field(
        default="auto", description="`auto`: a BOM decides, else UTF-8"
    )
    compression: Literal["auto", "none", "gzip", "zstd", "bz2", "xz", "zip"] = Field(
        default="auto", description="`auto`: the first bytes decide"
    )
    max_expansion: int | None = Field(
        default=None,
        ge=2,
        description="decompressed bytes for each stored byte, at most, from 64 MiB on; 1,000 if not said",
    )
    max_decompressed_bytes: int | None = Field(
        default=None, ge=1, description="what an object may expand to in all; 50 TiB if not said"
    )

    @field_validator("delimiter", "quote")
    @classmethod
    def _one_character(cls, value: str | None) -> str | None:
        if value is not None and (len(value) != 1 or ord(value) > 127 or value in "\r\n"):
            raise ValueError("must be exactly one ASCII character, not a line end")
        return value

    @model_validator(mode="after")
    def _columns_without_header(self) -> Self:
        if self.columns is not None and self.header:
            raise ValueError("columns are only for files without a header: set header: false")
        if self.columns is not None and len(set(self.columns)) != len(self.columns):
            raise ValueError("columns must have different names")
        return self


class Column(WireModel):
    """What a column must hold. A value that does not is a reject with the column, a code and the value."""

    name: str
    type: ColumnType = "string"
    required: bool = Field(default=False, description="a null is a reject (`required`)")
    enum: tuple[str, ...] | None = Field(default=None, description="the only values allowed, as text")
    min: int | float | str | None = Field(
        default=None, description="least value; for dates and timestamps ISO 8601 text"
    )
    max: int | float | str | None = Field(default=None, description="greatest value")
    min_length: int | None = Field(default=None, ge=0, description="characters")
    max_length: int | None = Field(default=None, ge=0, description="characters")
    pattern: str | None = Field(
        default=None, description="regular expression (Rust's syntax) the whole value must match"
    )
    formats: tuple[str, ...] | None = Field(
        default=None, description="strptime formats of date and timestamp; ISO 8601 if not given"
    )
    time_zone: str | None = Field(
        default=None, description="`Europe/Berlin` for instance: of timestamps that say no offset; UTC if not given"
    )
    precision: int | None = Field(default=None, ge=1, le=38, description="decimal: digits in all")
    scale: int | None = Field(default=None, ge=0, le=38, description="decimal: digits after the point")
    exact: bool = Field(
        default=False, description="a text the type would write otherwise (007, +1, a number it rounds) is a reject"
    )

    @model_validator(mode="after")
    def _fits_the_type(self) -> Self:
        if (self.precision is None) != (self.scale is None):
            raise ValueError("precision and scale go together")
        if self.precision is not None and self.type != "decimal":
            raise ValueError("precision and scale are for type: decimal")
        if self.type == "decimal" and self.precision is None:
            raise ValueError("type: decimal needs precision and scale")
        if (self.min is not None or self.max is not None) and self.type in ("string", "boolean"):
            raise ValueError(f"min and max are not for type: {self.type}; use min_length, max_length or pattern")
        if self.type in ("date", "timestamp"):
            if isinstance(self.min, int | float) or isinstance(self.max, int | float):
                raise ValueError("min and max of a date or timestamp are ISO 8601 text in quotes")
        elif isinstance(self.min, str) or isinstance(self.max, str):
            raise ValueError("min and max of a number are numbers")
        return self

    @model_validator(mode="after")
    def _says_how_moments_are_written(self) -> Self:
        if self.formats is not None and self.type not in ("date", "timestamp"):
            raise ValueError("formats are for date and timestamp")
        if self.formats is not None and self.exact:
            raise ValueError("exact means ISO 8601 for dates and timestamps: leave out formats or exact")
        if self.time_zone is not None and self.type != "timestamp":
            raise ValueError("time_zone is for type: timestamp")
        return self

    @model_validator(mode="after")
    def _least_is_no_more_than_greatest(self) -> Self:
        if isinstance(self.min, int | float) and isinstance(self.max, int | float) and self.min > self.max:
            raise ValueError(f"min {self.min} is greater than max {self.max}: no value fits")
        # ISO 8601 dates are in the order of their texts; timestamps may be written with different offsets.
        if self.type == "date" and isinstance(self.min, str) and isinstance(self.max, str) and self.min > self.max:
            raise ValueError(f"min {self.min} is after max {self.max}: no value fits")
        if self.min_length is not None and self.max_length is not None and self.min_length > self.max_length:
            raise ValueError(f"min_length {self.min_length} is greater than max_length {self.max_length}: no text fits")
        return self


class Schema(WireModel):
    """The columns a record is checked against. Without one, every CSV value stays a string and JSON stays as it is."""

    columns: tuple[Column, ...] = ()
    infer: bool = Field(
        default=False, description="columns not listed get the type that the file's first 256 KiB show, see below"
    )
    nulls: tuple[str, ...] = Field(default=("",), description="texts that mean null in a column that is listed")
    extra: Literal["keep", "drop", "reject"] = Field(default="keep", description="what becomes of columns not listed")

    @model_validator(mode="after")
    def _different_names(self) -> Self:
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            raise ValueError("a column is listed twice")
        return self


class Flattening(WireModel):
    """How nested objects become fields of one level; `haulier.jobs.flatten` is the definition."""

    columns: tuple[str, ...] | None = Field(default=None, description="fields that are taken apart; all if not given")
    separator: str = Field(default=".", min_length=1, max_length=8, description="between the names on the way")
    max_depth: int = Field(default=10, ge=1, le=32, description="objects nested deeper stay JSON; 1 opens one level")


class Flatten(WireModel):
    flatten: Flattening = Field(
        description="nested objects of JSON become fields `a.b`; comes first, and the schema names the fields it gives"
    )


class Rename(WireModel):
    rename: dict[str, str] = Field(description="old name: new name")


class Drop(WireModel):
    drop: tuple[str, ...] = Field(description="columns to leave out")


class Trim(WireModel):
    trim: tuple[str, ...] = Field(description="text columns whose white space at both ends is cut")


class Default(WireModel):
    default: dict[str, str | int | float | bool] = Field(description="column: value where it is null")


class Cast(WireModel):
    cast: dict[str, ColumnType] = Field(
        description="column: type; a value that does not fit is a reject (stage transform)"
    )


class Filter(WireModel):
    filter: str = Field(
        description="a condition in polars' SQL; records for which it is not true are left out and counted"
    )


class Derive(WireModel):
    derive: dict[str, str] = Field(description="column: an expression in polars' SQL over the columns there are")


Transform = Flatten | Rename | Drop | Trim | Default | Cast | Filter | Derive


class Output(WireModel):
    format: Literal["jsonl", "parquet", "csv"] = Field(default="jsonl")
    compression: Compression | None = Field(
        default=None, description="none for JSON Lines and CSV, zstd for Parquet if not said"
    )
    layout: Literal["chunks", "single"] = Field(
        default="chunks",
        description="`chunks`: an object a chunk; `single`: one object, joined when all chunks are done; not Parquet",
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.layout == "single" and self.format == "parquet":
            raise ValueError("layout: single is for jsonl and csv; Parquet is read by its manifest")
        if self.format == "parquet" and self.compression == "gzip":
            raise ValueError("Parquet is written with compression zstd or none")
        return self

    @property
    def suffix(self) -> str:
        """Extension of an output's key, with its dot."""
        if self.format == "parquet":
            return ".parquet"
        return f".{self.format}" + {"gzip": ".gz", "zstd": ".zst"}.get(self.compression or "none", "")


class Chunking(WireModel):
    threshold_bytes: int = Field(
        default=DEFAULT_CHUNK_THRESHOLD_BYTES, ge=MIN_CHUNK_BYTES, description="larger objects are cut"
    )
    chunk_bytes: int = Field(
        default=DEFAULT_CHUNK_BYTES, ge=MIN_CHUNK_BYTES, description="a chunk's size; grows so that 10,000 suffice"
    )


class Dataset(WireModel):
    """A dataset's whole configuration."""

    name: Annotated[str, Field(pattern=NAME_PATTERN)] = Field(
        description="lower case, digits, `-` and `_`; part of every output's key"
    )
    match: tuple[Match, ...] = Field(default=(), description="which keys it is for; any of them")
    format: Format = Format()
    schema_: Schema = Field(default=Schema(), alias="schema")
    transforms: tuple[Transform, ...] = Field(default=(), description="applied in the order written")
    enrich: tuple[Enrichment, ...] = Field(
        default=("_processed_at", "_source_file"), description="columns that are added"
    )
    output: Output = Output()
    queue: QueueName | None = Field(
        default=None, description="where the key is silent; multi-chunk jobs use bulk if nothing is said"
    )
    chunking: Chunking | None = Field(default=None, description="the stack's own threshold and size if not said")
    max_invalid_ratio: float = Field(
        default=1.0, ge=0.0, le=1.0, description="a run with more rejects than this share of its records fails"
    )
    max_record_bytes: int | None = Field(
        default=None, ge=1024, description="a longer record is a reject; 64 MiB if not said"
    )

    @field_validator("transforms", mode="before")
    @classmethod
    def _one_verb_each(cls, value: Any) -> Any:
        if isinstance(value, list | tuple):
            verbs = "flatten, rename, drop, trim, default, cast, filter, derive"
            for at, entry in enumerate(value):
                if isinstance(entry, dict) and (len(entry) != 1 or next(iter(entry)) not in verbs.split(", ")):
                    raise ValueError(f"entry {at + 1} must have exactly one of: {verbs}")
        return value

    @field_validator("transforms")
    @classmethod
    def _flatten_comes_first(cls, value: tuple[Transform, ...]) -> tuple[Transform, ...]:
        if any(isinstance(transform, Flatten) for transform in value[1:]):
            raise ValueError("flatten comes once and before all others: the schema is checked after it")
        return value

    @model_validator(mode="after")
    def _tables_know_their_leaves(self) -> Self:
        how, schema = self.flattening, self.schema_
        if how is None or self.output.format == "jsonl" or schema.infer:
            return self
        opened = [name + how.separator for name in how.columns] if how.columns is not None else None
        for column in schema.columns:
            inside = how.separator in column.name if opened is None else column.name.startswith(tuple(opened))
            if inside:
                return self
        example = f"{how.columns[0] if how.columns else 'a'}{how.separator}b"
        raise ValueError(
            f"flatten to {self.output.format} needs the fields it gives, since a table's columns are fixed before its "
            f"first record: list them in schema.columns ({example} for instance), or set schema.infer"
        )

    @property
    def flattening(self) -> Flattening | None:
        """How records are flattened, if they are."""
        first = self.transforms[0] if self.transforms else None
        return first.flatten if isinstance(first, Flatten) else None


DEFAULT_DATASET = Dataset(name="default")
"""Applies where no dataset matches: type by extension, else content; JSON Lines out; strings stay strings."""

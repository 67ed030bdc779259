"""A record that did not pass, with the reason. Rejects are data: a bad row never fails a good one."""

from enum import StrEnum

from haulier.contracts.model import WireModel


class Stage(StrEnum):
    """Where something went wrong; every failure, reject and dead letter names one."""

    INTAKE = "intake"
    PLAN = "plan"
    READ = "read"
    PARSE = "parse"
    VALIDATE = "validate"
    TRANSFORM = "transform"
    ENRICH = "enrich"
    WRITE = "write"
    COORDINATE = "coordinate"
    SEAL = "seal"


class RejectCode(StrEnum):
    """Why a record was set aside."""

    TOO_FEW_FIELDS = "too_few_fields"
    TOO_MANY_FIELDS = "too_many_fields"
    UNTERMINATED_QUOTE = "unterminated_quote"
    BAD_ENCODING = "bad_encoding"
    BAD_JSON = "bad_json"
    NOT_AN_OBJECT = "not_an_object"
    TOO_LONG = "too_long"
    TOO_DEEP = "too_deep"
    BAD_TYPE = "bad_type"
    OUT_OF_RANGE = "out_of_range"
    REQUIRED = "required"
    NOT_IN_ENUM = "not_in_enum"
    PATTERN = "pattern"
    LENGTH = "length"
    EXTRA_COLUMN = "extra_column"
    NAME_TAKEN = "name_taken"


class Reject(WireModel):
    """One line of a rejects object.

    Attributes:
        offset: where the record starts, bytes from the (decompressed) object's start; in a zip the members count as if
            they stood one after another, decompressed, in the archive's order.
        stage: parse, validate or transform.
        code: see RejectCode.
        column: the first column that is wrong, where one is.
        value: its value as text, cut at 1,000 characters.
        message: one sentence for a person.
        raw: the record's text, undecodable bytes replaced, cut at 64 KiB.
        member: the zip member that holds the record; None where the object is no zip.
        member_offset: where the record starts in it, decompressed bytes from the member's start.
    """

    offset: int
    stage: Stage
    code: RejectCode
    message: str
    column: str | None = None
    value: str | None = None
    raw: str = ""
    member: str | None = None
    member_offset: int | None = None

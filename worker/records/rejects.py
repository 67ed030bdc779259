"""Rejects as they are collected, by the number of their record in the block, and as JSON Lines."""

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from haulier.contracts.reject import RejectCode, Stage
from worker.records.block import RAW_BYTES, MemberPlace

_VALUE_CHARS = 1000


class Rejection(NamedTuple):
    """Why record `row` of a block is set aside."""

    row: int
    stage: Stage
    code: RejectCode
    message: str
    column: str | None = None
    value: str | None = None


def reject_line(
    rejection: Rejection, *, offset: int, raw: bytes, encoding: str, place: MemberPlace | None = None
) -> bytes:
    """One line of a rejects object, as `contracts.reject.Reject` reads it."""
    line: dict[str, object] = {
        "offset": offset,
        "stage": rejection.stage.value,
        "code": rejection.code.value,
        "message": rejection.message,
    }
    if rejection.column is not None:
        line["column"] = _encodable(rejection.column)
    if rejection.value is not None:
        line["value"] = _encodable(rejection.value[:_VALUE_CHARS])
    line["raw"] = raw[:RAW_BYTES].decode(encoding, "replace")
    if place is not None:
        line["member"] = _encodable(place.member)
        line["member_offset"] = offset - place.start
    return orjson.dumps(line) + b"\n"


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def counted(codes: Sequence[RejectCode]) -> dict[str, int]:
    """Code → how many, in the order of the enum."""
    present = set(codes)
    return {code.value: codes.count(code) for code in RejectCode if code in present}


def shown(value: str | None) -> str:
    """A value as a message shows it: short, in quotes."""
    if value is None:
        return "null"
    return repr(value if len(value) <= 60 else value[:57] + "...")

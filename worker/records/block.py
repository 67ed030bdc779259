"""What passes between the stages: blocks of whole records, faults in place of records nobody should hold, results."""

from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from haulier.contracts.limits import KIB
from haulier.contracts.reject import RejectCode

RAW_BYTES = 64 * KIB
"""A reject keeps this much of its record's text."""


@dataclass(frozen=True, slots=True)
class MemberPlace:
    """Where in a zip records are.

    Attributes:
        member: the member's name.
        start: the offset of its first byte: what all members before it expand to.
    """

    member: str
    start: int


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a block holds no records but the beginning of one that is set aside."""

    code: RejectCode
    message: str


@dataclass(frozen=True, slots=True)
class Block:
    """Whole records.

    Attributes:
        data: their bytes; UTF-8 if the object is UTF-16, else as they are in the object. For `json`, the bytes from
            the first value's start to the last one's end.
        offset: of data[0], bytes from the (decompressed) object's start.
        fault: if set, the block is one record that is a reject already, and `data` is its beginning, at most RAW_BYTES.
        clean: cutting it showed every quote of delimited text to stand where RFC 4180 allows one; False says nothing.
    """

    data: bytes
    offset: int
    fault: Fault | None = None
    clean: bool = False


class Cutter(Protocol):
    """Cuts a chunk's bytes into blocks. What it returns depends on offsets alone, never on the sizes fed.

    Attributes:
        first: where the chunk's first record starts; None until found.
        next: where the record after its last one starts; None until done, and after it if a record that reaches past
            the chunk's end is longer than the limit.
        done: nothing more needs to be fed.
    """

    @property
    def first(self) -> int | None: ...
    @property
    def next(self) -> int | None: ...
    @property
    def done(self) -> bool: ...

    def feed(self, data: bytes) -> list[Block]:
        """Takes the bytes that follow those fed before; the first ones start at `read_from(...)`."""
        ...

    def finish(self) -> list[Block]:
        """Says that the object ends here."""
        ...


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of records. Invariant: read == written + rejected + filtered."""

    read: int = 0
    written: int = 0
    rejected: int = 0
    filtered: int = 0
    reject_codes: dict[str, int] = field(default_factory=dict)

    def __add__(self, other: "Tally") -> "Tally":
        codes = dict(self.reject_codes)
        for code, count in other.reject_codes.items():
            codes[code] = codes.get(code, 0) + count
        return Tally(
            self.read + other.read,
            self.written + other.written,
            self.rejected + other.rejected,
            self.filtered + other.filtered,
            codes,
        )


@dataclass(frozen=True, slots=True)
class Processed:
    """What became of a block.

    Attributes:
        payload: for `Encoder.feed`: text, compressed already if so configured, or a table for Parquet.
        rejects: JSON Lines of `contracts.reject.Reject`, in the order of their offsets.
        tally: counts.
    """

    payload: bytes | pa.Table
    rejects: bytes
    tally: Tally


def too_long(limit: int) -> Fault:
    return Fault(
        RejectCode.TOO_LONG,
        f"the record is longer than {limit} bytes; raise max_record_bytes in the dataset, or look for a quote that is "
        "opened and never closed",
    )

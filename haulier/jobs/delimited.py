"""One record of delimited text, exactly as Python's csv module reads it, with the offset where it ends.

The rules (csv.reader, strict=False, doublequote=True, no escape character): a quote opens a quoted field only at the
field's start; inside, two quotes are one; after the closing quote whatever follows up to the delimiter is added as it
is; a quote inside an unquoted field is a character; a record ends at LF, CRLF or a lone CR outside quotes. The planner
(`peek`) and the worker (`worker.records`) read by the same definition.
"""

import re
from dataclasses import dataclass, field
from typing import NamedTuple


class Record(NamedTuple):
    """One record.

    Attributes:
        fields: their bytes, unquoted; one empty field for an empty line.
        end: offset after its last byte, line end excluded.
        next: offset where the following line starts.
        closed: False if the data ended inside a quoted field.
        clean: whether every quote stands where RFC 4180 allows one.
        blank: an empty line, which is a position but no record.
    """

    fields: list[bytes]
    end: int
    next: int
    closed: bool
    clean: bool
    blank: bool


@dataclass(frozen=True, slots=True)
class Dialect:
    """Delimiter and quote, one ASCII byte each."""

    delimiter: bytes
    quote: bytes
    _field: re.Pattern[bytes] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        d, q = re.escape(self.delimiter), re.escape(self.quote)
        if self.delimiter == self.quote:
            raise ValueError(f"delimiter and quote are both {self.quote!r}: choose different ones")
        # Possessive: a field of megabytes must not leave megabytes of places to go back to.
        pattern = rb"(?:(Q)([^Q]*+(?:QQ[^Q]*+)*+)(Q|\Z))?([^D\r\n]*+)".replace(b"Q", q).replace(b"D", d)
        object.__setattr__(self, "_field", re.compile(pattern))

    @classmethod
    def of(cls, delimiter: str, quote: str) -> "Dialect":
        return cls(delimiter.encode("ascii"), quote.encode("ascii"))

    def record_at(self, data: bytes, at: int) -> Record:
        """Reads the record that starts at `at`; the end of `data` counts as the end of the object."""
        fields: list[bytes] = []
        match, quote, size = self._field.match, self.quote, len(data)
        position, closed, clean = at, True, True
        while True:
            found = match(data, position)
            if found is None:  # every part of the pattern may be empty
                raise AssertionError(position)
            opened, inside, closing, rest = found.groups()
            position = found.end()
            if opened is None:
                fields.append(rest)
                clean = clean and quote not in rest
            else:
                fields.append(inside.replace(quote * 2, quote) + rest)
                closed = closing == quote
                clean = clean and closed and not rest
            if position >= size or data[position] in b"\r\n":
                break
            position += 1
        following = position
        if position < size:
            following += 2 if data[position : position + 2] == b"\r\n" else 1
        return Record(fields, position, following, closed, clean, blank=position == at)

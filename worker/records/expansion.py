"""Counts the bytes that go into decompression and come out, and stops what expands beyond reason."""

from typing import Self

from haulier.contracts.dataset import Format
from haulier.contracts.limits import EXPANSION_FREE_BYTES, MAX_DECOMPRESSED_BYTES, MAX_EXPANSION
from worker.records.errors import InputBroken


class Expansion:
    """One for an object, all its members and frames together: many small bombs are a bomb.

    Args:
        name: the object, for messages.
        max_expansion: bytes out for a byte in, at most, from EXPANSION_FREE_BYTES on.
        max_bytes: bytes out in all.

    Attributes:
        stored: bytes in so far.
        expanded: bytes out so far.
    """

    def __init__(
        self, name: str, *, max_expansion: int = MAX_EXPANSION, max_bytes: int = MAX_DECOMPRESSED_BYTES
    ) -> None:
        self.name = name
        self.stored = self.expanded = 0
        self._max_expansion, self._max_bytes = max_expansion, max_bytes

    @classmethod
    def of(cls, format_: Format, name: str) -> Self:
        """With the bounds a dataset sets."""
        return cls(
            name,
            max_expansion=format_.max_expansion or MAX_EXPANSION,
            max_bytes=format_.max_decompressed_bytes or MAX_DECOMPRESSED_BYTES,
        )

    def took(self, size: int) -> None:
        """So many stored bytes go in."""
        self.stored += size

    def gave(self, size: int) -> None:
        """So many bytes came out.

        Raises:
            InputBroken: `expands_too_far`.
        """
        self.expanded += size
        self.check_size(self.expanded)
        if self.expanded > EXPANSION_FREE_BYTES and self.expanded > self.stored * self._max_expansion:
            raise InputBroken(
                "expands_too_far",
                f"{self.name} expands more than {self._max_expansion} times (its first {self.stored} bytes to "
                f"{self.expanded} and more): it may be a bomb; if it is not, raise format.max_expansion in its dataset",
            )

    def check_size(self, size: int) -> None:
        """Refuses a size as soon as it is known.

        Raises:
            InputBroken: `expands_too_far`.
        """
        if size > self._max_bytes:
            raise InputBroken(
                "expands_too_far",
                f"{self.name} expands to more than {self._max_bytes} bytes: split it, or raise "
                "format.max_decompressed_bytes in its dataset",
            )

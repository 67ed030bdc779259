"""Records of one block as columns of text, with the way back from a row to its place and bytes in the object."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import polars as pl
import polars.selectors as cs

from worker.records.rejects import Rejection

HIDDEN = "\x00"
"""Columns that begin with it are the pipeline's own; no header can name one, see `csv_block` and `json_block`."""
ROW = HIDDEN + "row"
REST = HIDDEN + "rest"
RAW = HIDDEN + "raw" + HIDDEN
TYPED = HIDDEN + "typed" + HIDDEN
"""A column that is written in the words it came in, as it was typed: for the profile, and gone after it."""


class Places(Protocol):
    """Where the records of a block are."""

    def offsets(self, rows: Sequence[int]) -> list[int]:
        """Absolute offsets of records, whose numbers ascend."""
        ...

    def raw(self, row: int) -> bytes:
        """A record's bytes, without its line end."""
        ...


@dataclass(frozen=True, slots=True)
class Parsed:
    """A block's records.

    Attributes:
        frame: those that parsed; text columns, and what the pipeline hides among them. Column ROW gives each row's
            number among the block's records where rows are missing; without it row i is record i.
        read: records in the block, rejects included.
        places: where they are.
        rejects: those that did not parse.
    """

    frame: pl.DataFrame
    read: int
    places: Places
    rejects: list[Rejection] = field(default_factory=list)


def row_numbers(frame: pl.DataFrame) -> pl.Series:
    """The record number of each row."""
    if ROW in frame.columns:
        return frame[ROW]
    return pl.int_range(frame.height, dtype=pl.UInt32, eager=True).alias(ROW)


def visible(frame: pl.DataFrame) -> list[str]:
    return [name for name in frame.columns if not name.startswith(HIDDEN)]


def starting(names: Sequence[str]) -> pl.DataFrame:
    """No rows of text columns; a frame without columns has ROW, since its height has to stand on something."""
    return pl.DataFrame(schema=dict.fromkeys(names, pl.String) or {ROW: pl.UInt32})


# polars reads `*` and `^…$` as patterns wherever it takes a name for an expression, in `drop` and in the methods of a
# named Series too, and a file's header may hold any text: columns are reached by name through these three only.


def column_of(frame: pl.DataFrame, name: str) -> pl.Series:
    """The column of this name, without its name."""
    return frame.get_column(name).alias("")


def only(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The frame's columns of these names, in this order."""
    return frame.select([frame.get_column(name) for name in names])


def without(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """The frame less the columns of these names, as many as there are; its height stays, even if no column does."""
    return frame.drop(cs.by_name(*names, require_all=False)) if names else frame

"""A block of delimited text as columns: pyarrow's parser over clean text, strings only.

The answer equals Python's csv module's, record for record: `csv_repair` takes care of quotes the parser reads
differently, `csv_encoding` of bytes that are no characters, and the number of records is checked against a count of
our own. What the parser does not take as a record of the right width is a reject.
"""

import codecs
import io
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

import polars as pl
import pyarrow as pa
import pyarrow.csv

from haulier.contracts.reject import RejectCode, Stage
from haulier.jobs.delimited import Dialect
from worker.records.block import Block, too_long
from worker.records.csv_encoding import utf8_of
from worker.records.csv_repair import CleanText, clean_text
from worker.records.errors import Unbalanced
from worker.records.parsed import ROW, Parsed, starting
from worker.records.rejects import Rejection
from worker.records.transcode import raw_length

Ragged = list[tuple[int, int]]
"""(record number in the block, its fields)."""


class CsvPlaces:
    """See `parsed.Places`."""

    def __init__(self, block: Block, text: CleanText, quote: int, encoding: str) -> None:
        self._block, self._text, self._quote = block, text, quote
        self._encoding = encoding

    @property
    def data(self) -> bytes:
        return self._block.data

    @cached_property
    def spans(self) -> tuple[pl.Series, pl.Series]:
        """(starts, ends) in the clean text."""
        return self._text.spans(self._quote)

    @cached_property
    def starts(self) -> pl.Series:
        """Record starts in the block, Int64."""
        return self._text.original(self.spans[0])

    def offset_series(self) -> pl.Series:
        """Absolute offsets of all records, Int64."""
        if not self._encoding.startswith("utf-16"):
            return self.starts + self._block.offset
        return pl.Series(self.offsets(range(len(self.starts))), dtype=pl.Int64)

    def offsets(self, rows: Sequence[int]) -> list[int]:
        starts = self.starts.gather(list(rows)).to_list()
        if not self._encoding.startswith("utf-16"):
            return [start + self._block.offset for start in starts]
        offsets, at, offset = [], 0, self._block.offset
        for start in starts:
            offset += raw_length(self._block.data[at:start])
            at = start
            offsets.append(offset)
        return offsets

    @cached_property
    def _at(self) -> memoryview:
        """The starts again: of a Series one number costs as much as fifty of these."""
        starts: Any = self.starts.rechunk().to_arrow()
        return memoryview(starts.buffers()[1]).cast("q")[starts.offset : starts.offset + len(starts)]

    def raw(self, row: int) -> bytes:
        end = self._at[row + 1] if row + 1 < len(self._at) else len(self._block.data)
        return self._block.data[self._at[row] : end].rstrip(b"\r\n")


class CsvReader:
    """Parses blocks of one object.

    Args:
        dialect: delimiter and quote.
        columns: names of all columns, in order.
        wanted: names of those to be kept, in order.
        encoding: a Python codec name.
        limit: bytes of the longest record.
    """

    def __init__(
        self, *, dialect: Dialect, columns: tuple[str, ...], wanted: tuple[str, ...], encoding: str, limit: int
    ) -> None:
        self._dialect, self._columns, self._wanted = dialect, columns, wanted
        self._encoding, self._limit = encoding, limit
        # The parser is told numbers for names: a name may be anything, also empty of characters it minds.
        self._numbers = [str(at) for at in range(len(columns))]
        self._kept = [str(columns.index(name)) for name in wanted]

    def parse(self, block: Block) -> Parsed:
        quote = self._dialect.quote[0]
        text = clean_text(block.data, self._dialect, columns=len(self._columns), limit=self._limit, clean=block.clean)
        places = CsvPlaces(block, text, quote, self._encoding)
        if not text.data.strip(b"\r\n"):
            return Parsed(self._frame(None), 0, places)
        codec = "utf-8" if self._encoding.startswith("utf-16") else self._encoding
        utf8, undecodable = utf8_of(text.data, codec)
        table, ragged = self._table(utf8)
        read = table.num_rows + len(ragged)
        frame = self._frame(table)
        if len(places.spans[0]) != read:
            raise Unbalanced(f"{read} records parsed, {len(places.spans[0])} found in the block at {block.offset}")
        if not (ragged or text.marks or undecodable is not None or len(block.data) > self._limit):
            return Parsed(frame, read, places)
        rejects = self._rejects(places, text, undecodable, ragged)
        return Parsed(_without(frame, read, ragged, rejects), read, places, list(rejects.values()))

    def _table(self, utf8: bytes) -> tuple[pa.Table, Ragged]:
        ragged: Ragged = []

        def set_aside(row: pyarrow.csv.InvalidRow) -> Literal["skip", "error"]:
            if row.number is None:  # pyarrow counts unless it parses on several threads
                raise AssertionError(row)
            ragged.append((row.number - 1, row.actual_columns))
            return "skip"

        if utf8.startswith(codecs.BOM_UTF8):
            # The parser takes a mark off whatever it is given; here it is the first record's own text.
            utf8 = codecs.BOM_UTF8 + utf8
        table = pyarrow.csv.read_csv(
            io.BytesIO(utf8),
            read_options=pyarrow.csv.ReadOptions(
                use_threads=False, block_size=len(utf8) + 1, column_names=self._numbers
            ),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=self._dialect.delimiter.decode(),
                quote_char=self._dialect.quote.decode(),
                double_quote=True,
                newlines_in_values=True,
                invalid_row_handler=set_aside,
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                check_utf8=False,
                column_types=dict.fromkeys(self._numbers, pa.string()),
                # None at all would mean all of them.
                include_columns=self._kept or self._numbers[:1],
                strings_can_be_null=False,
                quoted_strings_can_be_null=False,
            ),
        )
        return table, ragged

    def _frame(self, table: pa.Table | None) -> pl.DataFrame:
        if table is None:
            return starting(self._wanted)
        if not self._wanted:
            return pl.DataFrame({ROW: pl.int_range(table.num_rows, dtype=pl.UInt32, eager=True)})
        frame = pl.from_arrow(table)
        if not isinstance(frame, pl.DataFrame):
            raise TypeError(type(frame))
        frame.columns = list(self._wanted)
        return frame

    def _rejects(
        self, places: CsvPlaces, text: CleanText, undecodable: pl.Series | None, ragged: Ragged
    ) -> dict[int, Rejection]:
        """Record number → its rejection, ascending; of several reasons the one that makes the others uncertain."""
        width = len(self._columns)
        found: dict[int, Rejection] = {}
        for row, fields in ragged:
            code = RejectCode.TOO_FEW_FIELDS if fields < width else RejectCode.TOO_MANY_FIELDS
            message = f"the record has {fields} {'field' if fields == 1 else 'fields'} instead of {width}"
            found[row] = Rejection(row, Stage.PARSE, code, message)
        starts, _ = places.spans
        if undecodable is not None:
            message = f"the record holds bytes that are not {self._encoding}"
            for row in (starts.search_sorted(undecodable, side="right") - 1).unique().to_list():
                found[row] = Rejection(row, Stage.PARSE, RejectCode.BAD_ENCODING, message)
        fault = too_long(self._limit)
        for row in self._maybe_too_long(places, text):
            start = int(places.starts[row])
            if self._dialect.record_at(places.data, start).next - start > self._limit:
                found[row] = Rejection(row, Stage.READ, fault.code, fault.message)
        for start, (code, message) in text.marks.items():
            row = int(starts.search_sorted(start))
            said = fault.message if code is RejectCode.TOO_LONG else message
            found[row] = Rejection(row, Stage.READ if code is RejectCode.TOO_LONG else Stage.PARSE, code, said)
        return dict(sorted(found.items()))

    def _maybe_too_long(self, places: CsvPlaces, text: CleanText) -> list[int]:
        """Rewriting a record never makes it shorter, its line end aside."""
        if len(text.data) <= self._limit:
            return []
        starts, ends = places.spans
        return ((ends - starts) > self._limit - 2).arg_true().to_list()


def _without(frame: pl.DataFrame, read: int, ragged: Ragged, rejects: dict[int, Rejection]) -> pl.DataFrame:
    """The frame without rejects, with each row's record number. The parser left the ragged ones out already."""
    rows = pl.int_range(read, dtype=pl.UInt32, eager=True)
    absent = {row for row, _ in ragged}
    if absent:
        keep = pl.Series([True]).new_from_index(0, read).scatter(list(absent), False)
        rows = rows.filter(keep)
    frame = frame.with_columns(rows.alias(ROW))
    gone = pl.Series([row for row in rejects if row not in absent], dtype=pl.UInt32)
    return frame.filter(~pl.col(ROW).is_in(gone.implode())) if len(gone) else frame

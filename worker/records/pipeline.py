"""What is done to a block's records, start to end: parse, validate, transform, enrich, encode.

Pure, and nothing of one block's bytes depends on another block, so two threads may run `process` at once and a redo
gives the same bytes; the profile collects all blocks, and is the same in whatever order they come.
"""

from dataclasses import replace
from typing import Protocol

import polars as pl
import pyarrow as pa

from haulier.contracts.dataset import Dataset
from haulier.contracts.limits import MAX_RECORD_BYTES
from haulier.contracts.profile import ChunkProfile
from haulier.contracts.reject import RejectCode, Stage
from haulier.contracts.run import Reading
from worker.records.block import RAW_BYTES, Block, Fault, Processed, Tally
from worker.records.encode import EXTRA, arrow_table, csv_header, csv_lines
from worker.records.enrich import Facts, constants, enriched
from worker.records.errors import DatasetUnusable, Unbalanced
from worker.records.json_lines import json_lines
from worker.records.json_splice import JsonSplicer
from worker.records.output import compress
from worker.records.parsed import REST, TYPED, Parsed, Places, row_numbers, visible, without
from worker.records.profile import Profiler
from worker.records.reader import reader_for, starting_frame
from worker.records.rejects import Rejection, counted, reject_line
from worker.records.transform import step_of
from worker.records.validate import Validator


class Reader(Protocol):
    """Parses a block."""

    def parse(self, block: Block) -> Parsed: ...


class BlockProcessor:
    """Processes the blocks of one attempt.

    Args:
        reading: how the object is read.
        dataset: its configuration.
        facts: what the enrichment says.

    Attributes:
        header: for `Encoder`: the header of CSV, else empty.
        schema: for `Encoder`: the schema of Parquet, else None.
        max_record_bytes: for `cutter_for`.

    Raises:
        DatasetUnusable: the configuration cannot be applied to this object.
    """

    def __init__(self, *, reading: Reading, dataset: Dataset, facts: Facts) -> None:
        self._reading, self._output, self._enrich = reading, dataset.output, dataset.enrich
        self.max_record_bytes = dataset.max_record_bytes or MAX_RECORD_BYTES
        self._encoding = "utf-8" if reading.encoding.startswith("utf-16") else reading.encoding
        self._fixed, self._place = constants(dataset.enrich, facts), facts.place
        self.header = b""
        self.schema: pa.Schema | None = None
        self._splicer: JsonSplicer | None = None
        self._profiler: Profiler | None = None
        if reading.type in ("json", "jsonl") and _goes_through(dataset):
            self._splicer = JsonSplicer(
                lines=reading.type == "jsonl",
                enrich=dataset.enrich,
                fixed=self._fixed,
                encoding=reading.encoding,
                limit=self.max_record_bytes,
            )
            return
        self._reader: Reader = reader_for(reading, dataset, limit=self.max_record_bytes)
        texts_stay = dataset.output.format != "parquet" and not dataset.transforms
        self._validate = Validator(dataset.schema_, texts_stay=texts_stay)
        frame, _ = self._validate(starting_frame(reading, dataset, limit=self.max_record_bytes))
        self._steps = []
        for transform in dataset.transforms:
            step = step_of(transform, frame)
            frame = step(frame).frame
            self._steps.append(step)
        if REST in frame.columns and dataset.output.format != "jsonl" and EXTRA in visible(frame):
            raise DatasetUnusable(
                "column_taken",
                f"dataset {dataset.name}: column {EXTRA} keeps the fields that are not listed; rename the other "
                "column of that name, or set extra to drop or reject",
            )
        nothing_read = reading.type in ("csv", "tsv") and not reading.columns
        if not visible(frame) and REST not in frame.columns and not nothing_read:
            raise DatasetUnusable("no_columns", f"dataset {dataset.name}: its transforms leave no column to write")
        listed = [column.name for column in dataset.schema_.columns]
        self._profiler = Profiler(frame, added=dataset.enrich, listed=listed)
        self._typed = [name for name in frame.columns if name.startswith(TYPED)]
        frame = without(frame, self._typed)
        self._describe(enriched(frame, self._enrich, self._fixed, pl.Series([], dtype=pl.Int64)))

    def _describe(self, empty: pl.DataFrame) -> None:
        table = arrow_table(empty) if visible(empty) or REST in empty.columns else None
        if self._output.format == "csv" and table is not None:
            self.header = csv_header(table.column_names)
        elif self._output.format == "parquet" and table is not None:
            self.schema = table.schema

    def process(self, block: Block) -> Processed:
        """Processes one block."""
        if block.fault is not None:
            return self._faulty(block, block.fault)
        if self._splicer is not None:
            return self._spliced(block, self._splicer)
        frame, read, places, rejects = self._parsed(block)
        filtered = 0
        for step in self._steps:
            stepped = step(frame)
            frame = stepped.frame
            rejects += stepped.rejects
            filtered += stepped.filtered
        if self._profiler is not None:
            self._profiler.add(frame, rejects)
        offsets = self._offsets(frame, places)
        frame = enriched(without(frame, self._typed), self._enrich, self._fixed, offsets)
        tally = Tally(read, frame.height, len(rejects), filtered)
        return self._processed(block, self._encode(frame), tally, places, rejects)

    def _spliced(self, block: Block, splicer: JsonSplicer) -> Processed:
        lines, read, written, places, rejects = splicer.splice(block)
        payload = compress(lines, self._output.compression)
        return self._processed(block, payload, Tally(read, written, len(rejects)), places, rejects)

    def _parsed(self, block: Block) -> tuple[pl.DataFrame, int, Places, list[Rejection]]:
        """(typed columns, records read, their places, rejects); the texts they were made of are let go here."""
        parsed = self._reader.parse(block)
        frame, invalid = self._validate(parsed.frame)
        return frame, parsed.read, parsed.places, parsed.rejects + invalid

    def profile(self) -> ChunkProfile | None:
        """Of the blocks processed so far; None where records go through unread, and nobody knows their fields."""
        return self._profiler.result() if self._profiler is not None else None

    def _offsets(self, frame: pl.DataFrame, places: Places) -> pl.Series | None:
        if "_record_offset" not in self._enrich:
            return None
        return pl.Series(places.offsets(row_numbers(frame).to_list()), dtype=pl.Int64)

    def _encode(self, frame: pl.DataFrame) -> bytes | pa.Table:
        match self._output.format:
            case "jsonl":
                return compress(json_lines(frame, self._fixed), self._output.compression)
            case "csv":
                return compress(csv_lines(frame), self._output.compression)
            case "parquet":
                return arrow_table(frame)

    def _processed(
        self, block: Block, payload: bytes | pa.Table, tally: Tally, places: Places, rejects: list[Rejection]
    ) -> Processed:
        if tally.read != tally.written + tally.rejected + tally.filtered:
            raise Unbalanced(
                f"in the block at {block.offset} {tally.read} records were read, {tally.written} written, "
                f"{tally.rejected} rejected and {tally.filtered} filtered: a defect of Haulier, please report it"
            )
        rejects = sorted(rejects, key=lambda rejection: rejection.row)
        offsets = places.offsets([rejection.row for rejection in rejects]) if rejects else []
        lines = [
            reject_line(
                rejection,
                offset=offset,
                raw=self._raw(places.raw(rejection.row)),
                encoding=self._encoding,
                place=self._place,
            )
            for rejection, offset in zip(rejects, offsets, strict=True)
        ]
        codes = counted([rejection.code for rejection in rejects])
        return Processed(payload, b"".join(lines), replace(tally, reject_codes=codes))

    def _raw(self, record: bytes) -> bytes:
        """As much of a record as its reject keeps: the same wherever blocks are cut, and no part of the line end."""
        return record[: min(self.max_record_bytes, RAW_BYTES)].rstrip(b"\r\n")

    def _faulty(self, block: Block, fault: Fault) -> Processed:
        stage = Stage.READ if fault.code is RejectCode.TOO_LONG else Stage.PARSE
        rejection = Rejection(0, stage, fault.code, fault.message)
        raw = self._raw(block.data)
        line = reject_line(rejection, offset=block.offset, raw=raw, encoding=self._encoding, place=self._place)
        tally = Tally(read=1, rejected=1, reject_codes={fault.code.value: 1})
        payload = self.schema.empty_table() if self.schema is not None else b""
        return Processed(payload, line, tally)


def _goes_through(dataset: Dataset) -> bool:
    """Whether records are written as they came: nothing looks inside."""
    schema = dataset.schema_
    untouched = not schema.columns and schema.extra == "keep" and not dataset.transforms
    return dataset.output.format == "jsonl" and untouched

"""Chooses the cutter for how an object is read, and says from where it must be fed."""

from haulier.contracts.limits import BLOCK_BYTES, MAX_RECORD_BYTES
from haulier.contracts.run import Reading
from haulier.jobs.delimited import Dialect
from worker.records.block import Cutter
from worker.records.cut_json import JsonCutter
from worker.records.cut_lines import LineCutter
from worker.records.guess import CertainGuess, Guess, QuoteGuess
from worker.records.scan import DelimitedScan, LineScan, Scan
from worker.records.transcode import Holding, Utf16Cutter

_LOOK_BACK = 2
"""A chunk that starts between CR and LF, or right after a quote, must see what stands before."""


def read_from(reading: Reading, *, start: int, given: int | None) -> int:
    """The offset of the first byte the cutter is to be fed."""
    if given is not None:
        return given
    if start <= reading.body_start:
        return reading.body_start
    return max(start - _LOOK_BACK, reading.body_start)


def cutter_for(
    reading: Reading,
    *,
    start: int,
    end: int | None,
    given: int | None,
    max_record_bytes: int = MAX_RECORD_BYTES,
    block_bytes: int = BLOCK_BYTES,
) -> Cutter:
    """Makes the cutter of chunk [start, end).

    Args:
        reading: how the object is read.
        start: where the chunk starts, bytes.
        end: where it ends; None for the object's end.
        given: where its first record is known to start; None to guess.
        max_record_bytes: a longer record becomes a fault.
        block_bytes: bytes of a block, more or less.

    Raises:
        ValueError: the object cannot be cut, and the chunk is not all of it.
    """
    if given is None and start <= reading.body_start:
        given = reading.body_start
    base = read_from(reading, start=start, given=given)
    if not reading.splittable:
        if given is None:
            raise ValueError(f"a {reading.compression} {reading.type} object in {reading.encoding} cannot be cut")
        # It is one chunk, whose end is where the stream ends, whatever the size it is stored with.
        end = None
    if reading.type == "json":
        inner: Holding = JsonCutter(base=base, limit=max_record_bytes, block_bytes=block_bytes)
    else:
        scan, guess = _line_parts(reading, at=start - base, end=end, base=base, limit=max_record_bytes)
        inner = LineCutter(
            scan=scan, guess=guess, base=base, end=end, given=given, limit=max_record_bytes, block_bytes=block_bytes
        )
    return Utf16Cutter(inner, encoding=reading.encoding, base=base) if reading.encoding.startswith("utf-16") else inner


def _line_parts(reading: Reading, *, at: int, end: int | None, base: int, limit: int) -> tuple[Scan, Guess]:
    span = limit if end is None else max(end - base, 1)
    if reading.type == "jsonl":
        lines = LineScan()
        return lines, CertainGuess(lines, at=at, span=span, limit=limit)
    dialect = Dialect.of(reading.delimiter, reading.quote)
    scan = DelimitedScan(dialect)
    if base == reading.body_start:
        return scan, CertainGuess(DelimitedScan(dialect), at=at, span=span, limit=limit)
    return scan, QuoteGuess(dialect, at=at, columns=len(reading.columns), limit=limit)

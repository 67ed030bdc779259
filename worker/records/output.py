"""From blocks to output objects: what must be sequential. Compression of text is not, it was done with the block."""

import io
import zlib

import pyarrow as pa
import pyarrow.parquet
import zstandard

from haulier.contracts.dataset import Output
from haulier.contracts.limits import MIB
from worker.records.block import Processed

_GZIP_LEVEL, _ZSTD_LEVEL = 1, 1
"""The fastest: level 6 costs gzip ten times the time for a fifth of the bytes (shared measurements, section 3)."""
ROW_GROUP_BYTES = 16 * MIB
"""Of Arrow's memory, gathered from blocks: some 100,000 rows of a dozen columns. Readers skip and share by row groups
(DuckDB's own have 122,880 rows); larger ones compress hardly better, and their columns lie in memory until written."""
ROW_GROUP_ROWS = 1_000_000
_CONTENT_TYPES = {"jsonl": "application/x-ndjson", "csv": "text/csv", "parquet": "application/vnd.apache.parquet"}


def compress(text: bytes, compression: str | None) -> bytes:
    """A gzip member or zstd frame of its own: they may follow one another in an object. No time in its header, so that
    the same text gives the same bytes.
    """
    if not text or compression in (None, "none"):
        return text
    if compression == "gzip":
        member = zlib.compressobj(_GZIP_LEVEL, wbits=16 + zlib.MAX_WBITS)
        return member.compress(text) + member.flush()
    return zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True).compress(text)


class Encoder:
    """Puts the payloads of blocks, in order, into one output object.

    Args:
        output: as configured.
        header: CSV's first line, see `BlockProcessor.header`; empty otherwise.
        schema: Parquet's schema, see `BlockProcessor.schema`; None otherwise.
    """

    def __init__(self, output: Output, *, header: bytes = b"", schema: pa.Schema | None = None) -> None:
        self.suffix = output.suffix
        self.content_type = _CONTENT_TYPES[output.format]
        if output.format != "parquet" and output.compression in ("gzip", "zstd"):
            self.content_type = f"application/{output.compression}"
        self._compression = output.compression
        self._pending = compress(header, output.compression)
        self._sink: _Drain | None = None
        self._writer: pyarrow.parquet.ParquetWriter | None = None
        self._tables: list[pa.Table] = []
        if output.format == "parquet":
            if schema is None:
                raise ValueError("Parquet needs the processor's schema")
            self._sink = _Drain()
            self._writer = pyarrow.parquet.ParquetWriter(
                pa.PythonFile(self._sink, mode="w"),
                schema,
                compression="none" if output.compression == "none" else "zstd",
            )

    def feed(self, processed: Processed) -> bytes:
        """Bytes of the object that are ready; tables are gathered to row groups."""
        payload = processed.payload
        if isinstance(payload, bytes):
            ready, self._pending = self._pending + payload if self._pending else payload, b""
            return ready
        if self._writer is None or self._sink is None:
            raise ValueError("a table goes into Parquet only")
        if payload.num_rows:
            self._tables.append(payload)
        rows = sum(table.num_rows for table in self._tables)
        if rows >= ROW_GROUP_ROWS or sum(table.nbytes for table in self._tables) >= ROW_GROUP_BYTES:
            self._write_row_group(self._writer)
        return self._sink.taken()

    def _write_row_group(self, writer: pyarrow.parquet.ParquetWriter) -> None:
        tables, self._tables = self._tables, []
        if tables:
            whole = pa.concat_tables(tables)
            writer.write_table(whole, row_group_size=whole.num_rows)

    def finish(self) -> bytes:
        """The object's last bytes."""
        if self._writer is not None and self._sink is not None:
            self._write_row_group(self._writer)
            self._writer.close()
            return self._sink.taken()
        return self._pending


class _Drain(io.RawIOBase):
    """A file that is only written; what was written is taken out as it comes."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        part = bytes(memoryview(data))  # type: ignore[arg-type]
        self._parts.append(part)
        self._at += len(part)
        return len(part)

    def tell(self) -> int:
        return self._at

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)

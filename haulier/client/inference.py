"""What a run would infer of a file, before there is one: the same code over the same bytes, as YAML to keep."""

import bz2
import lzma
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import yaml
from botocore.exceptions import ClientError

from haulier.client.connection import Connection
from haulier.client.datasets import check
from haulier.client.errors import Damaged, NotFound, Refused
from haulier.client.requests import parse_uri
from haulier.contracts.dataset import DEFAULT_DATASET, Column, InputCompression
from haulier.contracts.limits import MIB, PEEK_BYTES
from haulier.jobs.infer import inferred_columns
from haulier.jobs.peek import compression_of, peek
from haulier.jobs.refused import PeekError

_HEAD_BYTES = 2 * MIB
"""A block of bzip2 gives nothing before it is whole, and has up to 900,000 bytes."""


class _Stream(Protocol):
    """One member or frame: zlib's, bz2's and lzma's objects."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


_STREAMS: dict[InputCompression, Callable[[], _Stream]] = {
    "gzip": lambda: zlib.decompressobj(wbits=16 + zlib.MAX_WBITS),
    "bz2": bz2.BZ2Decompressor,
    "xz": lzma.LZMADecompressor,
}


@dataclass(frozen=True, slots=True)
class InferredSchema:
    """A file's schema.

    Attributes:
        columns: those given, then those inferred.
        remarks: what a run's record would say.
    """

    columns: tuple[Column, ...]
    remarks: tuple[str, ...]

    def to_yaml(self) -> str:
        """The dataset's `schema`, a column a line."""
        if not self.columns:
            return "schema: {columns: []}\n"
        return "schema:\n  columns:\n" + "".join(f"    - {_on_a_line(column)}\n" for column in self.columns)


def _on_a_line(column: Column) -> str:
    said = {"name": column.name, "type": column.type, **column.model_dump(exclude_defaults=True, mode="json")}
    if column.name.isprintable():
        return _flow(said)
    # PyYAML would write a line break as one, and others so that it reads them as blanks.
    name = yaml.safe_dump(said.pop("name"), default_style='"', width=float("inf")).strip()
    return f"{{name: {name}, {_flow(said)[1:]}"


def _flow(said: dict[str, object]) -> str:
    return yaml.safe_dump(
        said, default_flow_style=True, width=float("inf"), allow_unicode=True, sort_keys=False
    ).strip()


def infer_schema(connection: Callable[[], Connection], address: str, using: Path | None = None) -> InferredSchema:
    """Infers the schema of a file or object from its first bytes.

    Args:
        connection: the stack, asked for where the address is an object's.
        address: a path, or `s3://BUCKET/KEY`.
        using: a dataset's configuration: its format, nulls and flatten are used, its columns win.

    Raises:
        NotFound: there is no such file or object.
        InvalidDataset: the configuration cannot be used.
        Refused: it is compressed in a way this command cannot undo, or holds no records.
        Damaged: its compressed data is broken.
    """
    dataset = check(None, using) if using is not None else DEFAULT_DATASET
    dataset = dataset.model_copy(update={"schema_": dataset.schema_.model_copy(update={"infer": True})})
    head, whole = _head_of(connection, address)
    try:
        compression = compression_of(head[:PEEK_BYTES], key=address, dataset=dataset)
        if compression != "none":
            head, whole = _first_out(head, compression, address, whole=whole)
        reading = peek(
            head[:PEEK_BYTES],
            key=address,
            complete=whole and len(head) <= PEEK_BYTES,
            compression=compression,
            dataset=dataset,
        )
    except PeekError as error:
        raise Refused(str(error)) from error
    return InferredSchema((*dataset.schema_.columns, *inferred_columns(reading.inferred or {})), reading.remarks)


def _head_of(connection: Callable[[], Connection], address: str) -> tuple[bytes, bool]:
    """The first bytes, and whether they are all."""
    if not address.startswith("s3://"):
        path = Path(address)
        if not path.is_file():
            raise NotFound(f"{address} is not a file")
        with path.open("rb") as file:
            return file.read(_HEAD_BYTES), path.stat().st_size <= _HEAD_BYTES
    bucket, key = parse_uri(address)
    s3 = connection().client("s3")
    try:
        size = s3.head_object(Bucket=bucket, Key=key)["ContentLength"]
        if size == 0:
            return b"", True
        body = s3.get_object(Bucket=bucket, Key=key, Range=f"bytes=0-{_HEAD_BYTES - 1}")["Body"]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in ("404", "NoSuchKey", "NoSuchBucket"):
            raise NotFound(f"there is no object {address}") from None
        raise
    return body.read(_HEAD_BYTES), size <= _HEAD_BYTES


def _first_out(data: bytes, compression: InputCompression, address: str, *, whole: bool) -> tuple[bytes, bool]:
    """What the first bytes expand to, a little more than is looked at and no further, and whether it is all."""
    if compression not in _STREAMS:
        raise Refused(f"{address} is compressed with {compression}, which this command cannot undo", "decompress it")
    out = b""
    try:
        while data and len(out) <= PEEK_BYTES:
            stream = _STREAMS[compression]()
            out += stream.decompress(data, PEEK_BYTES + 1 - len(out))
            if not stream.eof:
                return out, False
            data = stream.unused_data.lstrip(b"\x00")
    except (zlib.error, OSError, lzma.LZMAError) as error:
        raise Damaged(f"{address}: its {compression} data is broken: {error}") from error
    return out, whole and not data

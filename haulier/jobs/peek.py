"""What an object's first bytes say about how it is to be read.

The planner and the worker both run it: the planner over the head of an object it will cut, the worker over the head of
what it has decompressed. It decides type, encoding, dialect and header, and refuses what cannot be read at all; a bad
record further in is none of its business. Configuration decides first, then content where it is unmistakable, then the
key's extension; what differs from what the key promised is said in `remarks`.
"""

import codecs
from collections.abc import Mapping

from haulier.contracts.dataset import ColumnType, Dataset, FileType, Format, InputCompression
from haulier.contracts.limits import KIB, MAX_READING_BYTES, MAX_RECORD_BYTES
from haulier.contracts.run import Reading
from haulier.jobs.compression import compression_by_content, compression_by_name, suffix_behind
from haulier.jobs.delimited import Dialect, Record
from haulier.jobs.infer import NOTHING, infer
from haulier.jobs.refused import PeekError, refuse_binary, refuse_nuls, refuse_packed
from haulier.jobs.shapes import looks_delimited, shape_of, sniff_delimiter

EXTENSIONS: dict[str, FileType] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
}
_PROSE = (".txt", ".log")
"""Extensions that tables share with prose: content decides, and prose is refused."""


def format_of_key(key: str) -> FileType | None:
    """The type the key's extension promises, behind `.gz` and the like; None if it promises none (`.txt`, no dot)."""
    return EXTENSIONS.get(suffix_behind(key))


def compression_of(head: bytes, *, key: str, dataset: Dataset) -> InputCompression:
    """How the whole object is compressed: as configured, else by its first bytes, whatever the extension says.

    A zip need not begin with one of its members: what extracts itself begins with a program, and the last piece of a
    split one, which keeps the name, in the middle of a member. So `.zip` is believed where no other magic is found.

    Raises:
        PeekError: `unsupported_content`, the bytes are of a binary format that cannot be read.
    """
    if dataset.format.compression != "auto":
        return dataset.format.compression
    promised = compression_by_name(key)
    found = compression_by_content(head, promised=promised)
    if found is not None:
        return found
    refuse_binary(head, key)
    return "zip" if promised == "zip" and head else "none"


def peek(
    head: bytes,
    *,
    key: str,
    complete: bool,
    compression: InputCompression,
    dataset: Dataset,
    earlier: Mapping[str, ColumnType] = NOTHING,
) -> Reading:
    """Finds how the object is read.

    Args:
        head: its first bytes, decompressed; PEEK_BYTES of them are enough.
        key: its key, for the extension and for messages.
        complete: whether `head` is all of it.
        compression: as `compression_of` found; anything but `none` makes it one stream.
        dataset: whose configuration decides before anything is guessed.
        earlier: see `infer`.

    Raises:
        PeekError: `unsupported_content`, `undecodable_header`, `header_too_long`, `header_unterminated`,
            `schema_too_wide`.
    """
    encoding, bom = _encoding_of(head, dataset.format.encoding)
    refuse_packed(head, key, compression)
    refuse_binary(head, key)
    text = _as_utf8(head[bom:], encoding)
    if not encoding.startswith("utf-16"):
        refuse_nuls(text, key)
    kind, remarks = _type_of(text, key=key, complete=complete, format_=dataset.format)
    splittable = compression == "none" and not encoding.startswith("utf-16") and kind != "json"
    common = {"compression": compression, "encoding": encoding, "splittable": splittable}
    if kind in ("json", "jsonl"):
        reading = Reading(type=kind, body_start=bom, remarks=remarks, **common)
        return _with_types(reading, text, earlier, key=key, complete=complete, dataset=dataset)
    delimiter, remark = sniff_delimiter(text, kind=kind, complete=complete, format_=dataset.format)
    if delimiter == dataset.format.quote:
        raise PeekError("unsupported_content", f"{key}: delimiter and quote are both {delimiter!r}; configure another")
    dialect = Dialect.of(delimiter, dataset.format.quote)
    columns, consumed = _header(text, dialect, key=key, complete=complete, encoding=encoding, format_=dataset.format)
    reading = Reading(
        type=kind,
        delimiter=delimiter,
        quote=dataset.format.quote,
        columns=columns,
        body_start=bom + _raw_length(text[:consumed], encoding),
        remarks=remarks + ((remark,) if remark else ()),
        **common,
    )
    return _with_types(reading, text[consumed:], earlier, key=key, complete=complete, dataset=dataset)


def _with_types(
    reading: Reading, body: bytes, earlier: Mapping[str, ColumnType], *, key: str, complete: bool, dataset: Dataset
) -> Reading:
    """The reading with the schema that the body's beginning shows, where the dataset asks for one."""
    if not dataset.schema_.infer:
        return reading
    found = infer(reading, body, complete=complete, dataset=dataset, earlier=earlier)
    reading = reading.model_copy(
        update={"inferred": found.types, "remarks": (*reading.remarks, found.remark)},
    )
    # A report lists the types of all streams together.
    together = reading.model_copy(update={"inferred": {**earlier, **found.types}})
    if len(together.to_json().encode()) > MAX_READING_BYTES:
        raise PeekError(
            "schema_too_wide",
            f"{key}: its {len(found.types):,} columns are too many to infer ({MAX_READING_BYTES // KIB} KiB of names "
            "and types at most): list those you need in the dataset's schema, or flatten fewer columns",
        )
    return reading


def _encoding_of(head: bytes, configured: str) -> tuple[str, int]:
    """A Python codec's name and the length of the BOM."""
    if configured in ("auto", "utf-8"):
        if head.startswith(codecs.BOM_UTF8):
            return "utf-8", 3
        if configured == "utf-8":
            return "utf-8", 0
    if configured in ("auto", "utf-16"):
        for bom, codec in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
            if head.startswith(bom):
                return codec, 2
        return ("utf-16-le", 0) if configured == "utf-16" else ("utf-8", 0)
    return configured, 0


def _as_utf8(body: bytes, encoding: str) -> bytes:
    """The head as UTF-8, except that one-byte encodings stay as they are: their delimiters are ASCII already."""
    if not encoding.startswith("utf-16"):
        return body
    return (
        body[: len(body) // 2 * 2].decode(encoding, "surrogatepass").encode("utf-8", "surrogatepass") if body else b""
    )


def _raw_length(text: bytes, encoding: str) -> int:
    if not encoding.startswith("utf-16"):
        return len(text)
    return len(text.decode("utf-8", "surrogatepass").encode(encoding, "surrogatepass"))


def _type_of(text: bytes, *, key: str, complete: bool, format_: Format) -> tuple[FileType, tuple[str, ...]]:
    if format_.type != "auto":
        return format_.type, ()
    promised = format_of_key(key)
    shape = shape_of(text, complete=complete)
    name = key.rsplit("/", 1)[-1]
    if promised in ("csv", "tsv"):
        if shape in ("jsonl", "json"):
            return shape, (f"{name} is named as {promised} and holds {_said(shape)}",)
        return promised, ()
    if promised is None:
        if shape in ("jsonl", "json"):
            return shape, ()
        _refuse_prose(text, key, complete=complete, format_=format_)
        return (
            "tsv" if sniff_delimiter(text, kind="csv", complete=complete, format_=format_)[0] == "\t" else "csv"
        ), ()
    if promised == "json" and shape == "jsonl" and complete and b"\n" not in text.strip():
        return "json", ()
    if shape in ("jsonl", "json") and shape != promised:
        return shape, (f"{name} is named as {_said(promised)} and holds {_said(shape)}",)
    if shape is None and looks_delimited(text, complete=complete, format_=format_):
        return "csv", (f"{name} is named as {_said(promised)} and holds delimited text",)
    return promised, ()


def _refuse_prose(text: bytes, key: str, *, complete: bool, format_: Format) -> None:
    """Refuses a text of several lines that no delimiter cuts alike, unless its dataset says how it is cut."""
    configured = format_.delimiter is not None or format_.columns is not None
    if configured or not key.lower().endswith(_PROSE) or b"\n" not in text.strip():
        return
    if not looks_delimited(text, complete=complete, format_=format_):
        raise PeekError(
            "unsupported_content",
            f"{key} looks like plain text, not like records: if it is a table, set format.type in its dataset (csv for "
            "one value a line)",
        )


def _said(kind: str) -> str:
    return {"jsonl": "JSON Lines", "json": "one JSON value"}.get(kind, kind)


def _header(
    text: bytes, dialect: Dialect, *, key: str, complete: bool, encoding: str, format_: Format
) -> tuple[tuple[str, ...], int]:
    """Column names and how many bytes of `text` they took."""
    if not format_.header and format_.columns is not None:
        return format_.columns, 0
    record, at = _first_record(text, dialect)
    if record is None:
        if complete:
            return (), len(text) if format_.header else 0
        raise PeekError("header_too_long", f"{key}: no header in its first {len(text)} bytes: they hold no record")
    if not complete and record.next >= len(text):
        raise PeekError(
            "header_too_long",
            f"{key}: its first record does not end within {len(text)} bytes: is the quote {format_.quote!r} right?",
        )
    if not format_.header:
        return tuple(f"column_{n}" for n in range(1, len(record.fields) + 1)), 0
    if not record.closed or record.next - at > MAX_RECORD_BYTES:
        raise PeekError("header_unterminated", f"{key}: a quote in its header is opened and never closed")
    codec = "utf-8" if encoding.startswith("utf-16") else encoding
    try:
        names = [field.decode(codec) for field in record.fields]
    except UnicodeDecodeError as wrong:
        raise PeekError(
            "undecodable_header",
            f"{key}: its header is not {codec} ({wrong.reason}): set format.encoding in its dataset",
        ) from None
    return unique_names(names), record.next


def _first_record(text: bytes, dialect: Dialect) -> tuple[Record | None, int]:
    at = 0
    while at < len(text):
        record = dialect.record_at(text, at)
        if not record.blank:
            return record, at
        at = record.next
    return None, at


def unique_names(names: list[str]) -> tuple[str, ...]:
    """Names as they are used: `column_{n}` for an empty one, `name_2`, `name_3` for repetitions, never one in use."""
    wanted = [name.removeprefix("\ufeff") or f"column_{n}" for n, name in enumerate(names, 1)]
    taken: set[str] = set()
    reserved = set(wanted)
    result = []
    for name in wanted:
        chosen, n = name, 1
        while chosen in taken or (n > 1 and chosen in reserved):
            n += 1
            chosen = f"{name}_{n}"
        taken.add(chosen)
        result.append(chosen)
    return tuple(result)

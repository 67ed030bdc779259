"""What an object's first bytes say about how it is to be read.

The planner and the worker both run it: the planner over the head of an object it will cut, the worker over the head of
what it has decompressed. It decides type, encoding, dialect and header, and refuses what cannot be read at all; a bad
record further in is none of its business. Configuration decides first, then content where it is unmistakable, then the
key's extension; what differs from what the key promised is said in `remarks`.
"""

import codecs

from haulier.contracts.dataset import Compression, Dataset, FileType, Format
from haulier.contracts.limits import MAX_RECORD_BYTES
from haulier.contracts.run import Reading
from haulier.jobs.delimited import Dialect, Record
from haulier.jobs.shapes import looks_delimited, shape_of, sniff_delimiter

EXTENSIONS: dict[str, FileType] = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
}
_COMPRESSED = (".gz", ".gzip", ".zst", ".zstd")
_ONLY = "records are read from CSV and JSON only; if it holds such records, set format.type in its dataset"
REFUSED = {
    **dict.fromkeys((".bz2", ".xz", ".lzma", ".lz4", ".br", ".z"), "of its compression: use gzip or zstd"),
    **dict.fromkeys((".zip", ".7z", ".rar", ".tar", ".tgz", ".jar"), "it is an archive: upload its members"),
    **dict.fromkeys((".parquet", ".orc", ".avro", ".feather", ".arrow"), "it holds binary columns already"),
    **dict.fromkeys(
        (".xls", ".xlsx", ".xlsm", ".ods", ".doc", ".docx", ".odt", ".rtf", ".ppt", ".pptx", ".pdf", ".eml", ".msg"),
        "it is an office document: export it as CSV",
    ),
    **dict.fromkeys(
        (".png", ".jpg", ".jpeg", ".gif", ".webp", ".tif", ".tiff", ".bmp", ".svg", ".ico"), "it is an image"
    ),
    **dict.fromkeys((".mp3", ".mp4", ".wav", ".avi", ".mov", ".mkv", ".flac", ".ogg"), "it is sound or video"),
    **dict.fromkeys(
        (".exe", ".dll", ".so", ".bin", ".iso", ".class", ".pyc", ".wasm"), "it is a program or an image of one"
    ),
    **dict.fromkeys(
        (".db", ".sqlite", ".sqlite3", ".mdb", ".accdb", ".dbf", ".sql"), "it is a database: export its tables"
    ),
    **dict.fromkeys((".pkl", ".pickle", ".npy", ".npz", ".h5", ".hdf5", ".rds"), "it is a program's own format"),
    **dict.fromkeys((".xml", ".html", ".htm", ".xhtml"), _ONLY),
    **dict.fromkeys((".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf", ".env", ".properties"), _ONLY),
    **dict.fromkeys((".md", ".rst", ".adoc", ".tex", ".css", ".ipynb"), _ONLY),
    **dict.fromkeys((".py", ".js", ".ts", ".sh", ".bat", ".ps1", ".java", ".cpp"), _ONLY),
    **dict.fromkeys((".rb", ".php", ".scala", ".lua"), _ONLY),
}
"""Extensions of what this release cannot read, each with the rest of a sentence for the person who uploaded it."""
_PROSE = (".txt", ".log")
"""Extensions that tables share with prose: content decides, and prose is refused."""
_MAGIC = {
    b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"PK\x03\x04": "zip", b"PAR1": "Parquet", b"%PDF": "PDF",
    b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"\x7fELF": "ELF", b"ORC": "ORC", b"Obj\x01": "Avro",
    b"ARROW1": "Arrow", b"\xff\xfe\x00\x00": "UTF-32", b"\x00\x00\xfe\xff": "UTF-32",
}  # fmt: skip


class PeekError(Exception):
    """The object cannot be read as records. `code` is stable; the message names the object and what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def _suffixes(key: str) -> list[str]:
    name = key.rsplit("/", 1)[-1].lower()
    return ["." + part for part in name.split(".")[1:]]


def format_of_key(key: str) -> FileType | None:
    """The type the key's extension promises, behind `.gz` and `.zst`; None where it promises none (`.txt`, no dot)."""
    suffixes = _suffixes(key)
    while suffixes and suffixes[-1] in _COMPRESSED:
        suffixes.pop()
    return EXTENSIONS.get(suffixes[-1]) if suffixes else None


def refused_suffix(key: str) -> str | None:
    """Why an object of this name cannot be processed, or None. What has no telling extension is decided by content."""
    suffixes = _suffixes(key)
    while suffixes and suffixes[-1] in _COMPRESSED:
        suffixes.pop()
    if not suffixes or suffixes[-1] not in REFUSED:
        return None
    return f"{key}: files of type {suffixes[-1]} are not processed: {REFUSED[suffixes[-1]]}"


def compression_of(head: bytes, *, key: str, dataset: Dataset) -> Compression:
    """How the whole object is compressed: as configured, else by its first bytes, whatever the extension says.

    Raises:
        PeekError: `unsupported_content`, the key promises compression that this release cannot undo.
    """
    if dataset.format.compression != "auto":
        return dataset.format.compression
    if head[:2] == b"\x1f\x8b":
        return "gzip"
    if head[:4] == b"\x28\xb5\x2f\xfd" or (head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F):
        return "zstd"
    _refuse_binary(head, key)
    return "none"


def peek(head: bytes, *, key: str, complete: bool, compression: Compression, dataset: Dataset) -> Reading:
    """Finds how the object is read.

    Args:
        head: its first bytes, decompressed; PEEK_BYTES of them are enough.
        key: its key, for the extension and for messages.
        complete: whether `head` is all of it.
        compression: as `compression_of` found; anything but `none` makes it one stream.
        dataset: whose configuration decides before anything is guessed.

    Raises:
        PeekError: `unsupported_content`, `undecodable_header`, `header_too_long`, `header_unterminated`.
    """
    encoding, bom = _encoding_of(head, dataset.format.encoding)
    _refuse_binary(head, key)
    text = _as_utf8(head[bom:], encoding)
    if not encoding.startswith("utf-16"):
        _refuse_nuls(text, key)
    kind, remarks = _type_of(text, key=key, complete=complete, format_=dataset.format)
    splittable = compression == "none" and not encoding.startswith("utf-16") and kind != "json"
    common = {"compression": compression, "encoding": encoding, "splittable": splittable}
    if kind in ("json", "jsonl"):
        return Reading(type=kind, body_start=bom, remarks=remarks, **common)
    delimiter, remark = sniff_delimiter(text, kind=kind, complete=complete, format_=dataset.format)
    if delimiter == dataset.format.quote:
        raise PeekError("unsupported_content", f"{key}: delimiter and quote are both {delimiter!r}; configure another")
    dialect = Dialect.of(delimiter, dataset.format.quote)
    columns, consumed = _header(text, dialect, key=key, complete=complete, encoding=encoding, format_=dataset.format)
    return Reading(
        type=kind,
        delimiter=delimiter,
        quote=dataset.format.quote,
        columns=columns,
        body_start=bom + _raw_length(text[:consumed], encoding),
        remarks=remarks + ((remark,) if remark else ()),
        **common,
    )


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


def _refuse_binary(head: bytes, key: str) -> None:
    for magic, name in _MAGIC.items():
        if head.startswith(magic) and (len(magic) > 3 or not head[:64].isascii() or b"\x00" in head[:64]):
            raise PeekError(
                "unsupported_content",
                f"{key} holds {name} data, which is not processed: upload CSV, JSON Lines or JSON, plain, gzip or zstd",
            )


def _refuse_nuls(text: bytes, key: str) -> None:
    # A stray NUL is a character of a bad export; every eighth byte is UTF-16 without its mark, or no text at all.
    if text.count(b"\x00") * 8 > len(text):
        raise PeekError(
            "unsupported_content",
            f"{key} is binary, or UTF-16 without a byte order mark: set format.encoding in its dataset if it is text",
        )


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

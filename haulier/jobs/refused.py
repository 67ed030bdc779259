"""What cannot be read as records, told by its name at intake or by its first bytes, each with what to do instead."""

from haulier.contracts.dataset import InputCompression
from haulier.jobs.compression import SPLIT, compression_by_content, suffix_behind

_ONLY = "records are read from CSV and JSON only; if it holds such records, set format.type in its dataset"
REFUSED = {
    **dict.fromkeys((".lzma", ".lz4", ".br", ".z"), "of its compression: use gzip, zstd, bz2, xz or zip"),
    **dict.fromkeys(
        (".7z", ".rar", ".tar", ".tgz", ".tbz2", ".txz", ".jar"),
        "it is an archive: upload its members, or zip them",
    ),
    **dict.fromkeys((".z01", ".z02", ".z03"), "it is one piece of a split zip: join them (zip -s 0) and upload that"),
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
_MAGIC = {
    SPLIT: "split zip", b"\x04\x22\x4d\x18": "lz4", b"\x1f\x9d": "compress (.Z)",
    b"7z\xbc\xaf\x27\x1c": "7z", b"Rar!\x1a\x07": "RAR", b"PAR1": "Parquet", b"%PDF": "PDF",
    b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"\x7fELF": "ELF", b"ORC": "ORC", b"Obj\x01": "Avro",
    b"ARROW1": "Arrow", b"\xff\xfe\x00\x00": "UTF-32", b"\x00\x00\xfe\xff": "UTF-32",
}  # fmt: skip


class PeekError(Exception):
    """The object cannot be read as records. `code` is stable; the message names the object and what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def refused_suffix(key: str) -> str | None:
    """Why an object of this name cannot be processed, or None. What has no telling extension is decided by content."""
    suffix = suffix_behind(key)
    return f"{key}: files of type {suffix} are not processed: {REFUSED[suffix]}" if suffix in REFUSED else None


def refuse_packed(head: bytes, key: str, compression: InputCompression) -> None:
    """Refuses what is still compressed once `compression` is undone.

    Raises:
        PeekError: `unsupported_content`.
    """
    found = compression_by_content(head)
    if found is None:
        return
    how = (
        f"holds {found} data, and its dataset says compression: none"
        if compression == "none"
        else f"holds {found} data once its {compression} is undone, and only one layer is undone"
    )
    raise PeekError("unsupported_content", f"{key} {how}; upload what is inside, compressed once or not at all")


def refuse_binary(head: bytes, key: str) -> None:
    """Refuses what the magic of another format begins.

    Raises:
        PeekError: `unsupported_content`.
    """
    if head[257:262] == b"ustar":
        raise PeekError("unsupported_content", f"{key} is a tar archive: upload its members, or zip them")
    for magic, name in _MAGIC.items():
        if head.startswith(magic) and (len(magic) > 3 or not head[:64].isascii() or b"\x00" in head[:64]):
            raise PeekError(
                "unsupported_content",
                f"{key} holds {name} data, which is not processed: upload CSV, JSON Lines or JSON, plain or as gzip, "
                "zstd, bz2, xz or zip",
            )


def refuse_nuls(text: bytes, key: str) -> None:
    """Refuses what is no text.

    Raises:
        PeekError: `unsupported_content`.
    """
    # A stray NUL is a character of a bad export; every eighth byte is UTF-16 without its mark, or no text at all.
    if text.count(b"\x00") * 8 > len(text):
        raise PeekError(
            "unsupported_content",
            f"{key} is binary, or UTF-16 without a byte order mark: set format.encoding in its dataset if it is text",
        )

"""How an object is compressed, by its name and by its first bytes. Content is believed, a name only promises."""

from haulier.contracts.dataset import InputCompression

SUFFIXES: dict[str, InputCompression] = {
    ".gz": "gzip",
    ".gzip": "gzip",
    ".zst": "zstd",
    ".zstd": "zstd",
    ".bz2": "bz2",
    ".bzip2": "bz2",
    ".xz": "xz",
    ".zip": "zip",
}
_MAGIC: dict[bytes, InputCompression] = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    **{bytes([low]) + b"\x2a\x4d\x18": "zstd" for low in range(0x50, 0x60)},
    b"\xfd7zXZ\x00": "xz",
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"PK00PK\x03\x04": "zip",
    **{b"BZh%d%b" % (level, block): "bz2" for level in range(1, 10) for block in (b"1AY&SY", b"\x17rE8P\x90")},
}
"""RFC 1952; RFC 8878, its skippable frames among them; the xz format 1.2.1; APPNOTE.TXT 4.3, an archive without members
and one made for several disks that took one among them; bzip2 with a first block or none. What is only ASCII (bzip2's)
is as long as it can be, so that no text is taken for it.
"""
SPLIT = b"PK\x07\x08"
"""A zip's first piece of several (APPNOTE.TXT 8.5.5)."""


def compression_by_name(key: str) -> InputCompression | None:
    """What the last extension promises; any case."""
    suffixes = _suffixes(key)
    return SUFFIXES.get(suffixes[-1]) if suffixes else None


def suffix_behind(key: str) -> str:
    """The last extension once those of compressions are taken off, `.csv` of `a.csv.gz`; empty if there is none."""
    suffixes = _suffixes(key)
    while suffixes and suffixes[-1] in SUFFIXES:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def _suffixes(key: str) -> list[str]:
    name = key.rsplit("/", 1)[-1].lower()
    return ["." + part for part in name.split(".")[1:]]


def compression_by_content(head: bytes, *, promised: InputCompression | None = None) -> InputCompression | None:
    """What the first bytes say; None if they are not those of any compression.

    Args:
        head: the object's first bytes, sixteen or more where it has them.
        promised: by the name. What is cut off before its magic ends is still what it promised, so that the fragment is
            told to be one, and is not read as text.
    """
    for magic, compression in _MAGIC.items():
        if head.startswith(magic):
            return compression
    if head and promised is not None and any(m.startswith(head) for m, found in _MAGIC.items() if found == promised):
        return promised
    return None

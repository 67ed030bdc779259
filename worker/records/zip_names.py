"""Names of a zip's members: as they are meant, as messages show them, and what they say of members without records."""

import stat
import zipfile
from collections.abc import Sequence

UTF8_NAME = 0x0800
"""General purpose bit 11: the name is UTF-8 (APPNOTE.TXT 4.4.4)."""
_UNIX = (3, 19)
"""Made by: Unix, macOS (APPNOTE.TXT 4.4.2)."""
_CLUTTER = ("__MACOSX/",)
_CLUTTER_NAMES = (".ds_store", "thumbs.db", "desktop.ini")
_SHOWN_NAMES = 5
_SHOWN_CHARS = 200


def named(info: zipfile.ZipInfo) -> str:
    """The name that is meant: by its Unicode path field, where Python reads that (from 3.12 on), else by its encoding.

    Without bit 11 that is code page 437 (APPNOTE.TXT, appendix D), but Info-ZIP on Unix and macOS write the name as
    their file system has it, UTF-8; what is UTF-8 by chance is not to be feared, as `unzip` reads it so, too.
    """
    if info.flag_bits & UTF8_NAME or info.create_system not in _UNIX:
        return info.filename
    try:
        return info.filename.encode("cp437").decode()
    except UnicodeError:
        return info.filename


def shown(name: str) -> str:
    """A member's name as messages show it, with its end: its extension says what it promises."""
    text = name if name.isprintable() else ascii(name)[1:-1]
    return text if len(text) <= _SHOWN_CHARS else f"{text[: _SHOWN_CHARS // 2]}…{text[-_SHOWN_CHARS // 2 + 1 :]}"


def listed(names: Sequence[str]) -> str:
    """Some of the names, and how many more there are."""
    some = ", ".join(shown(name) for name in names[:_SHOWN_NAMES])
    return some if len(names) <= _SHOWN_NAMES else f"{some} and {len(names) - _SHOWN_NAMES} more"


def is_link(info: zipfile.ZipInfo) -> bool:
    """What it holds is a path (the upper half of the attributes is Unix's file mode); what that leads to is a member
    itself, or is not here.
    """
    return info.create_system in _UNIX and stat.S_ISLNK(info.external_attr >> 16)


def is_clutter(name: str) -> bool:
    """What file managers add: macOS its resource forks, both systems their views of a folder."""
    return name.startswith(_CLUTTER) or name.rsplit("/", 1)[-1].lower() in _CLUTTER_NAMES

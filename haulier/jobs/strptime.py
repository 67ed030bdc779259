"""Formats that say how a date or timestamp is written, in chrono's words: those that would be read, but wrongly."""

import re

_DIRECTIVE = re.compile(r"%(%|[-_0]?[.:#]*[0-9]?[A-Za-z+])")


def misread(pattern: str) -> str | None:
    """What is wrong with a format, if it gives other values than it seems to.

    `%f` counts nanoseconds, whatever stands before it: Python's `%S.%f` would read 10:00:00.5 as five nanoseconds.
    `%Z` reads a zone's name and ignores it. `%9f` has more digits than a timestamp keeps.
    """
    for word in _DIRECTIVE.findall(pattern):
        if word in ("f", "9f"):
            return (
                f"{pattern!r}: %{word} counts nanoseconds: write %.f for a point and the digits behind it, %3f or %6f "
                "for digits without a point"
            )
        if word == "Z":
            return f"{pattern!r}: %Z reads a zone's name and ignores it: write %z for an offset, or the name as it is"
    return None


def tells_offset(pattern: str) -> bool:
    """Whether what a format reads is a moment by itself: with an offset, or seconds since 1970."""
    return any(word.endswith(("z", "+")) or word == "s" for word in _DIRECTIVE.findall(pattern))


def reads_fraction(pattern: str) -> bool:
    """Whether a format reads a point and as many digits behind it as there are."""
    return any(word in (".f", ".9f", "+") for word in _DIRECTIVE.findall(pattern))

"""Numbers and times as people read them."""

from haulier.contracts.limits import GIB, KIB, MIB, TIB

SHORT_ID_CHARS = 9
NONE = "-"


def count(value: int | None) -> str:
    """`1,234`, or a dash."""
    return NONE if value is None else f"{value:,}"


def rounded(value: int) -> str:
    """`9999`, `337k`, `12.3M`, `1.2G`: at most five characters."""
    for unit, name in ((10**9, "G"), (10**6, "M")):
        if value >= unit:
            return f"{value / unit:.1f}{name}" if value < 100 * unit else f"{value // unit}{name}"
    return f"{value // 1000}k" if value >= 10_000 else str(value)


def size(value: int | None) -> str:
    """Bytes with the largest binary unit of which there is at least one: `31.1 MiB`."""
    if value is None:
        return NONE
    for unit, name in ((TIB, "TiB"), (GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if value >= unit:
            return f"{value / unit:.1f} {name}"
    return f"{value} B"


def duration(seconds: float | None) -> str:
    """`0.42 s`, `12.3 s`, `3 m 05 s`, `2 h 07 m`."""
    if seconds is None:
        return NONE
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} m"


def rate(megabytes_per_second: float | None) -> str:
    """10^6 bytes a second with three digits or so."""
    if megabytes_per_second is None:
        return NONE
    return f"{megabytes_per_second:.0f}" if megabytes_per_second >= 100 else f"{megabytes_per_second:.1f}"


def short(job_id: str) -> str:
    """As much of an id as is shown in a table; a unique beginning is as good as the whole."""
    return job_id[:SHORT_ID_CHARS]


def moment(iso: str | None) -> str:
    """`2026-11-21 09:30:00`, UTC."""
    return iso[:19].replace("T", " ") if iso else NONE

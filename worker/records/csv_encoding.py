"""A clean block's text as UTF-8 for the parser, and where it holds bytes that are no characters."""

import polars as pl

from worker.records.spans import byte_series

_UNDEFINED_IN_CP1252 = (0x81, 0x8D, 0x8F, 0x90, 0x9D)


def utf8_of(data: bytes, encoding: str) -> tuple[bytes, pl.Series | None]:
    """The text in UTF-8, delimiters and line ends at the same places in the same order, and the positions in `data` of
    bytes that cannot be decoded (each became a `?`), None if there are none.
    """
    if data.isascii():
        return data, None
    if encoding == "latin-1":
        return data.decode("latin-1").encode(), None
    if encoding == "cp1252":
        bad = byte_series(data).is_in(pl.Series(_UNDEFINED_IN_CP1252, dtype=pl.UInt8).implode()).arg_true()
        return data.decode("cp1252", "replace").encode(), bad if len(bad) else None
    if _is_utf8(data):
        return data, None
    # Undecodable bytes become lone surrogates, and those become `?`: one byte for one byte, so that nothing moves.
    patched = data.decode("utf-8", "surrogateescape").encode("utf-8", "replace")
    return patched, (byte_series(patched) != byte_series(data)).arg_true()


def _is_utf8(data: bytes) -> bool:
    try:
        pl.Series([data], dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.ComputeError:
        return False
    return True

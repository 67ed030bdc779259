"""Files made to mislead whoever guesses, from the bytes after a cut alone, where the next record starts.

All have four columns and a header. They are small: many cuts, not many bytes, are what is wanted.
"""

import random
from collections.abc import Callable, Iterator

HEADER = b"a,b,c,d\n"
_ENDS = ("\n", "\r\n", "\r")


def _newlines_everywhere(rng: random.Random) -> bytes:
    """Quoted fields whose lines look like records of four fields."""
    inner = "\n".join(f"{rng.randint(1, 99)},x,y,z" for _ in range(rng.randint(1, 12)))
    return f'{rng.randint(1, 99)},"{inner}",u,"{inner}"\n'.encode()


def _bare_quotes(rng: random.Random) -> bytes:
    """Quotes inside unquoted fields are characters."""
    return f'{rng.randint(1, 9)}" pipe,5\' 11",say "hi",{rng.randint(1, 99)}\n'.encode()


def _bare_and_quoted(rng: random.Random) -> bytes:
    """Both, and never the same number of quotes in a row."""
    if rng.random() < 0.5:
        return _bare_quotes(rng)
    return f'"{rng.randint(1, 99)}, or\n{"x, " * rng.randint(0, 5)}",b"{"q" * rng.randint(0, 3)},c,"d ""e"""\n'.encode()


def _cr_cr_lf(rng: random.Random) -> bytes:
    """CR CR LF: a record's end and an empty line, or two characters of a quoted field."""
    return f'{rng.randint(1, 99)},"one\r\r\ntwo",c,{rng.randint(1, 99)}\r\r\n'.encode()


def _mixed_ends(rng: random.Random) -> bytes:
    inside, end = rng.choice(_ENDS), rng.choice(_ENDS)
    return f'{rng.randint(1, 99)},"p{inside}q",c,d{end}'.encode()


def _long_fields(rng: random.Random) -> bytes:
    """Fields of up to 1.5 MiB that hold a whole file of four columns."""
    inner = "".join(f"{n},{n % 7},text,{n}\n" for n in range(rng.randint(10_000, 80_000)))
    return f'{rng.randint(1, 99)},"{inner}",c,d\n'.encode()


def _doubled(rng: random.Random) -> bytes:
    """Doubled quotes next to delimiters and line ends: closing and opening look alike."""
    inner = rng.choice(['"",""', '""\n""', ',""\n"",', '""""', '""\n'])
    return f'"{inner}","{inner}x","y{inner}",{rng.randint(1, 9)}\n'.encode()


def _undecidable(_: random.Random) -> bytes:
    """Inside and outside of quotes read the same: no guess can know, so half of them must be wrong."""
    return b'x,y,z,"\nx,y,z,"\n'


_ROWS: dict[str, Callable[[random.Random], bytes]] = {
    "quoted newlines everywhere": _newlines_everywhere,
    "bare quotes": _bare_quotes,
    "bare and quoted": _bare_and_quoted,
    "CR CR LF": _cr_cr_lf,
    "mixed line ends": _mixed_ends,
    "quoted fields of up to 1.5 MiB": _long_fields,
    "doubled quotes": _doubled,
    "undecidable by design": _undecidable,
}


def files(seed: int, size: int) -> Iterator[tuple[str, bytes]]:
    """Name and content of each, of at least `size` bytes."""
    for name, row in _ROWS.items():
        rng = random.Random(seed)
        out, length = [HEADER], 0
        while length < size:
            out.append(row(rng))
            length += len(out[-1])
        yield name, b"".join(out)
    lines = b"".join(b"%d,%d,text,%d\n" % (n, n % 7, n) for n in range(size // 16))
    yield "one quoted field, to the end", HEADER + b'1,"' + lines + b'",c,d\n'

"""Orders: 12 columns of every type; quoted commas, quoted newlines, doubled quotes; one row in a hundred is bad.

`CSV_FLAWS` and `JSON_FLAWS` say how a row is damaged and under which code it must be set aside. They come in turn, so
that every kind is there in equal parts.
"""

import json
import random
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple

from bench.data.recipe import Truth

COLUMNS = (
    "order_id", "customer", "email", "quantity", "unit_price", "amount", "order_date", "created_at", "status",
    "country", "gift", "note",
)  # fmt: skip
STATUSES = ("new", "paid", "shipped", "returned", "cancelled")
HEADER = (",".join(COLUMNS) + "\n").encode()
BAD_ONE_IN = 100

SCHEMA: dict[str, Any] = {
    "columns": [
        {"name": "order_id", "type": "integer", "required": True},
        {"name": "customer", "type": "string", "required": True},
        {"name": "email", "type": "string"},
        {"name": "quantity", "type": "integer", "required": True, "min": 1},
        {"name": "unit_price", "type": "decimal", "precision": 12, "scale": 2},
        {"name": "amount", "type": "float"},
        {"name": "order_date", "type": "date"},
        {"name": "created_at", "type": "timestamp"},
        {"name": "status", "type": "string", "enum": list(STATUSES)},
        {"name": "country", "type": "string"},
        {"name": "gift", "type": "boolean"},
        {"name": "note", "type": "string"},
    ]
}

_FIRST = "Anna Ben Carla David Eva Felix Grace Hugo Ida Jan Karin Leo Mona Nils Olga Paul Zoë José Łukasz Åsa".split()
_LAST = "Smith Jones Müller Schmidt Garcia Rossi Novak Kowalski Silva Tanaka Kim Nguyen Patel Okafor Byrne".split()
_COUNTRIES = "DE FR US GB IT ES PL SE NO DK JP KR BR IN AU CA".split()
_WORDS = "order shipped late gift wrap fragile handle care return customer called back invoice sent due urgent".split()
_DAY = date(2015, 1, 1)
_DAYS = [(_DAY + timedelta(days=n)).isoformat() for n in range(4000)]
_SECONDS = [f"T{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}" for s in range(86400)]


class Order(NamedTuple):
    order_id: int
    customer: str
    email: str
    quantity: int
    unit_price: str
    amount: str
    order_date: str
    created_at: str
    status: str
    country: str
    gift: bool
    note: str


def orders(seed: int) -> Iterator[Order]:
    """Good orders without end, numbered from 1."""
    rng = random.Random(seed)
    pick, number = rng.choice, 0
    while True:
        number += 1
        bits = rng.getrandbits(64)
        first, last = pick(_FIRST), pick(_LAST)
        quantity, cents = bits % 499 + 1, (bits >> 9) % 99_949 + 50
        day = _DAYS[(bits >> 26) % len(_DAYS)]
        made = f"{day}{_SECONDS[(bits >> 38) % 86400]}.{(bits >> 16) % 1000:03}Z"
        yield Order(
            number, f"{first} {last}", f"{first.lower()}.{last.lower()}{number % 9973}@example.com", quantity,
            f"{cents // 100}.{cents % 100:02}", f"{quantity * cents / 100:.2f}", day, made, pick(STATUSES),
            pick(_COUNTRIES), bits & 1 == 1, _note(bits >> 55, pick),
        )  # fmt: skip


def _note(kind: int, pick: Any) -> str:
    """12 % with a comma, 3 % with a newline, 2 % with quotes, 23 % empty; `kind` is below 512."""
    words = f"{pick(_WORDS)} {pick(_WORDS)} {pick(_WORDS)}"
    if kind < 61:
        return f"{words}, {pick(_WORDS)}"
    if kind < 77:
        return f"{words}\n{pick(_WORDS)}, {pick(_WORDS)}"
    if kind < 87:
        return f'said "{pick(_WORDS)}" {words}'
    return "" if kind < 205 else words


CSV_FLAWS: tuple[tuple[str, str, str], ...] = (
    ("order_id", "x17", "bad_type"),
    ("quantity", "many", "bad_type"),
    ("quantity", "", "required"),
    ("quantity", "0", "out_of_range"),
    ("unit_price", "12.3.4", "bad_type"),
    ("amount", "N/A", "bad_type"),
    ("order_date", "2024-13-45", "bad_type"),
    ("status", "misplaced", "not_in_enum"),
    ("+", "one field too many", "too_many_fields"),
    ("-", "", "too_few_fields"),
)
"""Column (or one too many, one too few), what stands there instead, reject code."""


def csv_rows(seed: int, size: int) -> tuple[bytes, Truth]:
    """Whole rows of at least `size` bytes, without a header."""
    out: list[bytes] = []
    bad: Counter[str] = Counter()
    length = flawed = 0
    for order in orders(seed):
        fields = [*map(str, order[:10]), "true" if order.gift else "false", _quoted(order.note)]
        if order.order_id % BAD_ONE_IN == 0:
            column, text, code = CSV_FLAWS[flawed % len(CSV_FLAWS)]
            flawed += 1
            bad[code] += 1
            if column == "+":
                fields.append(text)
            elif column == "-":
                fields.pop()
            else:
                fields[COLUMNS.index(column)] = text
        row = (",".join(fields) + "\n").encode()
        out.append(row)
        length += len(row)
        if length >= size:
            return b"".join(out), Truth(order.order_id, dict(bad))
    raise AssertionError("orders never end")


def _quoted(text: str) -> str:
    if '"' in text or "," in text or "\n" in text:
        return '"' + text.replace('"', '""') + '"'
    return text


JSON_FLAWS: tuple[tuple[str, Any, str], ...] = (
    ("order_id", "x17", "bad_type"),
    ("quantity", None, "required"),
    ("quantity", 0, "out_of_range"),
    ("unit_price", "12.3.4", "bad_type"),
    ("order_date", "2024-13-45", "bad_type"),
    ("status", "misplaced", "not_in_enum"),
    ("[", None, "not_an_object"),
    ("{", None, "bad_json"),
)
"""As CSV_FLAWS: an array where an object should be, a line that is cut off (which an array cannot hold)."""


ARRAY_FLAWS = JSON_FLAWS[:-1]


def json_rows(
    seed: int, size: int, *, flaws: tuple[tuple[str, Any, str], ...] = JSON_FLAWS, end: bytes = b"\n"
) -> tuple[bytes, Truth]:
    """Objects of at least `size` bytes, each followed by `end`."""
    out: list[bytes] = []
    bad: Counter[str] = Counter()
    length = flawed = 0
    for order in orders(seed):
        values = order._asdict() | {"unit_price": float(order.unit_price), "amount": float(order.amount)}
        column = ""
        if flaws and order.order_id % BAD_ONE_IN == 0:
            column, value, code = flaws[flawed % len(flaws)]
            flawed += 1
            bad[code] += 1
            if column in COLUMNS:
                values[column] = value
        text = json.dumps(list(values.values()) if column == "[" else values, ensure_ascii=False)
        row = (text[: len(text) // 2] if column == "{" else text).encode() + end
        out.append(row)
        length += len(row)
        if length >= size:
            return b"".join(out), Truth(order.order_id, dict(bad))
    raise AssertionError("orders never end")

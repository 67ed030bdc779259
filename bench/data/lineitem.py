"""Line items in the shape of TPC-H's largest table: 16 columns between bars, no header, no quotes, no bad row.

Ranges as in the TPC-H specification 3.0.1, section 4.2.3, drawn by our own generator: the shape is theirs, the rows are
not `dbgen`'s. A closing bar, which `dbgen` writes, would be a 17th field and is left out.
"""

import random
from datetime import date, timedelta
from typing import Any

from bench.data.recipe import Truth

SCHEMA: dict[str, Any] = {
    "columns": [
        {"name": "l_orderkey", "type": "integer", "required": True},
        {"name": "l_partkey", "type": "integer"},
        {"name": "l_suppkey", "type": "integer"},
        {"name": "l_linenumber", "type": "integer"},
        {"name": "l_quantity", "type": "decimal", "precision": 15, "scale": 2},
        {"name": "l_extendedprice", "type": "decimal", "precision": 15, "scale": 2},
        {"name": "l_discount", "type": "decimal", "precision": 15, "scale": 2},
        {"name": "l_tax", "type": "decimal", "precision": 15, "scale": 2},
        {"name": "l_returnflag", "type": "string"},
        {"name": "l_linestatus", "type": "string"},
        {"name": "l_shipdate", "type": "date"},
        {"name": "l_commitdate", "type": "date"},
        {"name": "l_receiptdate", "type": "date"},
        {"name": "l_shipinstruct", "type": "string"},
        {"name": "l_shipmode", "type": "string"},
        {"name": "l_comment", "type": "string"},
    ]
}
COLUMNS = [column["name"] for column in SCHEMA["columns"]]

_INSTRUCTIONS = ("DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN")
_MODES = ("REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB")
_WORDS = "furiously carefully quickly ironic final deposits sleep blithely regular accounts packages haggle".split()
_DAYS = [(date(1992, 1, 1) + timedelta(days=n)).isoformat() for n in range(2600)]


def rows(seed: int, size: int) -> tuple[bytes, Truth]:
    """Whole rows of at least `size` bytes."""
    rng = random.Random(seed)
    pick, out, length, count, order = rng.choice, [], 0, 0, 0
    while length < size:
        order += 1
        for line in range(1, rng.randint(1, 7) + 1):
            bits = rng.getrandbits(64)
            quantity, price, shipped = bits % 50 + 1, (bits >> 6) % 110_000 + 90_000, (bits >> 24) % 2500
            cents = quantity * price
            row = (
                f"{order}|{(bits >> 30) % 200_000 + 1}|{(bits >> 40) % 10_000 + 1}|{line}|{quantity}.00|"
                f"{cents // 100}.{cents % 100:02}|0.{bits % 11:02}|0.{bits % 9:02}|{'RAN'[bits % 3]}|{'OF'[bits % 2]}|"
                f"{_DAYS[shipped]}|{_DAYS[shipped + bits % 60]}|{_DAYS[shipped + bits % 31]}|{pick(_INSTRUCTIONS)}|"
                f"{pick(_MODES)}|{pick(_WORDS)} {pick(_WORDS)} {pick(_WORDS)}\n"
            ).encode()
            out.append(row)
            length += len(row)
            count += 1
    return b"".join(out), Truth(count)
